import Glibc
import Linux
import OCI

/// An entry in an archive of images.
enum ArchiveEntry: Codable, Hashable, Sendable {
    /// A file; the number is the name of its copy.
    case file(Int)
    /// The path of another entry: old writers store a layer once and link to it.
    case link(String)
}

/// Copies the files of a tar (plain or compressed) into `folder`, each under a number: no name in the archive is ever
/// used as a path.
func splitArchive(
    _ descriptor: CInt, into folder: consuming OwnedFD, limits: UnpackLimits
) throws -> [String: ArchiveEntry] {
    let folder = OpenFolder(folder)
    var entries: [String: ArchiveEntry] = [:]
    let archive = try TarReader(try DecompressedStream(descriptor, hashing: false, limit: limits.bytes))
    var count = 0
    while let entry = try archive.next() {
        count += 1
        guard count <= 100_000 else { throw ImageError.tooLarge("more than 100000 files") }
        let path = try LayerPath(entry.path)
        switch entry.kind {
        case .file:
            let file = try folder.handle.openEntry("\(count)", O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
            var size: Int64 = 0
            try archive.readData { piece, offset in
                guard offset == size else { throw ImageError.invalidArchive("\"\(path.text)\" is a sparse file") }
                try file.write(piece, at: offset)
                size += Int64(piece.count)
            }
            entries[path.text] = .file(count)
        case .hardLink(let target): entries[path.text] = .link(try LayerPath(target).text)
        case .symbolicLink(let target):
            let base = target.isAbsolutePath ? "" : path.parent.joined(separator: "/")
            entries[path.text] = .link(try LayerPath("\(base)/\(target)").text)
        case .folder, .node: continue
        }
    }
    return entries
}

/// The files of an archive of images, each in a file of its own. The owner must remove the folder.
struct ArchiveFiles: Sendable {
    struct File: Hashable, Sendable {
        let path: String
        let digest: Digest
        let size: Int64
    }

    private let entries: [String: ArchiveEntry]
    private let files: [Int: File]

    /// The files in `folder`, with the numbers in `entries`. Hashes all of them, and trusts no digest from outside.
    init(_ entries: [String: ArchiveEntry], in folder: String) throws {
        self.entries = entries
        var files: [Int: File] = [:]
        for case (let name, .file(let number)) in entries {
            let isLong = name.pathParts.dropLast().last == "sha512"
            let path = "\(folder)/\(number)"
            let (digest, size) = try Self.hash(path, isLong ? .sha512 : .sha256)
            files[number] = File(path: path, digest: digest, size: size)
        }
        self.files = files
    }

    /// The file at `path` in the archive, following links.
    func file(_ path: String) throws -> File? {
        var path = try LayerPath(path).text
        for _ in 0..<8 {
            switch entries[path] {
            case nil: return nil
            case .file(let number): return files[number]
            case .link(let target): path = target
            }
        }
        throw ImageError.invalidArchive("\"\(path)\" is a link to itself")
    }

    /// The file of a blob in an OCI layout, if its content has the digest in its name.
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

    private static func hash(_ path: String, _ algorithm: Digest.Algorithm) throws -> (Digest, Int64) {
        // The process that made it may be under an attacker's control, so accept only a regular file without other
        // names.
        let file = try openFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
            throw ImageError.invalidArchive("unpacking it created something other than files")
        }
        var hasher = DigestHasher(algorithm)
        var size: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { return (hasher.finish(), size) }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            size += Int64(count)
        }
    }
}

extension ArchiveFiles {
    /// The first bytes of a file, enough to detect its compression.
    func head(of file: File) throws -> [UInt8] { try openFile(file.path, O_RDONLY).readBeginning(6) }
}
