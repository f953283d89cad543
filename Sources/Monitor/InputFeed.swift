import Glibc
import Linux

/// Writes input to the process: to the pipe of its standard input, or to its terminal.
final class InputFeed {
    private static let limit = 256 << 10

    private let loop: EventLoop
    private var pipe: OwnedFD?
    private let descriptor: CInt
    private var pending: [UInt8] = []
    private var endsWhenEmpty = false
    private var isWatched = false
    /// Called with true when no more input should be added for now.
    var onFull: (Bool) -> Void = { _ in }

    /// `pipe` must be non-blocking.
    init(_ loop: EventLoop, _ pipe: consuming OwnedFD) {
        self.loop = loop
        descriptor = pipe.raw
        self.pipe = consume pipe
    }

    func add(_ bytes: [UInt8]) {
        guard isOpen, !endsWhenEmpty else { return }
        pending += bytes
        flush()
    }

    /// Ends the input: the process gets end of file after everything before it.
    func end() {
        endsWhenEmpty = true
        flush()
    }

    /// Its descriptor when nothing is buffered; -1 once it is closed, nil while something is buffered.
    var idleDescriptor: CInt? { !isOpen ? -1 : pending.isEmpty && !endsWhenEmpty ? descriptor : nil }

    private var isOpen: Bool { pipe != nil }

    private func flush() {
        guard isOpen else { return }
        while !pending.isEmpty {
            let count = pending.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            let code = Errno.current
            if count >= 0 {
                pending.removeFirst(count)
            } else if code == .again {
                break
            } else if code != .interrupted {
                return close()  // nobody reads it any more
            }
        }
        if pending.isEmpty, endsWhenEmpty { return close() }
        watch(!pending.isEmpty)
        onFull(pending.count > Self.limit)
    }

    private func watch(_ isWanted: Bool) {
        guard isWanted != isWatched else { return }
        isWatched = isWanted
        if isWanted {
            try? loop.watch(descriptor, .write) { [weak self] _ in self?.flush() }
        } else {
            loop.forget(descriptor)
        }
    }

    private func close() {
        watch(false)
        pipe = nil
        pending = []
        onFull(false)
    }
}
