import Engine
import HTTPService
import OCI

extension Handlers {
    /// Answers a request that may give the names of images to other images. Clients of the Docker API know that an image without a
    /// name stays until somebody prunes it, and use its id.
    func keepingReplaced(_ answer: () async throws -> Response) async throws -> Response {
        let before = try await engine.namedImages()
        let response = try await answer()
        guard case .chunks(let headers, let chunks) = response else {
            await engine.keepReplaced(before)
            return response
        }
        let source = ReplacingStream(chunks, engine, before)
        return .chunks(headers, AsyncStream { await source.next() })
    }
}

/// Passes on the answer of a request that gives names to images, and looks after the images that lost them when it ends.
private actor ReplacingStream {
    private var chunks: AsyncStream<[UInt8]>.AsyncIterator
    private let engine: Engine
    private let before: Set<Digest>

    init(_ chunks: AsyncStream<[UInt8]>, _ engine: Engine, _ before: Set<Digest>) {
        self.chunks = chunks.makeAsyncIterator()
        self.engine = engine
        self.before = before
    }

    func next() async -> [UInt8]? {
        var iterator = chunks
        let chunk = await iterator.next(isolation: #isolation)
        chunks = iterator
        if chunk == nil { await engine.keepReplaced(before) }
        return chunk
    }
}
