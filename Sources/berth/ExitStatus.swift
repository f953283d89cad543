/// Every way in which `berth` ends; thrown when what had to be said was said already.
enum ExitStatus: Error, CustomStringConvertible {
    case success
    /// What was asked for did not happen; standard error says why.
    case failure
    /// The command line itself is wrong: an unknown verb or flag, a missing argument, flags that exclude each other.
    case usage
    /// Ctrl-C or a termination signal.
    case interrupted
    /// The code of a container or of a command in it, as a shell tells it (128 + signal).
    case container(Int)

    var description: String { "exit code \(code)" }

    var code: Int32 {
        switch self {
        case .success: 0
        case .failure: 1
        case .usage: 2
        case .interrupted: 130
        case .container(let code): Int32(truncatingIfNeeded: code & 0xFF)
        }
    }
}

/// Something failed on the client's side; the text says what, the hint what to do.
struct CommandFailure: Error, Equatable, CustomStringConvertible {
    let message: String
    let hint: String?
    var description: String { message }

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
