import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The kind of frame in which a stream goes over a websocket (RFC 6455).
package enum WebSocketForm: Sendable {
    case binary, text
}

/// The request for a websocket.
enum WebSocketRequest {
    private static let frameLimit = 1 << 20

    /// The headers of the answer.
    /// - Throws: if the request does not ask for a websocket.
    static func answer(to head: HTTPRequestHead, on channel: any Channel) async throws -> HTTPHeaders {
        let upgrader = NIOWebSocketServerUpgrader(
            automaticErrorHandling: false,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        return try await channel.eventLoop.flatSubmit {
            upgrader.buildUpgradeResponse(channel: channel, upgradeRequest: head, initialResponseHeaders: [:])
        }.get()
    }

    /// Adds the translation of frames. Handlers that are added after it see plain bytes.
    static func addHandlers(_ form: WebSocketForm, to pipeline: ChannelPipeline.SynchronousOperations) throws {
        try pipeline.addHandler(WebSocketFrameEncoder())
        try pipeline.addHandler(ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: frameLimit)))
        try pipeline.addHandler(WebSocketBytes(form))
    }
}

/// Translates between the frames of a websocket and the bytes in them.
final class WebSocketBytes: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = WebSocketFrame

    private let opcode: WebSocketOpcode
    private var saysGoodbye = true

    init(_ form: WebSocketForm) { opcode = form == .text ? .text : .binary }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        // RFC 6455, section 5.1: a client must mask its frames.
        guard frame.maskKey != nil else { return end(context, .protocolError) }
        switch frame.opcode {
        case .binary, .text, .continuation:
            let bytes = frame.unmaskedData
            if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
        case .ping:
            // Do not answer a client that does not read: the answers would pile up here.
            guard context.channel.isWritable else { return }
            let pong = WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .connectionClose:
            // The client has finished. Tell the stream before the connection ends.
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            end(context, .normalClosure)
        case .pong: break
        // RFC 6455, section 5.2: a reserved frame ends the connection.
        default: end(context, .protocolError)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        // After everything that was written before: the stream has ended, and its last piece is still on its way.
        guard bytes.readableBytes > 0 else { return sayGoodbye(context, .normalClosure, promise) }
        context.write(
            wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: bytes)), promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode != .input { sayGoodbye(context, .normalClosure) }
        context.close(mode: mode, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(context, (error as? NIOWebSocketError).map(WebSocketErrorCode.init) ?? .protocolError)
    }

    private func end(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode) {
        sayGoodbye(context, code)
        context.close(promise: nil)
    }

    private func sayGoodbye(
        _ context: ChannelHandlerContext, _ code: WebSocketErrorCode, _ promise: EventLoopPromise<Void>? = nil
    ) {
        guard saysGoodbye, context.channel.isActive else {
            promise?.succeed()
            return
        }
        saysGoodbye = false
        var data = context.channel.allocator.buffer(capacity: 2)
        data.write(webSocketErrorCode: code)
        context.writeAndFlush(
            wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: promise)
    }
}

extension WebSocketErrorCode {
    fileprivate init(_ error: NIOWebSocketError) {
        switch error {
        case .invalidFrameLength: self = .messageTooLarge
        default: self = .protocolError
        }
    }
}
