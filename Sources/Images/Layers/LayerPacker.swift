import CLinux
import Glibc
import Linux
import Tar

/// Writes the changes in a folder in overlayfs's form as a layer's tar: whiteouts for devices 0:0, opaque folders by
/// marker, hard links, attributes, holes. It sorts names by bytes, so the same tree gives the same bytes.
final class LayerPacker {
    private let tar: TarWriter
    private let opaque: Set<String>
    private let subject: Subject
    private var linked: [FileIdentity: String] = [:]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    /// The size of the files in bytes.
    private(set) var size: Int64 = 0
    private(set) var entries = 0

    /// What to pack.
    enum Subject: Hashable {
        /// The upper folder of an overlay, without these paths.
        case layer(without: Set<String>)
        /// Files in use: skips files that disappear meanwhile, and fills up with zeros those that become shorter. Packs
        /// these folders, and mounts of the kernel's own file systems, without their content.
        case live(empty: Set<FileIdentity>)
    }

    /// `opaque` are the folders that hide what is below them, relative to the root.
    init(_ tar: TarWriter, opaque: Set<String>, _ subject: Subject = .layer(without: [])) {
        self.tar = tar
        self.opaque = opaque
        self.subject = subject
    }

    private var isLayer: Bool { if case .layer = subject { true } else { false } }

    deinit { buffer.deallocate() }

    func pack(_ root: borrowing OwnedFD) throws {
        try packFolder(root, "")
        try tar.finish()
    }

    private func packFolder(_ folder: borrowing OwnedFD, _ path: String) throws {
        guard path.utf8.count <= 4096 else { throw ImageError.tooLarge("a path of more than 4096 bytes") }
        if opaque.contains(path) {
            entries += 1
            try tar.add(TarWriter.Header(path: path.isEmpty ? ".wh..wh..opq" : "\(path)/.wh..wh..opq", type: "0"))
        }
        for name in try sortedNames(folder, path) {
            guard let status = try folder.status(of: name) else { continue }
            let whole = path.isEmpty ? name : "\(path)/\(name)"
            if case .layer(let omitted) = subject, omitted.contains(whole) { continue }
            do {
                try pack(name, status, in: folder, whole)
            } catch let error as SyscallError
                where !isLayer && error.code == .notFound && error.object == name
            {
                continue  // it disappeared
            }
        }
    }

    /// Packs a folder with its content under another name; an empty name means the root of the archive.
    func packFolder(_ folder: borrowing OwnedFD, as path: String) throws {
        let status = try folder.status()
        var header = TarWriter.Header(path: path.isEmpty ? "./" : "\(path)/", type: "5")
        header.mode = status.st_mode & 0o7777
        header.owner = (status.st_uid, status.st_gid)
        header.modification = status.st_mtim
        header.attributes = try attributes(of: folder)
        try tar.add(header)
        if try !isLeftOut(folder) { try packFolder(folder, path) }
    }

    /// Whether nothing in the folder gets packed.
    private func isLeftOut(_ folder: borrowing OwnedFD) throws -> Bool {
        guard case .live(let empty) = subject else { return false }
        return try empty.contains(FileIdentity(folder.status())) || isKernelsOwn(folder)
    }

    /// Packs one entry under the name `path`; a folder with its content.
    func pack(_ name: String, _ status: stat, in folder: borrowing OwnedFD, _ path: String) throws {
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFSOCK else { return }  // useless without the process that listens
        entries += 1
        if isLayer, isWhiteout(status) {
            return try tar.add(TarWriter.Header(path: "\(path.dropLast(name.count)).wh.\(name)", type: "0"))
        }
        guard !isLayer || !name.hasPrefix(".wh.") else {
            throw ImageError.failed("/\(path): a layer cannot hold a name that begins with .wh.")
        }
        var header = TarWriter.Header(path: path, type: "0")
        header.mode = status.st_mode & 0o7777
        header.owner = (status.st_uid, status.st_gid)
        header.modification = status.st_mtim
        if kind != S_IFDIR, status.st_nlink > 1 {
            let identity = FileIdentity(status)
            if let first = linked[identity] {
                header.type = "1"
                header.link = first
                return try tar.add(header)
            }
            linked[identity] = path
        }
        switch kind {
        case S_IFREG: try packFile(name, status, in: folder, header)
        case S_IFDIR:
            let opened = try folder.openEntry(name, O_RDONLY | O_DIRECTORY)
            header.type = "5"
            header.path += "/"
            header.attributes = try attributes(of: opened)
            try tar.add(header)
            if try !isLeftOut(opened) { try packFolder(opened, path) }
        case S_IFLNK:
            header.type = "2"
            header.link = try folder.linkTarget(of: name) ?? ""
            try tar.add(header)
        case S_IFIFO:
            header.type = "6"
            try tar.add(header)
        default:
            header.type = kind == S_IFCHR ? "3" : "4"
            header.device = Self.numbers(of: UInt64(status.st_rdev))
            try tar.add(header)
        }
    }

    private func packFile(
        _ name: String, _ status: stat, in folder: borrowing OwnedFD, _ described: TarWriter.Header
    ) throws {
        let file = try folder.openEntry(name, O_RDONLY | O_NONBLOCK)
        let length = Int64(status.st_size)
        var header = described
        header.attributes = try attributes(of: file)
        size += length
        let missing = length - Int64(status.st_blocks) * 512
        let pieces = missing >= 64 << 10 ? try Self.pieces(of: file, length) : nil
        guard let pieces else {
            header.size = length
            try tar.add(header)
            try copy(file, from: 0, length, described.path)
            return try tar.pad(length)
        }
        // GNU's sparse format 1.0 inside pax: the map comes before the pieces (tar, "PAX Format, Version 1.0").
        var map = "\(pieces.count)\n"
        for piece in pieces { map += "\(piece.offset)\n\(piece.length)\n" }
        let filling = (512 - map.utf8.count % 512) % 512
        let slash =
            described.path.lastIndex(of: "/").map { described.path.index(after: $0) } ?? described.path.startIndex
        header.path = "\(described.path[..<slash])GNUSparseFile.0/\(described.path[slash...])"
        header.size = Int64(map.utf8.count + filling) + pieces.reduce(0) { $0 + $1.length }
        header.records = [
            ("GNU.sparse.major", Array("1".utf8)), ("GNU.sparse.minor", Array("0".utf8)),
            ("GNU.sparse.name", Array(described.path.utf8)), ("GNU.sparse.realsize", Array("\(length)".utf8)),
        ]
        try tar.add(header)
        try tar.append(Array(map.utf8) + [UInt8](repeating: 0, count: filling))
        for piece in pieces { try copy(file, from: piece.offset, piece.length, described.path) }
        try tar.pad(header.size)
    }

    /// The parts of a file between its holes (lseek(2), SEEK_DATA); nil if the file system does not report holes.
    private static func pieces(of file: borrowing OwnedFD, _ length: Int64) throws -> [(offset: Int64, length: Int64)]?
    {
        var pieces: [(offset: Int64, length: Int64)] = []
        var offset: Int64 = 0
        while offset < length {
            let start = Int64(lseek(file.raw, off_t(offset), seekData))
            if start < 0 {
                if Errno.current.rawValue == ENXIO { break }  // a hole up to the end
                return nil
            }
            let end = Int64(lseek(file.raw, off_t(start), seekHole))
            guard end > start else { return nil }
            pieces.append((start, min(end, length) - start))
            offset = end
        }
        // The map ends at the end of the file, so that readers know its length.
        if pieces.last.map({ $0.offset + $0.length }) != length { pieces.append((length, 0)) }
        return pieces
    }

    private func copy(_ file: borrowing OwnedFD, from offset: Int64, _ length: Int64, _ path: String) throws {
        var done: Int64 = 0
        while done < length {
            let wanted = Int(min(Int64(buffer.count), length - done))
            let count = try syscall("pread", on: path) {
                pread(file.raw, buffer.baseAddress, wanted, off_t(offset + done))
            }
            guard count > 0 else {
                guard !isLayer else { throw ImageError.failed("/\(path) changed while it was packed") }
                return try fill(length - done)
            }
            try tar.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            done += Int64(count)
        }
    }

    /// Writes zeros for the missing part.
    private func fill(_ length: Int64) throws {
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        var left = length
        while left > 0 {
            let count = Int(min(left, Int64(buffer.count)))
            try tar.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            left -= Int64(count)
        }
    }

    /// Major and minor number (makedev(3), the form of glibc).
    static func numbers(of device: UInt64) -> (major: UInt32, minor: UInt32) {
        let major = device >> 8 & 0xFFF | device >> 32 & ~0xFFF
        return (UInt32(truncatingIfNeeded: major), UInt32(truncatingIfNeeded: device & 0xFF | device >> 12 & ~0xFF))
    }

    private func attributes(of file: borrowing OwnedFD) throws -> [(name: String, value: [UInt8])] {
        var result: [(name: String, value: [UInt8])] = []
        for name in try file.attributeNames().sorted() where isLayerAttribute(name) {
            if let value = try file.attribute(name) { result.append((name, value)) }
        }
        return result
    }

    /// Sorted by bytes.
    private func sortedNames(_ folder: borrowing OwnedFD, _ path: String) throws -> [String] {
        let names = try folder.entries()
        if let odd = names.first(where: { $0.unicodeScalars.contains("\u{FFFD}") }) {
            throw ImageError.failed("/\(path)/\(odd): a layer cannot hold a name that is not UTF-8")
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }
}

// lseek(2): Glibc's module leaves them out.
private let seekData: CInt = 3
private let seekHole: CInt = 4

/// Identifies a file, whatever its names.
struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t

    init(_ status: stat) { (device, inode) = (status.st_dev, status.st_ino) }
}

/// Whether a folder is on a file system that the kernel generates (statfs(2); linux/magic.h): proc, sysfs, cgroups,
/// mqueue, devpts, debugfs, tracefs, securityfs, bpf, configfs, fusectl.
private func isKernelsOwn(_ folder: borrowing OwnedFD) throws(SyscallError) -> Bool {
    let kind = try syscall("fstatfs", on: "fd \(folder.raw)") { berth_file_system(folder.raw) }
    let kinds: [UInt32] = [
        0x9fa0, 0x6265_6572, 0x27_e0eb, 0x6367_7270, 0x1980_0202, 0x1cd1, 0x6462_6720, 0x7472_6163,
        0x7363_6673,
        0xcafe_4a11, 0x6265_6570, 0x6573_5543,
    ]
    return kinds.contains(UInt32(truncatingIfNeeded: kind))
}

/// The result of packing.
struct PackedLayer: Codable, Hashable, Sendable {
    /// The size of the files in bytes.
    var size: Int64
    var entries: Int
}

/// Writes the folder `root` as a layer's tar to `output`.
func packLayer(
    _ root: borrowing OwnedFD, opaque: Set<String>, without omitted: Set<String> = [], to output: CInt
) throws -> PackedLayer {
    let packer = LayerPacker(TarWriter(to: output), opaque: opaque, .layer(without: omitted))
    try packer.pack(root)
    return PackedLayer(size: packer.size, entries: packer.entries)
}
