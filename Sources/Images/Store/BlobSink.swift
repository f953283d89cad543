import Glibc
import Linux
import OCI
import Synchronization

/// A file being written, with the digest of its content so far. Its calls block: run them on a `BlockingPool`.
final class BlobSink: Sendable {
    private struct State: ~Copyable {
        let file: OwnedFD
        var hasher: DigestHasher
        var size: Int64
    }

    let path: String
    // Guards the order of pieces. Only one writer is expected at a time; the lock only makes that safe.
    private let state: Mutex<State>

    /// Creates the file at `path`, which must not exist.
    init(_ path: String, algorithm: Digest.Algorithm = .sha256) throws {
        self.path = path
        let file = try openFile(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o644)
        state = Mutex(State(file: file, hasher: DigestHasher(algorithm), size: 0))
    }

    /// Continues the file at `path`, or creates it; hashes existing content again.
    init(resuming path: String, algorithm: Digest.Algorithm) throws {
        self.path = path
        let file = try openFile(path, O_RDWR | O_CREAT, mode: 0o644)
        var hasher = DigestHasher(algorithm)
        var size: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            size += Int64(count)
        }
        state = Mutex(State(file: file, hasher: hasher, size: size))
    }

    var size: Int64 { state.withLock { $0.size } }

    func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try append($0) }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            try state.file.write(bytes, at: state.size)
            state.hasher.update(bytes)
            state.size += Int64(bytes.count)
        }
    }

    /// Starts again.
    func reset(algorithm: Digest.Algorithm) throws {
        try state.withLock { state in
            try state.file.setLength(0)
            state.hasher = DigestHasher(algorithm)
            state.size = 0
        }
    }

    /// The digest of everything written.
    func finish() -> Digest { state.withLock { $0.hasher.finish() } }
}

/// An archive from outside: a descriptor, which the caller still owns and which is read from its current position, or
/// pieces as they arrive.
package enum ImageInput: Sendable {
    case descriptor(CInt)
    case stream(any AsyncSequence<[UInt8], any Error> & Sendable)
}

/// An archive copied into the store's `ingest`; its owner must adopt or remove the file.
struct SpooledArchive: Sendable {
    let path: String
    let digest: Digest
    let size: Int64
    let compression: Compression

    private init(_ sink: BlobSink) throws {
        path = sink.path
        digest = sink.finish()
        size = sink.size
        compression = Compression(magic: try openFile(sink.path, O_RDONLY).readBeginning(6))
    }

    /// Copies `input` to a file at `path`.
    static func spool(_ input: ImageInput, to path: String, on pool: BlockingPool) async throws -> SpooledArchive {
        do {
            switch input {
            case .descriptor(let descriptor):
                return try await pool.run {
                    let sink = try BlobSink(path)
                    try copy(descriptor, to: sink)
                    return try SpooledArchive(sink)
                }
            case .stream(let pieces):
                let sink = try await pool.run { try BlobSink(path) }
                var waiting: [UInt8] = []
                for try await piece in pieces {
                    waiting += piece
                    guard waiting.count >= 1 << 20 else { continue }
                    let bytes = waiting
                    waiting = []
                    try await pool.run { try sink.append(bytes) }
                }
                let bytes = waiting
                return try await pool.run {
                    try sink.append(bytes)
                    return try SpooledArchive(sink)
                }
            }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// The file at `path`, which nobody writes to any more. The process that made it may be under an attacker's
    /// control.
    init(at path: String) throws {
        let file = try openFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
            throw ImageError.invalidArchive("its content is not a file")
        }
        try self.init(BlobSink(resuming: path, algorithm: .sha256))
    }

    private static func copy(_ descriptor: CInt, to sink: BlobSink) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try syscall("read", on: "the archive") { read(descriptor, buffer.baseAddress, buffer.count) }
            if count == 0 { return }
            try sink.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
