import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Switches a connection from HTTP to a monitor's stream and passes bytes both ways unread.
struct StreamBridge: Sendable {
    let channel: any Channel

    /// Takes over `descriptor`, a connected stream socket.
    func begin(with descriptor: CInt) async throws {
        let client = channel
        let loop = client.eventLoop
        let pair = try await loop.submit { NIOLoopBound(GlueHandler.pair(), eventLoop: loop) }.get()
        do { try await switchOver(client, to: pair) } catch {
            close(descriptor)
            throw error
        }
        do {
            // A short command has ended, and its monitor hung up, before this line: the glue is there from the first byte on.
            let monitor = try await ClientBootstrap(group: loop)
                .channelOption(.allowRemoteHalfClosure, value: false)
                .channelInitializer { monitor in
                    monitor.eventLoop.makeCompletedFuture {
                        try monitor.pipeline.syncOperations.addHandler(pair.value.1)
                    }
                }
                .withConnectedSocket(descriptor).get()
            try await client.setOption(.autoRead, value: true).get()
            try await monitor.closeFuture.get()
        } catch {
            client.close(promise: nil)
            throw error
        }
    }

    /// Answers 101 and takes HTTP out of the connection; nothing is read from it meanwhile.
    private func switchOver(
        _ client: any Channel, to pair: NIOLoopBound<(GlueHandler, GlueHandler)>
    ) async throws {
        let headers = HTTPHeaders([("connection", "upgrade"), ("upgrade", "berth-stream")])
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
        try await client.setOption(.autoRead, value: false).get()
        try await client.writeAndFlush(HTTPServerResponsePart.head(head)).get()
        try await client.eventLoop.submit {
            let pipeline = client.pipeline.syncOperations
            // The decoder hands on what it has read beyond the request: the glue must be there to take it.
            try pipeline.addHandler(pair.value.0)
            let handler = try pipeline.context(handlerType: ConnectionHandler.self)
            pipeline.removeHandler(context: handler, promise: nil)
            try HTTPPipeline.remove(from: pipeline)
        }.get()
    }
}

/// One of two handlers that pass what their channel reads to the other's, no faster than that one takes it.
final class GlueHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?
    /// What was read before the partner had its channel.
    private var waiting: [ByteBuffer] = []

    static func pair() -> (GlueHandler, GlueHandler) {
        let left = GlueHandler()
        let right = GlueHandler()
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
        guard let other = partner?.context else { return waiting.append(unwrapInboundIn(data)) }
        other.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        // Reading goes on once the other side has room again.
        if let other = partner?.context, !other.channel.isWritable {
            context.channel.setOption(.autoRead, value: false).whenComplete { _ in }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable, let other = partner?.context else { return }
        other.channel.setOption(.autoRead, value: true).whenComplete { _ in }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let other = partner?.context else { return }
        // What was written before must still arrive.
        let channel = other.channel
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
