import CLinux
import Glibc

/// Signals that are read from a descriptor instead of acting on the process (signalfd(2)), until this value goes away.
package struct CaughtSignals: ~Copyable {
    package static let interrupt = SIGINT
    package static let terminate = SIGTERM
    package static let hangUp = SIGHUP
    package static let windowChange = SIGWINCH
    /// Signals with which a terminal or a supervisor ends a program.
    package static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// Those of `ending` after which nobody waits for the program: the terminal is gone, or Ctrl-\ was pressed.
    package static let leaving = [SIGHUP, SIGQUIT]
    /// Signals to forward to a program that runs elsewhere on the caller's behalf.
    package static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    private let descriptor: OwnedFD
    private let before: [UInt64]

    /// The calling process must have only one thread, because other threads would still receive the signals. Leaves out
    /// SIGHUP if the caller ignores it: nohup(1) means that the program must outlive the terminal.
    package init(_ signals: [CInt]) throws(SyscallError) {
        var before = [UInt64](repeating: 0, count: 16)
        let signals = signals.filter { $0 != SIGHUP || !ignoresHangUp }
        descriptor = OwnedFD(
            owning: try syscall("signalfd", on: "signals") {
                berth_signals_open(signals, CInt(signals.count), &before)
            })
        self.before = before
    }

    deinit { berth_signals_restore(before) }

    /// For waiting; this value still owns it.
    package var raw: CInt { descriptor.raw }

    /// The next signal; nil when none is pending.
    package func next() -> CInt? {
        let signal = berth_signals_next(descriptor.raw)
        return signal == 0 ? nil : signal
    }
}

private var ignoresHangUp: Bool {
    var action = sigaction()
    guard sigaction(SIGHUP, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
}

/// Ends the process with code 130 on every signal in `CaughtSignals.ending` that is not caught at that moment; SIGHUP
/// stays ignored if the caller ignores it.
package func endOnSignals() {
    for number in CaughtSignals.ending where number != SIGHUP || !ignoresHangUp {
        signal(number) { _ in _exit(130) }
    }
}

/// Makes a write to a closed pipe an error (EPIPE) instead of ending the process (signal(7), SIGPIPE).
package func ignoreClosedPipes() { berth_ignore_closed_pipes() }
