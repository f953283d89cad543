import Glibc
import Linux
import Tar

/// Writes the combined tree of layers as one tar.
final class TreeTar {
    private struct Identity: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    private let stack: LayerStack
    private let tar: TarWriter
    private let hasDevices: Bool
    private var linked: [Identity: String] = [:]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)

    init(_ stack: LayerStack, _ tar: TarWriter, hasDevices: Bool) {
        self.stack = stack
        self.tar = tar
        self.hasDevices = hasDevices
    }

    deinit { buffer.deallocate() }

    func write() throws {
        guard let root = try stack.find("") else { return }
        try writeFolder(root, "")
        try tar.finish()
    }

    private func writeFolder(_ folder: LayerStack.Found, _ path: String) throws {
        guard path.utf8.count <= 4096 else { throw ImageError.tooLarge("a path of more than 4096 bytes") }
        for name in try stack.names(in: folder) {
            guard let entry = try stack.entry(name, in: folder.layers) else { continue }
            try write(entry, path.isEmpty ? name : "\(path)/\(name)")
        }
    }

    private func write(_ entry: LayerStack.Found, _ path: String) throws {
        let status = entry.status
        var header = TarWriter.Header(path: path, type: "0")
        header.mode = status.st_mode & 0o7777
        header.owner = (status.st_uid, status.st_gid)
        header.modification = status.st_mtim
        if !entry.isFolder, status.st_nlink > 1 {
            let identity = Identity(device: status.st_dev, inode: status.st_ino)
            if let first = linked[identity] {
                header.type = "1"
                header.link = first
                return try tar.add(header)
            }
            linked[identity] = path
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let file = try entry.open()
            header.attributes = try attributes(of: file)
            header.size = Int64(status.st_size)
            try tar.add(header)
            try copy(file, header.size, path)
            try tar.pad(header.size)
        case S_IFDIR:
            header.type = "5"
            header.path += "/"
            if let top = entry.layers.first { header.attributes = try attributes(of: top.handle) }
            try tar.add(header)
            try writeFolder(entry, path)
        case S_IFLNK:
            header.type = "2"
            header.link = try entry.linkTarget() ?? ""
            try tar.add(header)
        case S_IFIFO where hasDevices:
            header.type = "6"
            try tar.add(header)
        case S_IFCHR where hasDevices, S_IFBLK where hasDevices:
            header.type = status.st_mode & S_IFMT == S_IFCHR ? "3" : "4"
            header.device = LayerPacker.numbers(of: UInt64(status.st_rdev))
            try tar.add(header)
        default: return
        }
    }

    private func copy(_ file: borrowing OwnedFD, _ size: Int64, _ path: String) throws {
        var left = size
        while left > 0 {
            let count = try file.read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, Int(left))]))
            guard count > 0 else { throw ImageError.failed("/\(path) changed while it was read") }
            try tar.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            left -= Int64(count)
        }
    }

    private func attributes(of file: borrowing OwnedFD) throws -> [(name: String, value: [UInt8])] {
        var result: [(name: String, value: [UInt8])] = []
        for name in try file.attributeNames().sorted() where isLayerAttribute(name) {
            if let value = try file.attribute(name) { result.append((name, value)) }
        }
        return result
    }
}

/// Writes the combined files of the layers in `folders`, top first, as a tar, piece by piece, to `sink`. Without
/// `hasDevices` it skips devices and FIFOs, because not every reader may create them. Blocks: run it on a
/// `BlockingPool`.
package func writeTree(
    of folders: [String], hasDevices: Bool, to sink: @escaping (UnsafeRawBufferPointer) throws -> Void
) throws {
    try TreeTar(try LayerStack(folders), TarWriter(sink), hasDevices: hasDevices).write()
}
