import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Switches a connection from HTTP to the stream of a socket and passes bytes both ways.
struct StreamBridge: Sendable {
    let channel: any Channel
    let request: HTTPRequestHead

    func begin(_ wanted: StreamSwitch) async throws {
        let client = channel
        let loop = client.eventLoop
        let pair = try await loop.submit {
            NIOLoopBound(GlueHandler.pair(translation: wanted.translation?()), eventLoop: loop)
        }.get()
        var wanted = wanted
        if wanted.webSocket != nil {
            wanted.headers.add(contentsOf: try await WebSocketRequest.answer(to: request, on: client))
        }
        try await switchOver(client, wanted, to: pair)
        do {
            for await chunk in wanted.before ?? AsyncStream(unfolding: { nil }) {
                try await client.writeAndFlush(client.allocator.buffer(bytes: chunk)).get()
            }
            guard let open = wanted.descriptor else { return client.close(promise: nil) }
            let opening = Task { try await open() }
            // Stop waiting when the client goes away.
            client.closeFuture.whenComplete { _ in opening.cancel() }
            let descriptor: CInt
            do { descriptor = try await opening.value } catch {
                let text = wanted.failure?(error) ?? []
                if !text.isEmpty { try? await client.writeAndFlush(client.allocator.buffer(bytes: text)).get() }
                throw error
            }
            // A short command can end, and its monitor hang up, before this line. So both handlers are in place from the first byte on.
            let other = try await ClientBootstrap(group: loop)
                .channelOption(.allowRemoteHalfClosure, value: false)
                .channelInitializer { other in
                    other.eventLoop.makeCompletedFuture {
                        try other.pipeline.syncOperations.addHandler(pair.value.1)
                    }
                }
                .withConnectedSocket(descriptor).get()
            // If the client went away in the meantime, close its socket as well.
            client.closeFuture.whenComplete { _ in other.close(promise: nil) }
            if client.isActive { try await client.setOption(.autoRead, value: true).get() }
            try await other.closeFuture.get()
        } catch {
            client.close(promise: nil)
            throw error
        }
    }

    /// Answers and removes HTTP from the connection. Nothing reads from the connection in the meantime.
    private func switchOver(
        _ client: any Channel, _ wanted: StreamSwitch, to pair: NIOLoopBound<(GlueHandler, GlueHandler)>
    ) async throws {
        try await client.setOption(.autoRead, value: false).get()
        let head = Self.head(wanted)
        // In one step: if the client sends bytes or closes at once, they must reach the new handlers. HTTP would see a broken request.
        try await client.eventLoop.flatSubmit {
            do {
                let pipeline = client.pipeline.syncOperations
                // Bypass the encoder, which would announce a chunked body.
                let encoder = try pipeline.context(name: HTTPPipeline.encoder)
                let written = encoder.writeAndFlush(NIOAny(client.allocator.buffer(string: head)))
                // The decoder passes on what it has read beyond the request, so the new handler must be there first.
                if let form = wanted.webSocket { try WebSocketRequest.addHandlers(form, to: pipeline) }
                try pipeline.addHandler(pair.value.0)
                let handler = try pipeline.handler(type: ConnectionHandler.self)
                handler.becomeStream()
                pipeline.removeHandler(context: try pipeline.context(handler: handler), promise: nil)
                try HTTPPipeline.remove(from: pipeline)
                // Nobody else reports a side that ended before its handler was there.
                if handler.hasInputEnded { pair.value.0.clientHasEnded() }
                return written
            } catch {
                return client.eventLoop.makeFailedFuture(error)
            }
        }.get()
    }

    private static func head(_ wanted: StreamSwitch) -> String {
        let lines = wanted.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        return "HTTP/1.1 \(wanted.status.code) \(wanted.status.reasonPhrase)\r\n\(lines)\r\n"
    }
}

/// One of a pair of handlers. Each passes what its channel reads to the other channel, no faster than that one can write.
final class GlueHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Side { case client, other }

    /// The state that both handlers of a pair share.
    private final class Shared {
        var translation: (any StreamTranslation)?
        init(_ translation: (any StreamTranslation)?) { self.translation = translation }
    }

    private let side: Side
    private let shared: Shared
    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?
    /// Bytes that were read before the other handler had its channel.
    private var waiting: [ByteBuffer] = []
    private var hasEnded = false
    /// The other side has ended: what the client still writes is read and dropped.
    private var isDraining = false

    private init(_ side: Side, _ shared: Shared) {
        self.side = side
        self.shared = shared
    }

    /// The handler of the client, and that of the socket.
    static func pair(translation: (any StreamTranslation)?) -> (GlueHandler, GlueHandler) {
        let shared = Shared(translation)
        let left = GlueHandler(.client, shared)
        let right = GlueHandler(.other, shared)
        left.partner = right
        right.partner = left
        return (left, right)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        for buffer in partner?.waiting ?? [] { context.write(wrapOutboundOut(buffer), promise: nil) }
        partner?.waiting = []
        context.flush()
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isDraining { return }
        pass(translated(unwrapInboundIn(data), context))
        if shared.translation?.isDetached == true { context.close(promise: nil) }
    }

    private func translated(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer {
        guard shared.translation != nil else { return buffer }
        var input = buffer
        var output = context.channel.allocator.buffer(capacity: buffer.readableBytes + 64)
        switch side {
        case .client: shared.translation?.fromClient(&input, into: &output)
        case .other: shared.translation?.toClient(&input, into: &output)
        }
        return output
    }

    private func pass(_ buffer: ByteBuffer) {
        guard buffer.readableBytes > 0 else { return }
        guard let other = partner?.context, other.channel.isActive else { return waiting.append(buffer) }
        other.write(wrapOutboundOut(buffer), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        // Read on once the other side has room again.
        if let other = partner?.context, !other.channel.isWritable {
            context.channel.setOption(.autoRead, value: false).whenComplete { _ in }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable, let other = partner?.context else { return }
        other.channel.setOption(.autoRead, value: true).whenComplete { _ in }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { inputClosed(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func clientHasEnded() {
        if let context { inputClosed(context) }
    }

    /// With a translation, one side may close its writing half and go on reading.
    private func inputClosed(_ context: ChannelHandlerContext) {
        if isDraining { return context.close(promise: nil) }
        guard side == .client, shared.translation != nil else { return context.close(promise: nil) }
        guard !hasEnded else { return }
        hasEnded = true
        var output = context.channel.allocator.buffer(capacity: 16)
        shared.translation?.clientEnded(into: &output)
        pass(output)
        partner?.context?.flush()
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let other = partner?.context else { return }
        // Everything that was written before must still arrive.
        let channel = other.channel
        let written = channel.writeAndFlush(ByteBuffer())
        if side == .other, let client = partner, !client.hasEnded { return client.drain(after: written) }
        written.whenComplete { _ in channel.close(promise: nil) }
    }

    /// Ends the client's output, and reads on until the client closes. To close while it still writes would be a reset to it, which
    /// can take away output that it has not read yet.
    private func drain(after written: EventLoopFuture<Void>) {
        guard let channel = context?.channel else { return }
        isDraining = true
        channel.setOption(.autoRead, value: true).whenComplete { _ in }
        written.whenComplete { _ in
            channel.close(mode: .output).whenFailure { _ in channel.close(promise: nil) }
        }
        let limit = channel.eventLoop.scheduleTask(in: Self.drainingTime) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in limit.cancel() }
    }

    /// A client that has read the end closes at once.
    private static let drainingTime = TimeAmount.seconds(10)

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
