import CLinux
import Glibc
import Linux

/// Copies what is at `path` in an image into the empty folder `target`, for a new volume. Keeps owners, modes,
/// attributes, times, symbolic and hard links. If there is no folder at `path`, leaves `target` unchanged.
///
/// `lower` are the image's layers, top first, as from `ImageStore.snapshot`. Blocks: run it on a `BlockingPool`.
/// - Returns: Whether something was copied.
@discardableResult
package func copyUp(_ path: String, from lower: [String], into target: String) throws -> Bool {
    try explainingFullDisk(target) {
        let stack = try LayerStack(lower)
        guard let source = try stack.find(path), source.isFolder, let top = source.layers.first else { return false }
        let copy = TreeCopy(stack)
        let folder = try openFile(target, O_RDONLY | O_DIRECTORY)
        try copy.content(of: source, to: folder)
        try copy.describe(folder, like: top.handle, source.status)
        return true
    }
}

/// One copy operation from a stack of layers; remembers files with several names.
final class TreeCopy {
    private struct Identity: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    private let stack: LayerStack
    private var linked: [Identity: (folder: OpenFolder, name: String)] = [:]

    init(_ stack: LayerStack) { self.stack = stack }

    /// Copies everything in the folder `source` into the folder `target`.
    func content(of source: LayerStack.Found, to target: borrowing OwnedFD) throws {
        for name in try stack.names(in: source) {
            guard let entry = try stack.entry(name, in: source.layers) else { continue }
            try copy(entry, to: name, in: target)
        }
    }

    /// Copies one entry; a folder with everything below it.
    func copy(_ source: LayerStack.Found, to name: String, in target: borrowing OwnedFD) throws {
        let status = source.status
        let identity = Identity(device: status.st_dev, inode: status.st_ino)
        if status.st_nlink > 1, !source.isFolder, let first = linked[identity] {
            return try target.makeHardLink(name, to: first.name, in: first.folder.handle)
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            try target.makeFolder(name)
            let folder = try target.openEntry(name, O_RDONLY | O_DIRECTORY)
            try content(of: source, to: folder)
            if let top = source.layers.first { try describe(folder, like: top.handle, status) }
        case S_IFREG:
            let original = try source.folder.handle.openEntry(source.name, O_RDONLY | O_NONBLOCK)
            let file = try target.openEntry(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try Self.copyBytes(from: original, to: file)
            try describe(file, like: original, status)
        case S_IFLNK:
            guard let link = try source.folder.handle.linkTarget(of: source.name) else { return }
            try target.makeSymbolicLink(name, to: link)
            try finishNode(name, in: target, status)
        case S_IFSOCK: return  // useless without the process that listens
        default:
            try target.makeNode(name, mode: status.st_mode, device: status.st_rdev)
            try finishNode(name, in: target, status)
            try target.setMode(of: name, status.st_mode & 0o7777)
        }
        if status.st_nlink > 1, !source.isFolder { linked[identity] = (OpenFolder(try target.duplicate()), name) }
    }

    /// Gives `file` the owner, mode, attributes and times of `original`.
    func describe(_ file: borrowing OwnedFD, like original: borrowing OwnedFD, _ status: stat) throws {
        try file.setOwner(Ownership(user: status.st_uid, group: status.st_gid))
        try file.setMode(status.st_mode & 0o7777)
        for name in try original.attributeNames() where isLayerAttribute(name) {
            guard let value = try original.attribute(name) else { continue }
            do throws(SyscallError) {
                try file.setAttribute(name, value)
            } catch {
                if error.code != .notSupported { throw error }  // this file system does not support such attributes
            }
        }
        try file.setTimes(access: status.st_atim, modification: status.st_mtim)
    }

    private func finishNode(_ name: String, in folder: borrowing OwnedFD, _ status: stat) throws(SyscallError) {
        try folder.setOwner(of: name, Ownership(user: status.st_uid, group: status.st_gid))
        try folder.setTimes(of: name, access: status.st_atim, modification: status.st_mtim)
    }

    /// Copies inside the kernel where possible, so that a file system with shared extents shares them
    /// (copy_file_range(2)).
    static func copyBytes(from original: borrowing OwnedFD, to file: borrowing OwnedFD) throws {
        while true {
            let count = berth_copy_file_range(original.raw, file.raw, 1 << 30)
            let code = Errno.current
            if count == 0 { return }
            if count > 0 || code == .interrupted { continue }
            // Old kernels refuse to copy between file systems. What was copied so far is at the current offsets.
            guard [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP].contains(code.rawValue) else {
                throw SyscallError(call: "copy_file_range", object: "fd \(file.raw)", code: code)
            }
            break
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try original.read(into: buffer)
            if count == 0 { return }
            try file.write(buffer[..<count])
        }
    }
}
