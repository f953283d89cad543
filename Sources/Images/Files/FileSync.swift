import Glibc
import Linux

/// How to copy an archive's files into a running container.
package struct FileSync: Codable, Hashable, Sendable {
    /// Paths to remove first, with everything below them.
    package var removed: [String]
    /// The owner of the files; nil means the numbers in the archive.
    package var user: UInt32?
    package var group: UInt32?

    package init(removed: [String], user: UInt32? = nil, group: UInt32? = nil) {
        self.removed = removed
        self.user = user
        self.group = group
    }
}

/// Writes an archive's files into a tree that others use at the same time. It creates each file beside its place and
/// renames it, so that nobody reads a partial file. The kernel resolves every path with `root` as its root.
///
/// If one file fails, it records the failure and writes the others.
final class FileSynchroniser {
    private let root: OpenFolder
    private let wish: FileSync
    private var lastParent: (path: ArraySlice<String>, folder: OpenFolder)?
    /// At most `faultLimit` failures.
    private(set) var faults: [String] = []
    private static let faultLimit = 50
    /// A name that nobody else uses, not even another synchroniser.
    private let temporary = ".berth-" + String(UInt64.random(in: 0 ... .max), radix: 16)

    init(root: consuming OwnedFD, _ wish: FileSync) {
        self.root = OpenFolder(root)
        self.wish = wish
    }

    func removeAll() {
        for text in wish.removed {
            noting(text) {
                let path = try LayerPath(text)
                guard !path.components.isEmpty else { throw ImageError.invalidArchive("the root cannot be removed") }
                guard let parent = try existing(path.parent) else { return }
                try remove(path.name, in: parent.handle, device: try parent.handle.status().st_dev)
            }
        }
    }

    /// Keep mounts: the data of a volume are not source files.
    private func remove(_ name: String, in folder: borrowing OwnedFD, device: dev_t) throws {
        guard let status = try folder.status(of: name) else { return }
        guard status.st_dev == device else { throw SyscallError(call: "unlinkat", object: name, code: .busy) }
        if status.st_mode & S_IFMT == S_IFDIR {
            lastParent = nil
            let inner = try folder.openEntry(name, O_RDONLY | O_DIRECTORY)
            for child in try inner.entries() { try remove(child, in: inner, device: device) }
        }
        try folder.removeEntry(name)
    }

    /// `data` returns a file's content.
    func write(_ entry: TarEntry, data: ((UnsafeRawBufferPointer, Int64) throws -> Void) throws -> Void) throws {
        // If the archive itself is damaged, nothing after this point can be trusted.
        var broken: (any Error)?
        noting(entry.path) {
            let path = try LayerPath(entry.path)
            guard !path.components.isEmpty else { return }
            let parent = try folder(path.parent)
            switch entry.kind {
            case .file:
                try replace(path.name, entry, in: parent) { name in
                    let file = try parent.handle.openEntry(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                    do { try data { try file.write($0, at: $1) } } catch {
                        if error is ImageError { broken = error }
                        throw error
                    }
                    if case .file(let size) = entry.kind { try file.setLength(size) }
                    try file.setOwner(owner(of: entry))
                    try file.setMode(entry.mode)
                    try file.setTimes(access: entry.modification, modification: entry.modification)
                }
            case .symbolicLink(let target):
                try replace(path.name, entry, in: parent) { name in
                    try parent.handle.makeSymbolicLink(name, to: target)
                    try parent.handle.setOwner(of: name, owner(of: entry))
                }
            case .folder: try makeFolder(path.name, entry, in: parent)
            case .hardLink, .node: throw ImageError.invalidArchive("only files, folders and symbolic links are copied")
            }
        }
        if let broken { throw broken }
    }

    private func owner(of entry: TarEntry) -> Ownership {
        Ownership(user: wish.user ?? entry.owner.user, group: wish.group ?? entry.owner.group)
    }

    private func replace(
        _ name: String, _ entry: TarEntry, in parent: OpenFolder, _ make: (String) throws -> Void
    ) throws {
        let temporary = temporary
        do {
            try make(temporary)
            let status = try parent.handle.status(of: name)
            if status.map({ $0.st_mode & S_IFMT == S_IFDIR }) == true {
                lastParent = nil
                try remove(name, in: parent.handle, device: try parent.handle.status().st_dev)
            }
            if status.map({ $0.st_mode & S_IFMT == S_IFLNK }) == true { lastParent = nil }
            do throws(SyscallError) { try parent.handle.rename(temporary, to: name) } catch {
                // A file with something mounted on it cannot be replaced, but its content can.
                guard error.code == .busy, case .file = entry.kind else { throw error }
                try overwrite(name, with: temporary, in: parent)
            }
        } catch {
            try? parent.handle.removeEntry(temporary)
            throw error
        }
    }

    private func overwrite(_ name: String, with temporary: String, in parent: OpenFolder) throws {
        let source = try parent.handle.openEntry(temporary, O_RDONLY)
        let target = try parent.handle.openEntry(name, O_WRONLY | O_NONBLOCK)
        guard try target.status().st_mode & S_IFMT == S_IFREG else {
            throw ImageError.invalidArchive("something other than a file is mounted there")
        }
        try target.setLength(0)
        while true {
            let piece = try source.readBeginning(256 << 10)
            if piece.isEmpty { break }
            try target.write(piece)
        }
        try parent.handle.removeEntry(temporary)
    }

    private func makeFolder(_ name: String, _ entry: TarEntry, in parent: OpenFolder) throws {
        let status = try parent.handle.status(of: name)
        let isThere = status.map { $0.st_mode & S_IFMT == S_IFDIR } == true
        if !isThere {
            if status != nil { try parent.handle.removeEntry(name) }
            lastParent = nil
            try parent.handle.makeFolder(name)
        }
        let folder = try parent.handle.openEntry(name, O_RDONLY | O_DIRECTORY)
        // An existing file keeps its owner, which the image chose.
        if !isThere { try folder.setOwner(owner(of: entry)) }
        try folder.setMode(entry.mode)
    }

    private func existing(_ path: ArraySlice<String>) throws -> OpenFolder? {
        do throws(SyscallError) {
            return OpenFolder(try root.handle.folderInRoot(path.joined(separator: "/")))
        } catch {
            if error.code == .notFound || error.code == .notDirectory { return nil }
            throw error
        }
    }

    /// The folder at `path`; creates it and missing folders above it.
    private func folder(_ path: ArraySlice<String>) throws -> OpenFolder {
        if let lastParent, lastParent.path == path { return lastParent.folder }
        var folder = try existing(path)
        if folder == nil {
            for count in 1...max(1, path.count) where try existing(path.prefix(count)) == nil {
                guard let name = path.prefix(count).last, let parent = try existing(path.prefix(count - 1)) else {
                    break
                }
                try parent.handle.makeFolder(name)
                try parent.handle.setMode(of: name, 0o755)  // independent of the umask
            }
            folder = try existing(path)
        }
        guard let folder else {
            throw SyscallError(call: "open", object: "/\(path.joined(separator: "/"))", code: .notDirectory)
        }
        lastParent = (path, folder)
        return folder
    }

    private func noting(_ path: String, _ body: () throws -> Void) {
        do { try body() } catch {
            guard faults.count < Self.faultLimit else { return }
            let text = path.hasPrefix("/") ? path : "/\(path)"
            switch error {
            case let error as SyscallError: faults.append("\(text): \(error.code)")
            case ImageError.invalidArchive(let reason): faults.append("\(text): \(reason)")
            default: faults.append("\(text): \(error)")
            }
        }
    }
}

/// Writes the files of the tar in `archive` below `root`. Returns what failed.
func syncFiles(_ archive: CInt, into root: consuming OwnedFD, _ wish: FileSync) throws -> [String] {
    let writer = FileSynchroniser(root: root, wish)
    writer.removeAll()
    let reader = try TarReader(try DecompressedStream(archive, hashing: false, limit: UnpackLimits().bytes))
    while let entry = try reader.next() {
        try writer.write(entry) { try reader.readData($0) }
    }
    return writer.faults
}

/// Performs `wish` with the archive in the file system of `namespace`, a container's mount namespace, in a process that
/// sees nothing else of the machine. Blocks until it is done, or `leash` is cut.
/// - Returns: What could not be written or removed, and why.
package func syncFiles(
    _ wish: FileSync, from archive: borrowing OwnedFD, inMounts namespace: borrowing OwnedFD,
    by worker: UnpackWorker, leash: WorkerLeash
) throws -> [String] {
    guard case .process(let program) = worker else {
        throw ImageError.failed("the program that copies files into containers is missing")
    }
    let report = try performInWorker(
        .sync(wish), program, archive.raw, into: namespace, at: "the container", leash: leash)
    guard case .synced(let faults) = report else {
        throw ImageError.failed("the process that writes into the container gave an unexpected answer")
    }
    return faults
}
