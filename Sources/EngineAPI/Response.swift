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
    /// Newline-delimited JSON, chunked; ends with the sequence. The next piece is asked for when the one before it has gone.
    case lines(AsyncStream<[UInt8]>)
    /// Switches the connection over to the bytes of `descriptor`, which it takes over.
    case stream(descriptor: CInt)

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) throws -> Response {
        .json(status, try encodeJSON(value))
    }

    static let done = Response.json(.ok, Array("{}".utf8))

    /// Each value as a line.
    static func values<Value: Encodable & Sendable>(_ values: AsyncStream<Value>) -> Response {
        .lines(
            AsyncStream {
                // A stream keeps its own place: an iterator made for each value goes on where the one before it was.
                for await value in values {
                    guard let bytes = try? encodeJSON(value) else { continue }
                    return bytes + [0x0A]
                }
                return nil
            })
    }

    /// `limit` in bytes.
    static func bodyTooLong(limit: Int) -> EngineFailure {
        EngineFailure(
            code: "too_long", message: "the request's body is longer than \(limit >> 20) MiB",
            hint: "images go to /v1/images/load, whose body may have any length")
    }

    static func failure(_ error: any Error) -> Response {
        let failure = EngineFailure(describing: error)
        let status: HTTPResponseStatus =
            switch failure.code {
            case "not_found", "image_missing": .notFound
            case "conflict", "port_taken": .conflict
            case "invalid": .badRequest
            case "too_long": .payloadTooLarge
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
            // Waiting for each write keeps a slow reader from filling memory: there is one piece here, and what the socket holds.
            let part = HTTPServerResponsePart.body(.byteBuffer(channel.allocator.buffer(bytes: line)))
            try await channel.writeAndFlush(part).get()
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
        if !keepsAlive { try await channel.close().get() }
    }

    private func send(_ part: HTTPServerResponsePart) { channel.write(part, promise: nil) }
}
