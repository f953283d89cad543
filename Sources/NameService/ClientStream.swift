import Glibc
import Linux

/// A client's TCP connection: queries and answers, each after its length in two bytes (RFC 1035, 4.2.2; RFC 7766).
final class ClientStream {
    /// Seconds without a query after which the connection is closed.
    private static let patience: UInt64 = 10

    var onQuery: ([UInt8]) -> Void = { _ in }
    var onEnd: () -> Void = {}

    private let loop: EventLoop
    private let buffer: LineBuffer
    private var idle: EventLoop.Token?

    init(_ connection: consuming OwnedFD, loop: EventLoop) throws(SyscallError) {
        self.loop = loop
        buffer = try LineBuffer(connection, loop: loop, limit: 1 << 18)
        buffer.onBytes = { [weak self] in self?.takeQueries() }
        buffer.onEnd = { [weak self] in self?.close() }
        startWaiting()
    }

    func send(_ answer: [UInt8]) {
        buffer.send([UInt8(answer.count >> 8), UInt8(answer.count & 0xff)] + answer)
    }

    func close() {
        if let idle { loop.cancel(idle) }
        idle = nil
        buffer.close()
        let end = onEnd
        onEnd = {}
        end()
    }

    private func takeQueries() {
        startWaiting()
        while buffer.received.count >= 2 {
            let length = Int(buffer.received[0]) << 8 | Int(buffer.received[1])
            guard buffer.received.count >= 2 + length else { return }
            let query = Array(buffer.received[2..<2 + length])
            buffer.received.removeFirst(2 + length)
            onQuery(query)
        }
    }

    private func startWaiting() {
        if let idle { loop.cancel(idle) }
        idle = loop.after(Self.patience) { [weak self] in self?.close() }
    }
}
