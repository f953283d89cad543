import Glibc
import Linux

/// Reads one of the process's outputs: a pipe, or its terminal.
final class OutputReader {
    private let loop: EventLoop
    private var source: OwnedFD?
    private let descriptor: CInt
    private let stream: LogWriter.Stream
    private let deliver: (ArraySlice<UInt8>, LogWriter.Stream) -> Void

    /// `source` must not block.
    init(
        _ loop: EventLoop, _ source: consuming OwnedFD, _ stream: LogWriter.Stream,
        deliver: @escaping (ArraySlice<UInt8>, LogWriter.Stream) -> Void
    ) throws(SyscallError) {
        self.loop = loop
        self.stream = stream
        self.deliver = deliver
        descriptor = source.raw
        self.source = consume source
        try loop.watch(descriptor, .read) { [weak self] _ in self?.read() }
    }

    /// Where it reads, and as which stream; nil once that has ended.
    var place: (descriptor: CInt, stream: LogWriter.Stream)? { source == nil ? nil : (descriptor, stream) }

    /// Reads no more until told otherwise: the process then waits in its write.
    func hold(_ isHeld: Bool) {
        guard source != nil else { return }
        // Forgotten and not just without interest: a hang-up is told always, and would be told without end.
        if isHeld {
            loop.forget(descriptor)
        } else {
            loop.forget(descriptor)
            try? loop.watch(descriptor, .read) { [weak self] _ in self?.read() }
        }
    }

    /// Reads what is there now, and closes: the process has ended, and whoever else still writes is not waited for.
    func drain() {
        while source != nil, readOnce() {}
        close()
    }

    private func read() { _ = readOnce() }

    /// Whether there may be more.
    private func readOnce() -> Bool {
        // Taken for the time of reading only: an idle monitor keeps no buffers.
        let capacity = 1 << 16
        var result = 0
        var code = Errno(rawValue: 0)
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            code = Errno.current
            count = max(0, result)
        }
        if result > 0 {
            deliver(bytes[...], stream)
            return true
        }
        if result < 0, code == .again || code == .interrupted { return code == .interrupted }
        close()
        return false
    }

    private func close() {
        loop.forget(descriptor)
        source = nil
    }
}
