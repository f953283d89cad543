import EngineWire
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection: collects a request, lets the routes answer, writes the answer; or hands the connection to a stream.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of a JSON body: a project of some thousand services.
    private static let bodyLimit = 64 << 20

    private let routes: Routes
    private let spool: BodySpool
    private let activity: Activity
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// The body is longer than `bodyLimit`: the rest of it is thrown away.
    private var isTooLong = false
    private var hasInputEnded = false
    private var work: Task<Void, Never>?
    /// Requests that have come and whose answer is not written: the next one may come with the last byte of an answer.
    private var unanswered = 0
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
        if case ChannelEvent.inputClosed = event {
            hasInputEnded = true
            if unanswered == 0 { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context)
        case .body(var chunk):
            if let spooling {
                keep(Array(buffer: chunk), after: spooling, context)
            } else if !isTooLong, body.readableBytes + chunk.readableBytes <= Self.bodyLimit {
                body.writeBuffer(&chunk)
            } else {
                isTooLong = true
                body = ByteBuffer()
            }
        case .end: answer(context)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.head = head
        body.clear()
        isTooLong = false
        if routes.takesLongBody(head) {
            let spool = spool
            spooling = Task { try await spool.open() }
        } else {
            // Told before it is sent, where the client asks first.
            isTooLong = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0 > Self.bodyLimit
        }
        guard head.headers.first(name: "expect")?.lowercased() == "100-continue", !isTooLong else { return }
        context.writeAndFlush(wrapOutboundOut(.head(.init(version: head.version, status: .continue))), promise: nil)
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
        body = ByteBuffer()
        let hasTooLongBody = isTooLong
        let file = spooling
        spooling = nil
        self.head = nil
        let channel = context.channel
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        unanswered += 1
        work = Task { [routes] in
            let response = await ConnectionHandler.response(to: head, bytes, file, isTooLong: hasTooLongBody, routes)
            await ResponseWriter(channel: channel, keepsAlive: head.isKeepAlive, version: head.version).write(response)
            channel.eventLoop.execute {
                if handler.value.isDoneAfterAnswer() { channel.close(promise: nil) }
            }
        }
    }

    private static func response(
        to head: HTTPRequestHead, _ bytes: [UInt8], _ file: Task<SpoolFile, any Error>?, isTooLong: Bool,
        _ routes: Routes
    ) async -> Response {
        if isTooLong { return .failure(Response.bodyTooLong(limit: bodyLimit)) }
        do {
            return try await routes.respond(to: Request(head: head, body: bytes, file: try await file?.value))
        } catch {
            return .failure(error)
        }
    }

    /// Takes notice of an answer that was written; true when nothing more comes and nobody else closes the connection.
    private func isDoneAfterAnswer() -> Bool {
        unanswered -= 1
        guard unanswered == 0 else { return false }
        work = nil
        return hasInputEnded && head == nil
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
