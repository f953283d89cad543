import Linux

/// Why a process could not be created or run.
package struct RuntimeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The failed step in words: `mount /data`, `exec`.
    package var step: String
    /// errno(3); 0 when no system call failed.
    package var errno: Int32
    /// A text for a person: `exec "nosuch": executable file not found in $PATH`.
    package var message: String
    /// The exit code of a shell: 127 for a missing command, 126 for one that cannot run, otherwise 125.
    package var exitCode: Int

    package init(step: String, errno: Int32 = 0, message: String, exitCode: Int = 125) {
        self.step = step
        self.errno = errno
        self.message = message
        self.exitCode = exitCode
    }

    package init(_ step: String, _ error: SyscallError) {
        self.init(step: step, errno: error.code.rawValue, message: "\(step): \(error)")
    }

    package var description: String { message }
}

/// Runs `body`; errors of its system calls name `step`.
func naming<Result: ~Copyable>(
    _ step: String, _ body: () throws(SyscallError) -> Result
) throws(RuntimeFailure) -> Result {
    do throws(SyscallError) {
        return try body()
    } catch {
        throw RuntimeFailure(step, error)
    }
}
