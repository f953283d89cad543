import CLinux
import Glibc
import Linux

/// The description of a step for error messages.
enum StepNote: Hashable, Sendable {
    /// `mount /data`
    case doing(String)
    /// The working directory of a process.
    case workingFolder(String)
    /// The command to run.
    case exec(String)
}

/// The descriptions of all steps of a program.
struct StepNotes: Sendable {
    let notes: [StepNote]

    /// The child's report as an error for a person.
    func failure(_ message: berth_message) -> RuntimeFailure {
        let code = Errno(rawValue: message.code)
        let kernel = Self.text(of: message)
        guard notes.indices.contains(Int(message.step)) else {
            return RuntimeFailure(step: "start", errno: message.code, message: "the program of steps ended: \(code)")
        }
        switch notes[Int(message.step)] {
        case .doing(let what):
            // The kernel writes "e reason": the level, then the sentence (fsopen(2)).
            let words = kernel.split(separator: "\n").map { $0.dropFirst(2) }.joined(separator: "; ")
            let more = words.isEmpty ? "" : " (\(words))"
            return RuntimeFailure(step: what, errno: message.code, message: "\(what): \(code)\(more)")
        case .workingFolder(let path):
            let reason =
                switch message.code {
                case EXDEV: "it lies outside of the container"
                case ENOENT: "no such file or directory"
                case ENOTDIR: "not a directory"
                default: "\(code)"
                }
            return RuntimeFailure(
                step: "chdir", errno: message.code, message: "working directory \"\(path)\": \(reason)",
                exitCode: message.code == ENOENT ? 127 : 126)
        case .exec(let name):
            return Self.execFailure(name, path: kernel, code: code, isInterpreterMissing: message.detail == 1)
        }
    }

    private static func execFailure(
        _ name: String, path: String, code: Errno, isInterpreterMissing: Bool
    ) -> RuntimeFailure {
        func failure(_ reason: String, _ exitCode: Int) -> RuntimeFailure {
            let message = "exec \"\(name)\": \(reason)"
            return RuntimeFailure(step: "exec", errno: code.rawValue, message: message, exitCode: exitCode)
        }
        switch code.rawValue {
        case ENOENT where isInterpreterMissing:
            return failure("the interpreter or the loader that \(path) asks for is not in the container", 126)
        case ENOENT where name.hasSlash: return failure("no such file or directory", 127)
        case ENOENT: return failure("executable file not found in $PATH", 127)
        case EACCES: return failure("permission denied (\(path) is not executable for this user)", 126)
        case ENOEXEC:
            return failure("exec format error (\(path) is made for another machine, or lacks its #! line)", 126)
        default: return failure("\(path): \(code)", 126)
        }
    }

    private static func text(of message: berth_message) -> String {
        withUnsafeBytes(of: message.text) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
