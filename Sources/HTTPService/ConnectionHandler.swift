import NIOCore
import NIOHTTP1
import NIOPosix

/// Handles a connection: collects a request, lets the routes answer it, and writes the answer or turns the connection into a stream.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Why the server refuses a request. It drops the rest of the body.
    private enum Refusal { case tooLong, busy }

    private let routes: any HTTPRoutes
    private let spool: BodySpool
    private let activity: Activity
    private let table: ConnectionTable
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var refusal: Refusal?
    /// Bytes of the body that the table has counted.
    private var reserved = 0
    private(set) var hasInputEnded = false
    /// The connection is a stream now, and the handlers of the stream close it.
    private var isStream = false
    private var work: Task<Void, Never>?
    /// Requests without a complete answer. The next request may arrive together with the last byte of an answer.
    private var unanswered = 0
    private var spooling: Task<SpoolFile, any Error>?
    /// The body that is read while it arrives, and the task that writes its last piece.
    private var streaming: (body: StreamedBody, last: Task<Void, Never>)?

    init(routes: any HTTPRoutes, spool: BodySpool, activity: Activity, table: ConnectionTable) {
        self.routes = routes
        self.spool = spool
        self.activity = activity
        self.table = table
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        guard table.add(channel) else { return turnAway(context) }
        activity.began()
        // Not in `channelInactive`, because a connection that becomes a stream continues without this handler.
        channel.closeFuture.whenComplete { [activity, table] _ in
            table.remove(channel)
            activity.ended()
        }
        context.fireChannelActive()
    }

    /// Bypasses the HTTP handlers, for which an answer without a request is an error.
    private func turnAway(_ context: ChannelHandlerContext) {
        let text = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        if let encoder = try? context.pipeline.syncOperations.context(name: HTTPPipeline.encoder) {
            encoder.writeAndFlush(NIOAny(context.channel.allocator.buffer(string: text)), promise: nil)
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        releaseBody()
        // First, so that nobody takes half a body for a whole one.
        work?.cancel()
        spooling?.cancel()
        streaming?.body.finish()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client may close its side after its request. If it is gone altogether, the next write shows it.
        if case ChannelEvent.inputClosed = event {
            hasInputEnded = true
            if unanswered == 0 || streaming != nil { context.close(promise: nil) }
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
            } else if let streaming {
                pass(Array(buffer: chunk), to: streaming, context)
            } else {
                take(&chunk)
            }
        case .end:
            if let streaming { finish(streaming, context) } else { answer(context) }
        }
    }

    private func take(_ chunk: inout ByteBuffer) {
        guard refusal == nil else { return }
        if body.readableBytes + chunk.readableBytes > table.limits.bodyBytes {
            refusal = .tooLong
        } else if table.reserve(chunk.readableBytes) {
            reserved += chunk.readableBytes
            body.writeBuffer(&chunk)
        } else {
            refusal = .busy
        }
        if refusal != nil { releaseBody() }
    }

    private func releaseBody() {
        body = ByteBuffer()
        table.release(reserved)
        reserved = 0
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        table.note(.body, of: context.channel)
        self.head = head
        releaseBody()
        refusal = nil
        switch routes.bodyForm(of: head) {
        case .disk:
            let spool = spool
            spooling = Task { try await spool.open() }
        case .stream:
            do { streaming = (try StreamedBody(), Task {}) } catch { refusal = .busy }
        case .memory:
            // A client that asks first (`Expect`) learns it before it sends the body.
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            if length > table.limits.bodyBytes { refusal = .tooLong }
        }
        if head.headers.first(name: "expect")?.lowercased() == "100-continue", refusal == nil {
            context.writeAndFlush(
                wrapOutboundOut(.head(.init(version: head.version, status: .continue))), promise: nil)
        }
        if let streaming { carryOut(head, context, stream: streaming.body) }
    }

    /// Writes a piece of a long body to disk, and reads no more until that is done.
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

    /// Passes a piece of a body to its reader, and reads no more from the client until the reader has it.
    private func pass(
        _ bytes: [UInt8], to streaming: (body: StreamedBody, last: Task<Void, Never>), _ context: ChannelHandlerContext
    ) {
        let channel = context.channel
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        channel.setOption(.autoRead, value: false).whenComplete { _ in }
        // This time does not count as the client's silence.
        table.note(.answering, of: channel)
        let last = Task {
            await streaming.last.value
            await streaming.body.append(bytes)
            channel.eventLoop.execute { handler.value.passed(to: streaming.body, channel) }
        }
        self.streaming = (streaming.body, last)
    }

    private func passed(to body: StreamedBody, _ channel: any Channel) {
        if streaming?.body === body { table.note(.body, of: channel) }
        channel.setOption(.autoRead, value: true).whenComplete { _ in }
    }

    /// The body is complete. Its answer comes, or has been written already.
    private func finish(
        _ streaming: (body: StreamedBody, last: Task<Void, Never>), _ context: ChannelHandlerContext
    ) {
        self.streaming = nil
        head = nil
        Task {
            await streaming.last.value
            streaming.body.finish()
        }
        table.note(unanswered == 0 ? .idle : .answering, of: context.channel)
        if unanswered == 0, hasInputEnded { context.close(promise: nil) }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard let head else { return }
        self.head = nil
        let file = spooling
        spooling = nil
        table.note(.answering, of: context.channel)
        carryOut(head, context, file: file)
    }

    private func carryOut(
        _ head: HTTPRequestHead, _ context: ChannelHandlerContext, file: Task<SpoolFile, any Error>? = nil,
        stream: StreamedBody? = nil
    ) {
        let bytes = Array(buffer: body)
        // The request needs the bytes of its body until it has its answer.
        let held = reserved
        reserved = 0
        releaseBody()
        let refusal = refusal
        let channel = context.channel
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        unanswered += 1
        work = Task { [routes, table] in
            let response = await ConnectionHandler.response(
                to: head, bytes, file, stream, refusal, routes, limit: table.limits.bodyBytes)
            stream?.discard()
            table.release(held)
            await ResponseWriter(channel: channel, head: head).write(response)
            channel.eventLoop.execute {
                if handler.value.isDoneAfterAnswer(channel) { channel.close(promise: nil) }
            }
        }
    }

    private static func response(
        to head: HTTPRequestHead, _ bytes: [UInt8], _ file: Task<SpoolFile, any Error>?, _ stream: StreamedBody?,
        _ refusal: Refusal?, _ routes: any HTTPRoutes, limit: Int
    ) async -> Response {
        switch refusal {
        case .tooLong?: return routes.bodyTooLong(limit: limit)
        case .busy?: return routes.busy()
        case nil: break
        }
        do {
            return await routes.respond(
                to: Request(head: head, body: bytes, file: try await file?.value, stream: stream))
        } catch {
            return routes.failure(error)
        }
    }

    /// Notes that an answer is written. True if no more requests come and nobody else closes the connection.
    private func isDoneAfterAnswer(_ channel: any Channel) -> Bool {
        unanswered -= 1
        guard unanswered == 0 else { return false }
        work = nil
        if head == nil { table.note(.idle, of: channel) }
        return hasInputEnded && head == nil && !isStream
    }

    /// The connection leaves HTTP.
    func becomeStream() { isStream = true }
}
