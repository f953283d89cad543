import EngineWire

/// Explains a container's exit code.
package enum ExitMeaning {
    /// nil for a code that only the program itself can explain.
    package static func text(_ code: Int) -> String? {
        switch code {
        case 125: "the container could not be set up"
        case 126: "the command cannot be executed: no permission, or not a program"
        case 127: "the command was not found"
        case 137: "killed by SIGKILL"
        case 139: "crashed: SIGSEGV, an invalid memory access"
        case 143: "ended by SIGTERM, the stop signal"
        case 129...192: signals[code - 128].map { "ended by \($0)" }
        default: nil
        }
    }

    /// What the engine knows about an end.
    package static func text(_ cause: EndCause) -> String {
        switch cause {
        case .outOfMemory(let limit?): "out of memory: its limit is \(size(limit))"
        case .outOfMemory(nil): "out of memory: the machine had none left"
        case .graceOver(let seconds): "killed: it did not stop within \(HumanUnits.elapsed(seconds))"
        case .deaf(let signal): "killed: it does not handle \(signal)"
        case .notSent(let signal, let reason): "killed: \(signal) could not be sent to it (\(reason))"
        case .shell(let signal): "killed after its programs, which got \(signal): the shell does not handle it"
        }
    }

    /// In the unit in which people write limits.
    private static func size(_ bytes: Int64) -> String {
        bytes % (1 << 20) == 0 ? "\(bytes >> 20) MiB" : HumanUnits.size(bytes)
    }

    /// signal(7), numbers of x86 and ARM.
    private static let signals: [Int: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL (an illegal instruction: built for another processor?)",
        5: "SIGTRAP", 6: "SIGABRT (it aborted itself)", 7: "SIGBUS", 8: "SIGFPE", 10: "SIGUSR1", 12: "SIGUSR2",
        13: "SIGPIPE", 14: "SIGALRM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS (a system call that is not allowed)",
    ]
}
