import Glibc
import Linux

/// A stream socket with buffers for received bytes that are not processed yet and for bytes to send; both are bounded.
final class LineBuffer {
    var received: [UInt8] = []
    /// Called when `received` has new bytes.
    var onBytes: () -> Void = {}
    /// Called at most once: the other side closed the connection, it failed, or a buffer was full.
    var onEnd: () -> Void = {}

    private let loop: EventLoop
    private let connection: OwnedFD
    private let limit: Int
    private var unsent: [UInt8] = []
    private var watch: EventLoop.Token?

    /// While true, nothing is received.
    var isPaused = false {
        didSet { if isPaused != oldValue { listen() } }
    }

    /// Keeps at most `limit` bytes in each direction.
    init(_ connection: consuming OwnedFD, loop: EventLoop, limit: Int) throws(SyscallError) {
        self.loop = loop
        self.connection = connection
        self.limit = limit
        try UnixSocket.setNonblocking(self.connection.raw)
        watch = try loop.watch(self.connection.raw, .readable) { [weak self] event in self?.react(event) }
    }

    deinit { if let watch { loop.ignore(watch) } }

    func send(_ bytes: [UInt8]) {
        guard watch != nil else { return }
        unsent += bytes
        flush()
        if unsent.count > limit { end() }
    }

    /// Stops reading and writing, without a call of `onEnd`.
    func close() {
        if let watch { loop.ignore(watch) }
        watch = nil
        onEnd = {}
        onBytes = {}
    }

    private func react(_ event: EventLoop.Interest) {
        if event.contains(.writable) { flush() }
        let isBroken = !event.isDisjoint(with: [.failed, .hungUp])
        guard watch != nil, isBroken || (!isPaused && event.contains(.readable)) else { return }
        let count = loop.scratch.withUnsafeMutableBytes { recv(connection.raw, $0.baseAddress, $0.count, 0) }
        if count < 0 && (Errno.current == .again || Errno.current == .interrupted) { return }
        guard count > 0, received.count + count <= limit else { return end() }
        received += loop.scratch[..<count]
        onBytes()
    }

    private func listen() {
        guard let watch else { return }
        var interest: EventLoop.Interest = isPaused ? [] : .readable
        if !unsent.isEmpty { interest.insert(.writable) }
        loop.change(watch, to: interest)
    }

    private func flush() {
        guard watch != nil else { return }
        while !unsent.isEmpty {
            let count = unsent.withUnsafeBytes {
                Glibc.send(connection.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count > 0 {
                unsent.removeFirst(count)
            } else if Errno.current == .again {
                break
            } else if Errno.current != .interrupted {
                return end()
            }
        }
        listen()
    }

    private func end() {
        let end = onEnd
        close()
        end()
    }
}
