import CLinux
import Glibc

/// Facts about this process and its caller.
package enum CallingProcess {
    /// The environment; the last entry of a name counts (environ(7)).
    package static var environment: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                result[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return result
    }

    /// The working directory, as an absolute path (getcwd(3)).
    package static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// The path of the running program (proc(5), /proc/self/exe).
    package static var executablePath: String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { return nil }
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Seconds since 1970, UTC.
    package static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Seconds of a monotonic clock, for measuring durations.
    package static var monotonic: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The offset of the machine's local time at `instant`, in seconds east of UTC.
    package static func localOffset(at instant: Double) -> Int {
        var seconds = time_t(instant)
        var broken = tm()
        localtime_r(&seconds, &broken)
        return broken.tm_gmtoff
    }

    /// Opens /dev/null for standard descriptors that the caller closed, so that no other file gets their numbers.
    package static func openMissingStandardDescriptors() {
        for descriptor in 0...2 where fcntl(CInt(descriptor), F_GETFD) == -1 {
            // This returns the lowest free number, which is `descriptor`, because those below are open.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Ends the process at once with `code`.
    package static func exit(_ code: CInt) -> Never { Glibc.exit(code) }

    package static var pid: Int32 { getpid() }

    package static func canExecute(_ path: String) -> Bool { access(path, X_OK) == 0 }
    package static func canWrite(_ path: String) -> Bool { access(path, W_OK) == 0 }
}

/// A regular file's size in bytes; nil for a pipe, a terminal or a device (fstat(2)).
package func regularFileSize(_ descriptor: CInt) -> Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
}

/// The file at `path`, or standard input for "-", opened for reading.
package func openInput(_ path: String) throws(SyscallError) -> OwnedFD {
    if path != "-" { return try openFile(path, O_RDONLY) }
    return OwnedFD(
        owning: try syscall("fcntl(F_DUPFD_CLOEXEC)", on: "standard input") { fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) })
}

/// The file at `path`, opened for appending; created if missing.
package func openForAppending(_ path: String) throws(SyscallError) -> OwnedFD {
    try openFile(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o640)
}

/// Starts a program that outlives this process (posix_spawn(3)).
package enum DetachedProgram {
    /// Starts `path` in a session of its own with the folder /, stdin from /dev/null, stdout and stderr to `output`.
    ///
    /// Returns the read end of a pipe whose write end is the program's descriptor 3.
    package static func start(
        _ path: String, environment: [String: String], output: borrowing OwnedFD
    ) throws(SyscallError) -> OwnedFD {
        var ends: [CInt] = [-1, -1]
        try syscall("pipe2", on: path) { berth_pipe2(&ends, O_CLOEXEC) }
        let reading = OwnedFD(owning: ends[0])
        let writing = OwnedFD(owning: ends[1])
        // Above the numbers of the child's own descriptors.
        let ready = OwnedFD(owning: try syscall("fcntl", on: path) { fcntl(writing.raw, F_DUPFD_CLOEXEC, 10) })
        let log = OwnedFD(owning: try syscall("fcntl", on: path) { fcntl(output.raw, F_DUPFD_CLOEXEC, 10) })
        let arguments = CStrings([path])
        let variables = CStrings(environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        try syscall("posix_spawn", on: path) {
            berth_spawn_detached(path, arguments.pointers, variables.pointers, log.raw, ready.raw)
        }
        return reading
    }
}

/// A NULL-terminated array of C strings.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
        pointers[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
