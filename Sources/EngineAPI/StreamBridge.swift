import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Switches a connection from HTTP to a monitor's stream and passes bytes both ways unread.
struct StreamBridge: Sendable {
    let channel: any Channel

    /// Takes over `descriptor`, a connected stream socket.
    func begin(with descriptor: CInt) async throws {
        let headers = HTTPHeaders([("connection", "upgrade"), ("upgrade", "berth-stream")])
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
        let monitor: any Channel
        do {
            monitor = try await ClientBootstrap(group: channel.eventLoop)
                .channelOption(.autoRead, value: false)
                .channelOption(.allowRemoteHalfClosure, value: false)
                .withConnectedSocket(descriptor).get()
        } catch {
            close(descriptor)
            throw error
        }
        let client = channel
        try await channel.writeAndFlush(HTTPServerResponsePart.head(head)).get()
        try await channel.eventLoop.submit {
            let pipeline = client.pipeline.syncOperations
            let (left, right) = GlueHandler.pair()
            // The decoder hands on what it has read beyond the request: the glue must be there to take it.
            try pipeline.addHandler(left)
            try monitor.pipeline.syncOperations.addHandler(right)
            let handler = try pipeline.context(handlerType: ConnectionHandler.self)
            pipeline.removeHandler(context: handler, promise: nil)
            for name in [ConnectionHandler.encoderName, ConnectionHandler.decoderName] {
                pipeline.removeHandler(context: try pipeline.context(name: name), promise: nil)
            }
        }.get()
        try await monitor.setOption(.autoRead, value: true).get()
        try await monitor.closeFuture.get()
    }
}

/// One of two handlers that pass what their channel reads to the other's, no faster than that one takes it.
final class GlueHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?

    static func pair() -> (GlueHandler, GlueHandler) {
        let left = GlueHandler()
        let right = GlueHandler()
        left.partner = right
        right.partner = left
        return (left, right)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner?.context?.write(data, promise: nil)
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
