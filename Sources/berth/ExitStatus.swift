/// How `berth` can end; thrown when everything was already reported.
enum ExitStatus: Error, CustomStringConvertible {
    case success
    /// The request failed; standard error says why.
    case failure
    /// The command line is wrong: an unknown verb or flag, a missing argument, flags that exclude each other.
    case usage
    /// Ctrl-C or a termination signal.
    case interrupted
    /// The exit code of a container or of a command in it; as in shells, 128 + signal.
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

/// A failure on the client's side; the text says what failed, the hint what to do.
struct CommandFailure: Error, Equatable, CustomStringConvertible {
    let message: String
    let hint: String?
    var description: String { message }

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
