import CLinux
import Glibc

/// Signals read from a descriptor instead of acting on the process (signalfd(2)); they act again when this value ends.
package struct CaughtSignals: ~Copyable {
    package static let interrupt = SIGINT
    package static let terminate = SIGTERM
    package static let hangUp = SIGHUP
    package static let windowChange = SIGWINCH
    /// What a terminal or a supervisor sends to end a program.
    package static let ending = [SIGINT, SIGTERM, SIGHUP]
    /// What is passed on to a program that runs elsewhere in the caller's stead.
    package static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    private let descriptor: OwnedFD
    private let before: [UInt64]

    /// The calling process must have one thread: others would still receive the signals.
    package init(_ signals: [CInt]) throws(SyscallError) {
        var before = [UInt64](repeating: 0, count: 16)
        descriptor = OwnedFD(
            owning: try syscall("signalfd", on: "signals") {
                berth_signals_open(signals, CInt(signals.count), &before)
            })
        self.before = before
    }

    deinit { berth_signals_restore(before) }

    /// For waiting; lent, not given.
    package var raw: CInt { descriptor.raw }

    /// The next signal that came; nil when none is waiting.
    package func next() -> CInt? {
        let signal = berth_signals_next(descriptor.raw)
        return signal == 0 ? nil : signal
    }
}

/// Makes a write to a closed pipe an error (EPIPE) instead of the end of the process (signal(7), SIGPIPE).
package func ignoreClosedPipes() { berth_ignore_closed_pipes() }
