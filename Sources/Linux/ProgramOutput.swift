import Glibc

/// What a short program says.
package enum ProgramOutput {
    /// Runs the program at `path` with `input`, of some KiB at most, as its standard input, and returns what it wrote, at most
    /// 1 MiB. Waits for its end. Its errors go where the caller's do.
    /// - Throws: `SyscallError`, with EIO when its exit status is not 0.
    package static func of(
        _ path: String, arguments: [String], environment: [String], input: [UInt8]
    ) throws(SyscallError) -> [UInt8] {
        var answers = try DescriptorPair.pipe()
        let output = answers.takeFirst()
        let pid = try start(path, arguments, environment, input, output: answers.takeSecond())
        var bytes: [UInt8] = []
        var failure: SyscallError?
        do throws(SyscallError) { bytes = try output.readToEnd(limit: 1 << 20) } catch { failure = error }
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, Errno.current == .interrupted {}
        if let failure { throw failure }
        guard status == 0 else { throw SyscallError(call: "exec", object: path, code: Errno(rawValue: EIO)) }
        return bytes
    }

    private static func start(
        _ path: String, _ arguments: [String], _ environment: [String], _ input: [UInt8], output: consuming OwnedFD
    ) throws(SyscallError) -> pid_t {
        var requests = try DescriptorPair.pipe()
        let theirs = requests.takeFirst()
        let ours = requests.takeSecond()
        // While both ends are ours: into the pipe's buffer, and no program that ends early makes it break.
        try ours.write(input)
        return try spawnProcess(
            path, arguments: arguments, environment: environment,
            descriptors: [0: theirs.raw, 1: output.raw, 2: STDERR_FILENO])
    }
}
