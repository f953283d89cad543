import CLinux
import Glibc

/// Starts the program at `path` (posix_spawn(3)) in a session of its own, with default signal dispositions and an empty
/// signal mask.
///
/// `arguments` begin with the program's name, `environment` is the complete environment (`NAME=value`), `folder` the
/// working directory (nil means the caller's). `descriptors` maps the new process's descriptors to those of this
/// process; 0, 1 and 2 are /dev/null unless given, all others are closed. Returns the pid; the caller must reap it.
package func spawnProcess(
    _ path: String, arguments: [String], environment: [String] = [], folder: String? = nil,
    descriptors: [CInt: CInt] = [:]
) throws(SyscallError) -> pid_t {
    var pid: CInt = -1
    let code = try withDescriptors(descriptors) { sources, targets in
        withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                berth_posix_spawn(&pid, path, argv, envp, folder, sources, targets, targets.count)
            }
        }
    }
    guard code == 0 else { throw SyscallError(call: "posix_spawn", object: path, code: Errno(rawValue: code)) }
    return pid
}

/// Passes the descriptors for a new process to the closure: its `targets[i]` is `sources[i]` here.
///
/// `descriptors` maps the new process's descriptors to those of this process; 0, 1 and 2 are /dev/null unless given.
/// The sources are duplicates above every target, so that no target overwrites a source that is still needed.
func withDescriptors<Result>(
    _ descriptors: [CInt: CInt], _ body: (_ sources: [CInt], _ targets: [CInt]) -> Result
) throws(SyscallError) -> Result {
    let null = try openFile("/dev/null", O_RDWR)
    var wanted = descriptors
    for standard: CInt in 0...2 where wanted[standard] == nil { wanted[standard] = null.raw }
    let targets = wanted.keys.sorted()
    let floor = (targets.last ?? 2) + 1
    var sources: [CInt] = []
    defer { for source in sources { close(source) } }
    for target in targets {
        let source = wanted[target] ?? null.raw
        sources.append(
            try syscall("fcntl(F_DUPFD_CLOEXEC)", on: "fd \(source)") { fcntl(source, F_DUPFD_CLOEXEC, floor) })
    }
    return body(sources, targets)
}

/// Passes `strings` to the closure as a NULL-terminated array of C strings, as execve(2) needs it.
package func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { (array + index).initialize(to: strdup(string)) }
    (array + strings.count).initialize(to: nil)
    defer {
        for index in 0..<strings.count { free(array[index]) }
        array.deallocate()
    }
    return body(UnsafePointer(array))
}
