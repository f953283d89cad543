import Glibc
import HTTPService
import Linux
import NIOHTTP1

extension Handlers {
    /// Threads that wait for the writer. A slow client occupies none of them.
    private static let threads = BlockingPool(name: "download", limit: 64)
    private static let pieceSize = 256 << 10

    /// An answer whose body is what `write` writes. `write` closes the descriptor that it gets.
    /// - Throws: the error of `write` if it has not written anything yet. A later error breaks off the answer.
    func download(
        _ type: String, _ more: HTTPHeaders = [:], _ write: @escaping @Sendable (CInt) async throws -> Void
    ) async throws -> Response {
        var pipe = try DescriptorPair.pipe()
        let source = DownloadSource(pipe.takeFirst())
        let sink = pipe.takeSecond().release()
        let work = Task { try await write(sink) }
        let first = try await Self.threads.run { try source.handle.readPiece(Self.pieceSize) }
        if first.isEmpty { try await work.value }
        var headers: HTTPHeaders = ["content-type": type]
        headers.add(contentsOf: more)
        let pieces = DownloadPieces(first: first) {
            let piece = try await Self.threads.run { try source.handle.readPiece(Self.pieceSize) }
            // After an error the body is not complete, even if the writer has closed its end.
            if piece.isEmpty { try await work.value }
            return piece
        }
        return .download(headers, AsyncThrowingStream { try await pieces.next() })
    }
}

/// The reading end; closed when the last reader is gone.
private final class DownloadSource: Sendable {
    let handle: OwnedFD
    init(_ handle: consuming OwnedFD) { self.handle = handle }
}

/// The pieces of the body: first the one that was already read, then the rest.
private actor DownloadPieces {
    private var first: [UInt8]
    private let more: @Sendable () async throws -> [UInt8]

    init(first: [UInt8], more: @escaping @Sendable () async throws -> [UInt8]) {
        self.first = first
        self.more = more
    }

    /// nil after the last piece.
    func next() async throws -> [UInt8]? {
        if !first.isEmpty {
            defer { first = [] }
            return first
        }
        let piece = try await more()
        return piece.isEmpty ? nil : piece
    }
}
