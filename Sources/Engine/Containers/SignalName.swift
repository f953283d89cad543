import EngineWire
import Glibc

/// Signals by the names people use: `SIGTERM`, `term`, `15`.
enum SignalName {
    private static let numbers: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "ILL": SIGILL, "TRAP": SIGTRAP, "ABRT": SIGABRT, "BUS": SIGBUS,
        "FPE": SIGFPE, "KILL": SIGKILL, "USR1": SIGUSR1, "SEGV": SIGSEGV, "USR2": SIGUSR2, "PIPE": SIGPIPE,
        "ALRM": SIGALRM, "TERM": SIGTERM, "STKFLT": 16, "CHLD": SIGCHLD, "CONT": SIGCONT, "STOP": SIGSTOP,
        "TSTP": SIGTSTP, "TTIN": SIGTTIN, "TTOU": SIGTTOU, "URG": SIGURG, "XCPU": SIGXCPU, "XFSZ": SIGXFSZ,
        "VTALRM": SIGVTALRM, "PROF": SIGPROF, "WINCH": SIGWINCH, "IO": SIGIO, "PWR": 30, "SYS": SIGSYS,
    ]

    /// - Throws: `EngineFailure` for what is no signal.
    static func number(_ name: String) throws -> Int32 {
        if let number = Int32(name), (1...64).contains(number) { return number }
        var upper = name.uppercased()
        if upper.hasPrefix("SIG") { upper.removeFirst(3) }
        if let number = numbers[upper] { return number }
        if upper.hasPrefix("RTMIN"), let offset = Int32(upper.dropFirst(5).isEmpty ? "0" : String(upper.dropFirst(6))) {
            return 34 + offset
        }
        throw EngineFailure(
            code: "invalid", message: "\"\(name)\" is no signal",
            hint: "use a name such as SIGTERM, or a number from 1 to 64")
    }

    static func name(_ number: Int32) -> String {
        numbers.first { $0.value == number }.map { "SIG\($0.key)" } ?? "signal \(number)"
    }
}
