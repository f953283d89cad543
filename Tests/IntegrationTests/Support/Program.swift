import Glibc
import Linux

/// What a program that ended said and how it ended.
struct Outcome: Sendable, CustomStringConvertible {
    let command: String
    /// As a shell tells it: 128 + signal for a killed one.
    let status: Int
    let stdout: String
    let stderr: String

    var description: String { "$ \(command)\nstatus \(status)\n\(stdout)\(stderr)" }
    var lines: [String] { stdout.split(separator: "\n").map(String.init) }
    var trimmed: String { lines.joined(separator: "\n") }
}

struct ProgramFailure: Error, CustomStringConvertible {
    let description: String
}

/// A program under way whose output goes to files.
final class RunningProgram: Sendable {
    private static let waiting = BlockingPool(name: "waiting for programs", limit: 16)
    let command: String
    private let pid: pid_t
    private let folder: String

    /// Starts it with its standard streams as files in `folder`.
    /// - Throws: what the system says when it cannot be started.
    init(_ path: String, _ arguments: [String], command: String, environment: [String], input: String, folder: String)
        throws
    {
        self.command = command
        self.folder = folder
        try makeFolders(folder, mode: 0o700)
        try writeFileAtomically("\(folder)/command", Array("\(command)\n".utf8))
        try writeFileAtomically("\(folder)/stdin", Array(input.utf8))
        let stdin = try openFile("\(folder)/stdin", O_RDONLY)
        let stdout = try openFile("\(folder)/stdout", O_WRONLY | O_CREAT | O_APPEND)
        let stderr = try openFile("\(folder)/stderr", O_WRONLY | O_CREAT | O_APPEND)
        pid = try spawnProcess(
            path, arguments: arguments, environment: environment,
            descriptors: [0: stdin.raw, 1: stdout.raw, 2: stderr.raw])
    }

    /// What it wrote so far.
    var output: String { (try? readText("\(folder)/stdout", limit: 16 << 20)) ?? "" }

    /// What it wrote to standard error so far.
    var errors: String { (try? readText("\(folder)/stderr", limit: 16 << 20)) ?? "" }

    /// Waits for its end.
    /// - Throws: when that takes longer than `limit`; the program is killed then.
    func outcome(within limit: Duration = .seconds(60)) async throws -> Outcome {
        let pid = pid
        let command = command
        let folder = folder
        return try await Self.waiting.run {
            let process = try ProcessHandle(pid: pid)
            var request = pollfd(fd: process.pollable, events: Int16(POLLIN), revents: 0)
            let hasEnded = poll(&request, 1, CInt(limit.components.seconds * 1000)) > 0
            if !hasEnded { try process.signal(SIGKILL) }
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            let signal = status & 0x7F
            let outcome = Outcome(
                command: command, status: signal == 0 ? Int(status >> 8 & 0xFF) : 128 + Int(signal),
                stdout: try readText("\(folder)/stdout", limit: 16 << 20),
                stderr: try readText("\(folder)/stderr", limit: 16 << 20))
            guard hasEnded else { throw ProgramFailure(description: "still running after \(limit): \(outcome)") }
            return outcome
        }
    }
}
