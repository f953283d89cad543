import CArchive
import Glibc
import Linux
import OCI

/// Compresses the file at `source` with gzip into a new file at `target`; always produces the same bytes. Blocks: run
/// it on a `BlockingPool`.
func compressLayer(_ source: String, to target: String) throws -> (digest: Digest, size: Int64) {
    let sink = try BlobSink(target)
    do {
        let writer = try GzipWriter(sink)
        let file = try openFile(source, O_RDONLY)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { break }
            try writer.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try writer.finish()
        return (sink.finish(), sink.size)
    } catch {
        unlink(target)
        throw error
    }
}

/// Compresses bytes and writes them to a file.
private final class GzipWriter {
    private let archive: OpaquePointer
    private let output: Output

    /// The destination of the bytes; keeps its first failure for the writer.
    private final class Output {
        let sink: BlobSink
        var failure: (any Error)?
        init(_ sink: BlobSink) { self.sink = sink }
    }

    init(_ sink: BlobSink) throws {
        guard let archive = archive_write_new() else { throw ImageError.failed("archive_write_new: out of memory") }
        self.archive = archive
        output = Output(sink)
        archive_write_add_filter_gzip(archive)
        archive_write_set_format_raw(archive)
        // Without a timestamp, the bytes depend only on the content.
        archive_write_set_filter_option(archive, "gzip", "timestamp", nil)
        // Do not pad the last block.
        archive_write_set_bytes_per_block(archive, 256 << 10)
        archive_write_set_bytes_in_last_block(archive, 1)
        let write: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeRawPointer?, Int) -> la_ssize_t = {
            _, client, bytes, count in
            guard let client else { return -1 }
            let output = Unmanaged<Output>.fromOpaque(client).takeUnretainedValue()
            do {
                try output.sink.append(UnsafeRawBufferPointer(start: bytes, count: count))
                return count
            } catch {
                output.failure = error
                return -1
            }
        }
        // This object keeps `output`, and frees the archive before it releases `output`.
        let client = Unmanaged.passUnretained(output).toOpaque()
        try check(archive_write_open(archive, client, nil, write, nil))
        guard let entry = archive_entry_new() else { throw ImageError.failed("archive_entry_new: out of memory") }
        defer { archive_entry_free(entry) }
        archive_entry_set_filetype(entry, UInt32(Glibc.S_IFREG))
        try check(archive_write_header(archive, entry))
    }

    deinit { archive_write_free(archive) }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        let written = archive_write_data(archive, bytes.baseAddress, bytes.count)
        guard written == bytes.count else { throw error() }
    }

    func finish() throws { try check(archive_write_close(archive)) }

    private func check(_ result: CInt) throws { if result != ARCHIVE_OK { throw error() } }

    private func error() -> any Error {
        output.failure
            ?? ImageError.failed(
                "the layer cannot be compressed: \(archive_error_string(archive).map { String(cString: $0) } ?? "?")")
    }
}
