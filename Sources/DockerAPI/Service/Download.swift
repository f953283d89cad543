import Glibc
import HTTPService
import Linux
import NIOHTTP1

extension Handlers {
    /// Threads that wait for what is written. A slow client holds none: it is waited for elsewhere.
    private static let threads = BlockingPool(name: "download", limit: 64)
    private static let pieceSize = 256 << 10

    /// What `write` writes, as the body of an answer. It closes the descriptor that it gets.
    /// - Throws: what `write` does before it has written anything; what it throws later breaks off the answer.
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
            // All that came may not be all there was.
            if piece.isEmpty { try await work.value }
            return piece
        }
        return .download(headers, AsyncThrowingStream { try await pieces.next() })
    }
}

/// The end that is read from; closed with the last who reads.
private final class DownloadSource: Sendable {
    let handle: OwnedFD
    init(_ handle: consuming OwnedFD) { self.handle = handle }
}

/// Pieces one by one: the one that was read already, then the rest.
private actor DownloadPieces {
    private var first: [UInt8]
    private let more: @Sendable () async throws -> [UInt8]

    init(first: [UInt8], more: @escaping @Sendable () async throws -> [UInt8]) {
        self.first = first
        self.more = more
    }

    /// nil after the last.
    func next() async throws -> [UInt8]? {
        if !first.isEmpty {
            defer { first = [] }
            return first
        }
        let piece = try await more()
        return piece.isEmpty ? nil : piece
    }
}
