import Glibc

/// A program of this machine, found through the caller's PATH.
package struct MachineProgram: Sendable {
    package let path: String
    private let environment: [String]

    /// nil when no folder in PATH has it.
    package init?(_ name: String, environment: [String: String]) {
        let folders = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        let paths: [String] = folders.map { "\($0)/\(name)" }
        guard let path = paths.first(where: { (path: String) in access(path, X_OK) == 0 }) else { return nil }
        self.path = path
        self.environment = environment.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// Runs it to its end; its errors go to the caller's stderr. Returns its exit status as in a shell.
    package func run(_ arguments: [String], folder: String? = nil) throws(SyscallError) -> Int {
        let pid = try spawnProcess(
            path, arguments: [path] + arguments, environment: environment, folder: folder,
            descriptors: [2: STDERR_FILENO])
        return Self.wait(for: pid)
    }

    /// Its output, at most 1 MiB.
    package func output(_ arguments: [String]) throws(SyscallError) -> [UInt8] {
        try ProgramOutput.of(path, arguments: [path] + arguments, environment: environment, input: [])
    }

    /// Starts it; write to the result to write to its standard input.
    package func start(_ arguments: [String], folder: String? = nil) throws(SyscallError) -> FedProgram {
        var pipe = try DescriptorPair.pipe()
        let theirs = pipe.takeFirst()
        let pid = try spawnProcess(
            path, arguments: [path] + arguments, environment: environment, folder: folder,
            descriptors: [0: theirs.raw, 2: STDERR_FILENO])
        return FedProgram(pid: pid, input: pipe.takeSecond())
    }

    fileprivate static func wait(for pid: pid_t) -> Int {
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, Errno.current == .interrupted {}
        let signal = status & 0x7F  // wait(2): the low bits are the signal, the next eight the exit code
        return signal == 0 ? Int(status >> 8 & 0xFF) : Int(128 + signal)
    }
}

/// A running program that gets its input from this process.
package final class FedProgram {
    private let pid: pid_t
    private var input: OwnedFD?

    init(pid: pid_t, input: consuming OwnedFD) {
        self.pid = pid
        self.input = consume input
    }

    package func write(_ bytes: [UInt8]) throws(SyscallError) { try input?.write(bytes) }

    /// Ends its input and waits for it. Returns its exit status as in a shell.
    package func finish() -> Int {
        input = nil
        return MachineProgram.wait(for: pid)
    }
}
