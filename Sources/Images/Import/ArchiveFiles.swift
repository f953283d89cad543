import Glibc
import Linux
import OCI

/// The files of an archive of images, each copied to a file of its own under a number: no name in the archive is ever
/// used as a path. Whoever has it removes the folder.
struct ArchiveFiles: Sendable {
    struct File: Hashable, Sendable {
        let path: String
        let digest: Digest
        let size: Int64
    }
    private enum Entry {
        case file(File)
        /// The path of another entry: old writers store a layer once and link to it.
        case link(String)
    }

    private let entries: [String: Entry]

    /// Reads the tar (plain or compressed) that `descriptor` gives into the new folder `folder`.
    static func read(_ descriptor: CInt, to folder: String, limits: UnpackLimits) throws -> ArchiveFiles {
        try makeFolders(folder)
        var entries: [String: Entry] = [:]
        let source = try DecompressedStream(descriptor, hashing: false, limit: limits.bytes)
        let archive = try TarReader(source)
        var count = 0
        while let entry = try archive.next() {
            count += 1
            guard count <= 100_000 else { throw ImageError.tooLarge("more than 100000 files") }
            let path = try LayerPath(entry.path)
            switch entry.kind {
            case .file: entries[path.text] = .file(try copy(path, archive, "\(folder)/\(count)"))
            case .hardLink(let target): entries[path.text] = .link(try LayerPath(target).text)
            case .symbolicLink(let target):
                let base = target.hasPrefix("/") ? "" : path.parent.joined(separator: "/")
                entries[path.text] = .link(try LayerPath("\(base)/\(target)").text)
            case .folder, .node: continue
            }
        }
        return ArchiveFiles(entries: entries)
    }

    /// The file that the archive has at `path`, links followed.
    func file(_ path: String) throws -> File? {
        var path = try LayerPath(path).text
        for _ in 0..<8 {
            switch entries[path] {
            case nil: return nil
            case .file(let file): return file
            case .link(let target): path = target
            }
        }
        throw ImageError.invalidArchive("\"\(path)\" is a link to itself")
    }

    /// The file of a blob in an OCI layout, when it has the digest its name tells.
    func blob(_ descriptor: Descriptor) throws -> File? {
        let digest = descriptor.digest
        guard let file = try file("blobs/\(digest.algorithm.rawValue)/\(digest.hex)") else { return nil }
        guard file.digest == digest else {
            throw ImageError.digestMismatch(what: "a blob of the archive", expected: digest, actual: file.digest)
        }
        guard file.size == descriptor.size else {
            throw ImageError.invalidArchive("\(digest) has \(file.size) bytes, not \(descriptor.size)")
        }
        return file
    }

    /// The content of a small file.
    func content(_ path: String) throws -> [UInt8]? { try file(path).map { try content($0) } }

    func content(_ file: File) throws -> [UInt8] {
        guard file.size <= 8 << 20 else { throw ImageError.tooLarge("a description of \(file.size) bytes") }
        return try readFile(file.path)
    }

    private static func copy(_ path: LayerPath, _ archive: TarReader, _ target: String) throws -> File {
        let isLong = path.components.dropLast().last == "sha512"
        let sink = try BlobSink(target, algorithm: isLong ? .sha512 : .sha256)
        try archive.readData { piece, offset in
            guard offset == sink.size else { throw ImageError.invalidArchive("\"\(path.text)\" is a sparse file") }
            try sink.append(piece)
        }
        return File(path: target, digest: sink.finish(), size: sink.size)
    }
}

extension ArchiveFiles {
    /// The first bytes of a file, enough to tell how it is compressed.
    func head(of file: File) throws -> [UInt8] { try openFile(file.path, O_RDONLY).readToEnd(limit: 6) }
}
