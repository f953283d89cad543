import CLinux

/// Signals that are read from a descriptor instead of being handled (signalfd(2)).
package struct SignalDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedFD

    /// Readable when a signal is pending; for epoll(7) and poll(2).
    package var pollable: CInt { descriptor.raw }

    /// Blocks `signals` in the calling thread and reports them from now on.
    package init(blocking signals: [CInt]) throws(SyscallError) {
        let mask = signals.reduce(UInt64(0)) { $0 | 1 << UInt64($1 - 1) }
        descriptor = OwnedFD(owning: try syscall("signalfd", on: "signals") { berth_block_signals(mask) })
    }

    /// The number of the next signal; nil when none is pending.
    package func next() -> CInt? {
        let number = berth_read_signal(descriptor.raw)
        return number > 0 ? number : nil
    }
}
