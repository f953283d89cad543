import Glibc
import Linux
import OCI
import Synchronization

/// The blobs of all images, each in a file named by its digest. Incomplete files are in `ingest`.
struct ContentStore: Sendable {
    let root: String

    /// Creates the folders, and removes what a crash left in `ingest`, except downloads that can be resumed.
    init(root: String) throws(SyscallError) {
        self.root = root
        for algorithm in ["sha256", "sha512"] { try makeFolders("\(root)/blobs/\(algorithm)") }
        try makeFolders("\(root)/ingest")
        for name in try folderEntries("\(root)/ingest") where !name.hasPrefix(Self.partialPrefix) {
            try removeTree("\(root)/ingest/\(name)")
        }
    }

    private static let partialPrefix = "partial-"
    private static let counter = Atomic<Int>(0)

    func path(_ digest: Digest) -> String { "\(root)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// A path in `ingest` that nothing else uses.
    func temporaryPath() -> String {
        "\(root)/ingest/new-\(Self.counter.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    /// The path of an incomplete download, which survives a restart.
    func partialPath(_ digest: Digest) -> String { "\(root)/ingest/\(Self.partialPrefix)\(digest.hex)" }

    /// Whether the blob exists with the size in its descriptor.
    func has(_ descriptor: Descriptor) -> Bool {
        var status = stat()
        return stat(path(descriptor.digest), &status) == 0 && Int64(status.st_size) == descriptor.size
    }

    /// Reads a small blob and verifies its digest.
    func read(_ digest: Digest, limit: Int = 8 << 20) throws -> [UInt8] {
        let bytes = try openFile(path(digest), O_RDONLY).readBeginning(limit + 1)
        guard bytes.count <= limit else { throw ImageError.tooLarge("\(digest) has more than \(limit) bytes") }
        var hasher = DigestHasher(digest.algorithm)
        hasher.update(bytes)
        guard hasher.finish() == digest else {
            throw ImageError.damagedStore("\(path(digest)) has content that does not match its name")
        }
        return bytes
    }

    /// Stores a small blob.
    func put(_ bytes: [UInt8], mediaType: String) throws -> Descriptor {
        let descriptor = Descriptor(mediaType: mediaType, digest: digest(of: bytes), size: Int64(bytes.count))
        if has(descriptor) { return descriptor }
        let temporary = temporaryPath()
        do {
            try writeFileAtomically(temporary, bytes, mode: 0o644)
            try adopt(temporary, as: descriptor.digest)
        } catch {
            unlink(temporary)
            throw error
        }
        return descriptor
    }

    /// Makes the file at `path`, whose content has `digest`, a blob of the store. After a crash the blob is complete or
    /// missing.
    func adopt(_ path: String, as digest: Digest) throws(SyscallError) {
        let target = self.path(digest)
        try openFile(path, O_RDONLY).sync()
        try syscall("rename", on: target) { rename(path, target) }
        try syncFolder(of: target)
    }

    /// All blobs in the store.
    func blobs() throws(SyscallError) -> [Digest] {
        var result: [Digest] = []
        for algorithm in [Digest.Algorithm.sha256, .sha512] {
            for name in try folderEntries("\(root)/blobs/\(algorithm.rawValue)") {
                if let digest = Digest(algorithm: algorithm, hex: name) { result.append(digest) }
            }
        }
        return result
    }

    /// Removes interrupted downloads that have not grown for `age`.
    /// - Returns: Their size in bytes.
    func removePartials(olderThan age: Duration) throws(SyscallError) -> Int64 {
        var bytes: Int64 = 0
        let limit = time(nil) - Int(age.components.seconds)
        for name in try folderEntries("\(root)/ingest") where name.hasPrefix(Self.partialPrefix) {
            var status = stat()
            let path = "\(root)/ingest/\(name)"
            guard stat(path, &status) == 0, status.st_mtim.tv_sec <= limit, unlink(path) == 0 else { continue }
            bytes += Int64(status.st_size)
        }
        return bytes
    }
}
