import NIOCore
import NIOHTTP1
import NIOPosix

/// The answer of a route.
package enum Response: Sendable {
    case whole(HTTPResponseStatus, HTTPHeaders, [UInt8])
    /// A chunked body that ends with the sequence. The server asks for the next piece when it has sent the one before.
    case chunks(HTTPHeaders, AsyncStream<[UInt8]>)
    /// The same, but an error closes the connection before the end of the body, so that no client takes a part for the whole.
    case download(HTTPHeaders, AsyncThrowingStream<[UInt8], any Error>)
    /// From here on the connection is a stream.
    case stream(StreamSwitch)

    package static func json(_ status: HTTPResponseStatus, _ bytes: [UInt8]) -> Response {
        .whole(status, ["content-type": "application/json"], bytes)
    }
}

/// How a connection switches from HTTP to the bytes of a socket.
package struct StreamSwitch: Sendable {
    package var status: HTTPResponseStatus
    package var headers: HTTPHeaders
    /// Bytes that the client reads first.
    package var before: AsyncStream<[UInt8]>?
    /// Returns the connected socket, which the connection takes over; called after the client has its answer. nil ends the connection.
    package var descriptor: (@Sendable () async throws -> CInt)?
    /// What the client reads if `descriptor` throws; nil: nothing.
    package var failure: (@Sendable (any Error) -> [UInt8])?
    /// Translates between the protocols of the socket and of the client; nil passes both on unread.
    package var translation: (@Sendable () -> any StreamTranslation)?
    /// The client uses a websocket with frames of this kind.
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

/// Turns the bytes of one side into those of the other, piece by piece. Only one thread uses it.
package protocol StreamTranslation {
    mutating func toClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer)
    mutating func fromClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer)
    /// The client has closed its writing side; it may still read.
    mutating func clientEnded(into output: inout ByteBuffer)
    /// The client has detached.
    var isDetached: Bool { get }
}

/// Writes one answer to a connection. If the reader is gone, it ends without an error.
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
        // RFC 9110, sections 8.6 and 15.4.5: these have neither a body nor a length.
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
            // Wait for each write, so that a slow reader cannot fill the memory: only one piece is here, besides the socket's buffer.
            let part = HTTPServerResponsePart.body(.byteBuffer(channel.allocator.buffer(bytes: chunk)))
            try await channel.writeAndFlush(part).get()
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
        if !head.isKeepAlive { try await channel.close().get() }
    }

    private func send(_ part: HTTPServerResponsePart) { channel.write(part, promise: nil) }
}
