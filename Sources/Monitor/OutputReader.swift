import Glibc
import Linux

/// Reads one output of the process: a pipe, or its terminal.
final class OutputReader {
    private let loop: EventLoop
    private var source: OwnedFD?
    private let descriptor: CInt
    private let stream: LogWriter.Stream
    private let deliver: (ArraySlice<UInt8>, LogWriter.Stream) -> Void

    /// `source` must be non-blocking.
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

    /// The descriptor and the stream; nil at the end.
    var place: (descriptor: CInt, stream: LogWriter.Stream)? { source == nil ? nil : (descriptor, stream) }

    /// While held, reads nothing, so the process blocks in its writes.
    func hold(_ isHeld: Bool) {
        guard source != nil else { return }
        // Remove it instead of waiting for no events, because hang-ups are always reported, and would be reported again
        // and again.
        if isHeld {
            loop.forget(descriptor)
        } else {
            loop.forget(descriptor)
            try? loop.watch(descriptor, .read) { [weak self] _ in self?.read() }
        }
    }

    /// Reads everything available, then closes: the process has ended, and other writers do not matter.
    func drain() {
        while source != nil, readOnce() {}
        close()
    }

    private func read() { _ = readOnce() }

    /// Returns whether there may be more.
    private func readOnce() -> Bool {
        // Allocated only while reading: an idle monitor keeps no buffers.
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
