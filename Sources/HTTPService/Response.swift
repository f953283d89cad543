import NIOCore
import NIOHTTP1
import NIOPosix

/// What a route answers with.
package enum Response: Sendable {
    case whole(HTTPResponseStatus, HTTPHeaders, [UInt8])
    /// Chunked; ends with the sequence. The next piece is asked for when the one before it has gone.
    case chunks(HTTPHeaders, AsyncStream<[UInt8]>)
    /// Likewise; an error breaks the connection off before its end, so that nobody takes a part for the whole.
    case download(HTTPHeaders, AsyncThrowingStream<[UInt8], any Error>)
    /// The connection is HTTP's no longer.
    case stream(StreamSwitch)

    package static func json(_ status: HTTPResponseStatus, _ bytes: [UInt8]) -> Response {
        .whole(status, ["content-type": "application/json"], bytes)
    }
}

/// How a connection goes over from HTTP to the bytes of a socket.
package struct StreamSwitch: Sendable {
    package var status: HTTPResponseStatus
    package var headers: HTTPHeaders
    /// What the client reads first, as it is.
    package var before: AsyncStream<[UInt8]>?
    /// The connected socket, which the connection takes over; asked for once the client was answered. nil ends the connection.
    package var descriptor: (@Sendable () async throws -> CInt)?
    /// What the client reads when there is no socket after all; nil is nothing.
    package var failure: (@Sendable (any Error) -> [UInt8])?
    /// Between what the socket's other end speaks and what the client does; nil passes both on unread.
    package var translation: (@Sendable () -> any StreamTranslation)?
    /// The client's side goes over a websocket.
    package var webSocket: WebSocketForm?

    package init(
        status: HTTPResponseStatus = .switchingProtocols, headers: HTTPHeaders,
        translation: (@Sendable () -> any StreamTranslation)? = nil,
        descriptor: (@Sendable () async throws -> CInt)?
    ) {
        self.status = status
        self.headers = headers
        self.descriptor = descriptor
        self.translation = translation
    }
}

/// Turns the bytes of one side into those of the other, piece by piece; used by one thread.
package protocol StreamTranslation {
    mutating func toClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer)
    mutating func fromClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer)
    /// The client says no more; it may still listen.
    mutating func clientEnded(into output: inout ByteBuffer)
    /// The client asked to be let go.
    var isDetached: Bool { get }
}

/// Writes one answer on a connection; a reader that is gone ends it quietly.
struct ResponseWriter: Sendable {
    let channel: any Channel
    let head: HTTPRequestHead

    func write(_ response: Response) async {
        do {
            switch response {
            case .whole(let status, let headers, let bytes): try await write(status, headers, bytes)
            case .chunks(let headers, let chunks): try await write(headers, chunks)
            case .download(let headers, let chunks): try await write(headers, chunks)
            case .stream(let wanted): try await StreamBridge(channel: channel, request: head).begin(wanted)
            }
        } catch {
            channel.close(promise: nil)
        }
    }

    private func write(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ bytes: [UInt8]) async throws {
        var headers = headers
        // RFC 9110, sections 8.6 and 15.4.5: these have no body, and say no length.
        let isBare = status == .noContent || status == .notModified
        if !isBare { headers.add(name: "content-length", value: "\(bytes.count)") }
        if !head.isKeepAlive { headers.add(name: "connection", value: "close") }
        send(.head(.init(version: head.version, status: status, headers: headers)))
        if head.method != .HEAD, !isBare { send(.body(.byteBuffer(channel.allocator.buffer(bytes: bytes)))) }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
        if !head.isKeepAlive { try await channel.close().get() }
    }

    private func write<Chunks: AsyncSequence>(
        _ headers: HTTPHeaders, _ chunks: Chunks
    ) async throws where Chunks.Element == [UInt8] {
        var headers = headers
        headers.add(name: "transfer-encoding", value: "chunked")
        try await channel.writeAndFlush(
            HTTPServerResponsePart.head(.init(version: head.version, status: .ok, headers: headers))
        ).get()
        for try await chunk in chunks {
            // Waiting for each write keeps a slow reader from filling memory: there is one piece here, and what the socket holds.
            let part = HTTPServerResponsePart.body(.byteBuffer(channel.allocator.buffer(bytes: chunk)))
            try await channel.writeAndFlush(part).get()
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
        if !head.isKeepAlive { try await channel.close().get() }
    }

    private func send(_ part: HTTPServerResponsePart) { channel.write(part, promise: nil) }
}
