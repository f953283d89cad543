import EngineWire
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection: collects a request, lets the routes answer, writes the answer; or hands the connection to a stream.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    static let encoderName = "http-encoder"
    static let decoderName = "http-decoder"
    /// Bytes of a JSON body: a project of some thousand services.
    private static let bodyLimit = 64 << 20

    private let routes: Routes
    private let spool: BodySpool
    private let activity: Activity
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var work: Task<Void, Never>?
    private var spooling: Task<SpoolFile, any Error>?

    init(routes: Routes, spool: BodySpool, activity: Activity) {
        self.routes = routes
        self.spool = spool
        self.activity = activity
    }

    func channelActive(context: ChannelHandlerContext) {
        activity.began()
        // Not in `channelInactive`: a connection that becomes a stream goes on without this handler.
        context.channel.closeFuture.whenComplete { [activity] _ in activity.ended() }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        work?.cancel()
        spooling?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that has sent its request may close its side; one that is gone altogether shows at the next write.
        if case ChannelEvent.inputClosed = event, work == nil { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
            if routes.takesLongBody(head) {
                let spool = spool
                spooling = Task { try await spool.open() }
            }
            if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    wrapOutboundOut(.head(.init(version: head.version, status: .continue))), promise: nil)
            }
        case .body(var chunk):
            if let spooling {
                keep(Array(buffer: chunk), after: spooling, context)
            } else if body.readableBytes + chunk.readableBytes <= Self.bodyLimit {
                body.writeBuffer(&chunk)
            } else {
                context.close(promise: nil)
            }
        case .end: answer(context)
        }
    }

    /// Writes a piece of a long body to disk; nothing more is read until it is there.
    private func keep(_ bytes: [UInt8], after spooling: Task<SpoolFile, any Error>, _ context: ChannelHandlerContext) {
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenComplete { _ in }
        self.spooling = Task {
            defer { channel.setOption(.autoRead, value: true).whenComplete { _ in } }
            let file = try await spooling.value
            try await file.append(bytes)
            return file
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard let head else { return }
        let bytes = Array(buffer: body)
        let file = spooling
        spooling = nil
        self.head = nil
        let channel = context.channel
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        work = Task { [routes] in
            let response: Response
            do {
                let request = Request(head: head, body: bytes, file: try await file?.value)
                response = try await routes.respond(to: request)
            } catch {
                response = .failure(error)
            }
            await ResponseWriter(channel: channel, keepsAlive: head.isKeepAlive, version: head.version).write(response)
            channel.eventLoop.execute { handler.value.work = nil }
        }
    }
}

/// A request as the routes see it.
struct Request: Sendable {
    let head: HTTPRequestHead
    let body: [UInt8]
    /// The body, for requests whose body is kept on disk.
    let file: SpoolFile?

    /// Path segments, decoded.
    var segments: [String] { path.split(separator: "/").map { Self.decoded(String($0)) } }
    private var path: Substring { head.uri.prefix { $0 != "?" } }

    /// The first value of a query item, decoded.
    func query(_ name: String) -> String? {
        guard let mark = head.uri.firstIndex(of: "?") else { return nil }
        for item in head.uri[head.uri.index(after: mark)...].split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if Self.decoded(String(pair[0])) == name { return pair.count > 1 ? Self.decoded(String(pair[1])) : "" }
        }
        return nil
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        do {
            return try decodeJSON(type, from: body)
        } catch {
            throw EngineFailure(
                code: "invalid", message: "the request's body is not what this route takes: \(plainText(of: error))")
        }
    }

    /// Percent-decoding (RFC 3986, section 2.1); what is no escape stays as it is.
    private static func decoded(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            let hex = rest.prefix(2)
            if byte == UInt8(ascii: "%"), hex.count == 2,
                let value = UInt8(String(decoding: hex, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
