import Glibc
import Linux

/// A client's TCP connection: queries and answers, each with a length of two bytes before it (RFC 1035, 4.2.2; RFC
/// 7766).
final class ClientStream {
    /// Seconds without a query before the connection is closed.
    private static let patience: UInt64 = 10
    /// The maximum number of queries to answer in one turn.
    private static let mostQueries = 8

    var onQuery: ([UInt8]) -> Void = { _ in }
    var onEnd: () -> Void = {}

    private let loop: EventLoop
    private let buffer: LineBuffer
    private var idle: EventLoop.Token?

    init(_ connection: consuming OwnedFD, loop: EventLoop) throws(SyscallError) {
        self.loop = loop
        buffer = try LineBuffer(connection, loop: loop, limit: 1 << 18)
        buffer.onBytes = { [weak self] in self?.begin() }
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

    private func begin() {
        startWaiting()
        guard !buffer.isPaused, takeQueries() else { return }
        // Many queries at once: answer the rest in turns with other clients, and receive no more until then.
        buffer.isPaused = true
        loop.takeTurns { [weak self] in
            guard let self else { return false }
            if takeQueries() { return true }
            buffer.isPaused = false
            return false
        }
    }

    /// Answers some of the received queries; true when there are more.
    private func takeQueries() -> Bool {
        var position = 0
        defer { buffer.received.removeFirst(min(position, buffer.received.count)) }
        for _ in 0..<Self.mostQueries {
            let rest = buffer.received[position...]
            guard rest.count >= 2 else { return false }
            let length = Int(rest[position]) << 8 | Int(rest[position + 1])
            guard rest.count >= 2 + length else { return false }
            position += 2 + length
            onQuery(Array(rest[(rest.startIndex + 2)..<(rest.startIndex + 2 + length)]))
        }
        return true
    }

    private func startWaiting() {
        if let idle { loop.cancel(idle) }
        idle = loop.after(Self.patience) { [weak self] in self?.close() }
    }
}
