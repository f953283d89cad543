import Glibc

/// Reads the output of a short program.
package enum ProgramOutput {
    /// Runs the program at `path` with `input`, at most a few KiB, as its standard input, and returns its output. Waits
    /// for its end. Its errors go to `errors`, by default to the caller's stderr.
    /// - Throws: `SyscallError`, with EIO when its exit status is not 0, `.tooLarge` when it writes more than `limit`
    ///   bytes.
    package static func of(
        _ path: String, arguments: [String], environment: [String], input: [UInt8], limit: Int = 1 << 20,
        errors: CInt = STDERR_FILENO
    ) throws(SyscallError) -> [UInt8] {
        var answers = try DescriptorPair.pipe()
        let output = answers.takeFirst()
        let pid = try start(path, arguments, environment, input, output: answers.takeSecond(), errors)
        var bytes: [UInt8] = []
        var failure: SyscallError?
        do throws(SyscallError) { bytes = try output.readToEnd(limit: limit) } catch { failure = error }
        _ = consume output  // a program with more output does not wait for a reader
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, Errno.current == .interrupted {}
        if let failure { throw failure }
        guard status == 0 else { throw SyscallError(call: "exec", object: path, code: Errno(rawValue: EIO)) }
        return bytes
    }

    private static func start(
        _ path: String, _ arguments: [String], _ environment: [String], _ input: [UInt8], output: consuming OwnedFD,
        _ errors: CInt
    ) throws(SyscallError) -> pid_t {
        var requests = try DescriptorPair.pipe()
        let theirs = requests.takeFirst()
        let ours = requests.takeSecond()
        // Write while both ends are open here: the input fits into the pipe's buffer, and a program that ends early
        // causes no error.
        try ours.write(input)
        return try spawnProcess(
            path, arguments: arguments, environment: environment,
            descriptors: [0: theirs.raw, 1: output.raw, 2: errors])
    }
}
