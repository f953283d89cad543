import CLinux
import Glibc

/// Signals read from a descriptor instead of acting on the process (signalfd(2)); they act again when this value ends.
package struct CaughtSignals: ~Copyable {
    package static let interrupt = SIGINT
    package static let terminate = SIGTERM
    package static let hangUp = SIGHUP
    package static let windowChange = SIGWINCH
    /// What a terminal or a supervisor sends to end a program.
    package static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// Those of `ending` after which nobody waits for what the program still does: the terminal is gone, or Ctrl-\ was pressed.
    package static let leaving = [SIGHUP, SIGQUIT]
    /// What is passed on to a program that runs elsewhere in the caller's stead.
    package static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    private let descriptor: OwnedFD
    private let before: [UInt64]

    /// The calling process must have one thread: others would still receive the signals. SIGHUP is left out when the caller
    /// ignores it: whoever started the program by nohup(1) wants it to outlive the terminal.
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

    /// For waiting; lent, not given.
    package var raw: CInt { descriptor.raw }

    /// The next signal that came; nil when none is waiting.
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

/// Ends the process with code 130 on every signal of `CaughtSignals.ending` that is not caught at that moment; SIGHUP stays
/// ignored where the caller ignores it.
package func endOnSignals() {
    for number in CaughtSignals.ending where number != SIGHUP || !ignoresHangUp {
        signal(number) { _ in _exit(130) }
    }
}

/// Makes a write to a closed pipe an error (EPIPE) instead of the end of the process (signal(7), SIGPIPE).
package func ignoreClosedPipes() { berth_ignore_closed_pipes() }
