import Engine
import EngineWire
import Glibc
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix

/// What a route answers with.
enum Response: Sendable {
    case json(HTTPResponseStatus, [UInt8])
    /// Newline-delimited JSON, chunked; ends with the sequence.
    case lines(AsyncStream<[UInt8]>)
    /// Switches the connection over to the bytes of `descriptor`, which it takes over.
    case stream(descriptor: CInt)

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) throws -> Response {
        .json(status, try encodeJSON(value))
    }

    static let done = Response.json(.ok, Array("{}".utf8))

    /// Each value as a line.
    static func values<S: AsyncSequence & Sendable>(_ values: S) -> Response
    where S.Element: Encodable, S.Failure == Never {
        .lines(
            AsyncStream<[UInt8]> { continuation in
                let task = Task {
                    for await value in values {
                        guard let bytes = try? encodeJSON(value) else { continue }
                        continuation.yield(bytes + [0x0A])
                    }
                    continuation.finish()
                }
                continuation.onTermination = { _ in task.cancel() }
            })
    }

    static func failure(_ error: any Error) -> Response {
        let failure = EngineFailure(describing: error)
        let status: HTTPResponseStatus =
            switch failure.code {
            case "not_found", "image_missing": .notFound
            case "conflict", "port_taken": .conflict
            case "invalid": .badRequest
            case "unsupported": .notImplemented
            case "no_space": .insufficientStorage
            default: .internalServerError
            }
        return .json(status, (try? encodeJSON(failure)) ?? [])
    }
}

/// Writes one answer on a connection; a reader that is gone ends it quietly.
struct ResponseWriter: Sendable {
    let channel: any Channel
    let keepsAlive: Bool
    let version: HTTPVersion

    func write(_ response: Response) async {
        do {
            switch response {
            case .json(let status, let bytes): try await write(status, bytes)
            case .lines(let lines): try await write(lines)
            case .stream(let descriptor): try await StreamBridge(channel: channel).begin(with: descriptor)
            }
        } catch {
            channel.close(promise: nil)
        }
    }

    private func write(_ status: HTTPResponseStatus, _ bytes: [UInt8]) async throws {
        var headers = HTTPHeaders([("content-type", "application/json"), ("content-length", "\(bytes.count)")])
        if !keepsAlive { headers.add(name: "connection", value: "close") }
        send(.head(.init(version: version, status: status, headers: headers)))
        send(.body(.byteBuffer(channel.allocator.buffer(bytes: bytes))))
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
        if !keepsAlive { try await channel.close().get() }
    }

    private func write(_ lines: AsyncStream<[UInt8]>) async throws {
        let headers = HTTPHeaders([("content-type", "application/x-ndjson"), ("transfer-encoding", "chunked")])
        try await channel.writeAndFlush(
            HTTPServerResponsePart.head(.init(version: version, status: .ok, headers: headers))
        ).get()
        for await line in lines {
            // Waiting for each write keeps a slow reader from filling memory.
            let part = HTTPServerResponsePart.body(.byteBuffer(channel.allocator.buffer(bytes: line)))
            try await channel.writeAndFlush(part).get()
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
        if !keepsAlive { try await channel.close().get() }
    }

    private func send(_ part: HTTPServerResponsePart) { channel.write(part, promise: nil) }
}
