import AttachStream
import HTTPService
import NIOCore

/// Translates between a container's stream of frames and the stream of Docker's clients: plain bytes for a terminal, otherwise pieces
/// with a header of eight bytes that names the stream.
package struct DockerStream: StreamTranslation {
    package struct Options: Sendable {
        package var hasTerminal: Bool
        /// Each piece has a header that names its stream.
        package var isFramed: Bool
        package var takesInput: Bool
        package var showsOutput: Bool
        package var showsErrors: Bool
        /// The keys with which the client detaches; nil: it cannot.
        package var detachKeys: DetachKeys?
        /// Also sends the reason if the command cannot run. For a container, the request that starts it gets the reason.
        package var tellsFailure = false

        package init(
            hasTerminal: Bool, takesInput: Bool = true, showsOutput: Bool = true, showsErrors: Bool = true,
            detachKeys: DetachKeys? = nil
        ) {
            self.hasTerminal = hasTerminal
            isFramed = !hasTerminal
            self.takesInput = takesInput
            self.showsOutput = showsOutput
            self.showsErrors = showsErrors
            self.detachKeys = detachKeys
        }
    }

    private enum Piece {
        /// Pass it on, drop it, or collect all of it.
        case pass, skip
        case collect(StreamFrame.Kind)
    }

    private static let headLength = 5

    private let options: Options
    /// Called before the client sees the end of the stream.
    private let onExit: @Sendable (Int) -> Void
    private var head: [UInt8] = []
    private var piece = Piece.skip
    private var left = 0
    private var collected: [UInt8] = []
    private var keys: DetachKeyReader?
    package var isDetached: Bool { keys?.isComplete == true }

    package init(_ options: Options, onExit: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.options = options
        self.onExit = onExit
        keys = options.detachKeys.map { DetachKeyReader($0) }
    }

    // MARK: From the container

    package mutating func toClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) {
        while bytes.readableBytes > 0 {
            if left == 0 {
                guard let byte = bytes.readInteger(as: UInt8.self) else { return }
                head.append(byte)
                if head.count == Self.headLength { begin(into: &output) }
                continue
            }
            let count = min(left, bytes.readableBytes)
            left -= count
            switch piece {
            case .pass:
                guard var slice = bytes.readSlice(length: count) else { return }
                output.writeBuffer(&slice)
            case .skip: bytes.moveReaderIndex(forwardBy: count)
            case .collect(let kind):
                collected += bytes.readBytes(length: count) ?? []
                if left == 0 { finish(kind, into: &output) }
            }
        }
    }

    private mutating func begin(into output: inout ByteBuffer) {
        let kind = StreamFrame.Kind(rawValue: head[0])
        left = head[1...].reduce(0) { $0 << 8 | Int($1) }
        head = []
        collected = []
        switch kind {
        case .stdout where options.showsOutput, .stderr where options.showsErrors:
            piece = .pass
            writeHead(isError: kind == .stderr, count: left, into: &output)
        case .exit, .failure: piece = .collect(kind)
        default: piece = .skip
        }
    }

    private func writeHead(isError: Bool, count: Int, into output: inout ByteBuffer) {
        guard options.isFramed, count > 0 else { return }
        output.writeBytes([isError ? 2 : 1, 0, 0, 0])
        output.writeInteger(UInt32(count))
    }

    private mutating func finish(_ kind: StreamFrame.Kind, into output: inout ByteBuffer) {
        if let code = StreamFrame(kind, collected).exitCode { return onExit(Int(code)) }
        guard kind == .failure, let code = collected.first else { return }
        onExit(Int(code))
        guard options.tellsFailure else { return }
        let text = Self.failureText(String(decoding: collected.dropFirst(), as: UTF8.self))
        writeHead(isError: false, count: text.count, into: &output)
        output.writeBytes(text)
    }

    /// dockerd's wording for a command that cannot run.
    static func failureText(_ message: String) -> [UInt8] {
        Array("OCI runtime exec failed: exec failed: \(DockerFailure.launch(message))\r\n".utf8)
    }

    /// What a client reads if there is no stream.
    package func failure(_ message: String) -> [UInt8] {
        let text = Array("\(message)\r\n".utf8)
        guard options.isFramed else { return text }
        var output = ByteBuffer()
        writeHead(isError: false, count: text.count, into: &output)
        return Array(buffer: output) + text
    }

    // MARK: From the client

    package mutating func fromClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) {
        guard options.takesInput else { return bytes.moveReaderIndex(to: bytes.writerIndex) }
        guard !isDetached else { return bytes.moveReaderIndex(to: bytes.writerIndex) }
        let input = bytes.readBytes(length: bytes.readableBytes) ?? []
        var rest = (keys?.pass(input) ?? input)[...]
        while !rest.isEmpty {
            let part = rest.prefix(StreamFrame.payloadLimit)
            write(.stdin, part, into: &output)
            rest = rest.dropFirst(part.count)
        }
        if isDetached { write(.detach, [], into: &output) }
    }

    package mutating func clientEnded(into output: inout ByteBuffer) {
        guard options.takesInput, !isDetached else { return }
        if let held = keys?.finish(), !held.isEmpty { write(.stdin, held[...], into: &output) }
        write(.stdinEnd, [], into: &output)
    }

    private func write(_ kind: StreamFrame.Kind, _ payload: ArraySlice<UInt8>, into output: inout ByteBuffer) {
        output.writeInteger(kind.rawValue)
        output.writeInteger(UInt32(payload.count))
        output.writeBytes(payload)
    }
}
