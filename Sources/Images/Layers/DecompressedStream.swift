import CArchive
import Glibc
import Linux
import OCI

/// The compression of a blob, detected from its first bytes, because media types may be wrong.
enum Compression: String, Sendable {
    case none, gzip, zstd, xz, bzip2

    init(magic bytes: some Collection<UInt8>) {
        let known: [([UInt8], Compression)] = [
            ([0x1F, 0x8B, 0x08], .gzip), ([0x28, 0xB5, 0x2F, 0xFD], .zstd), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .xz),
            (Array("BZh".utf8), .bzip2),
        ]
        self = known.first { bytes.starts(with: $0.0) }?.1 ?? .none
    }
}

/// The content of a descriptor, decompressed (gzip, zstd, xz, bzip2 or plain) and hashed.
final class DecompressedStream {
    private let archive: OpaquePointer
    private var hasher: DigestHasher?
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)
    private var isAtEnd = false
    /// The number of decompressed bytes so far.
    private(set) var count: Int64 = 0
    /// Why the last `next` returned nothing before the end of the stream.
    private(set) var failure: ImageError?
    private let limit: Int64

    /// Reads from the current position of `descriptor`, which the caller still owns; more than `limit` bytes are a
    /// failure.
    init(_ descriptor: CInt, hashing: Bool = true, limit: Int64) throws(ImageError) {
        self.limit = limit
        hasher = hashing ? DigestHasher() : nil
        guard let archive = archive_read_new() else { throw .failed("archive_read_new: out of memory") }
        self.archive = archive
        archive_read_support_filter_gzip(archive)
        archive_read_support_filter_zstd(archive)
        archive_read_support_filter_xz(archive)
        archive_read_support_filter_bzip2(archive)
        archive_read_support_format_raw(archive)
        archive_read_support_format_empty(archive)
        guard archive_read_open_fd(archive, descriptor, 256 << 10) == ARCHIVE_OK else { throw error() }
        var entry: OpaquePointer?
        switch archive_read_next_header(archive, &entry) {
        case ARCHIVE_OK, ARCHIVE_WARN: break
        case ARCHIVE_EOF: isAtEnd = true
        default: throw error()
        }
    }

    deinit {
        archive_read_free(archive)
        buffer.deallocate()
    }

    /// The next piece, valid until the next call; nil at the end, and after a failure, which is then in `failure`.
    func next() -> UnsafeRawBufferPointer? {
        guard !isAtEnd, failure == nil else { return nil }
        let result = archive_read_data(archive, buffer.baseAddress, buffer.count)
        guard result >= 0 else {
            failure = error()
            return nil
        }
        guard result > 0 else {
            isAtEnd = true
            return nil
        }
        count += Int64(result)
        guard count <= limit else {
            failure = .tooLarge("more than \(limit) bytes when decompressed")
            return nil
        }
        let piece = UnsafeRawBufferPointer(rebasing: buffer[..<Int(result)])
        hasher?.update(piece)
        return piece
    }

    /// Reads the rest, and returns the digest of everything.
    func finish() throws(ImageError) -> Digest? {
        while next() != nil {}
        if let failure { throw failure }
        return hasher?.finish()
    }

    private func error() -> ImageError {
        let code = Errno(rawValue: archive_errno(archive))
        if code == .noSpace { return .noSpace("the archive") }
        return .invalidArchive(archive_error_string(archive).map { String(cString: $0) } ?? "\(code)")
    }
}
