import CLinux
import Glibc

/// A program's file seen through a private, detached read-only mount.
///
/// Nobody who reaches a program started from it through `/proc/PID/exe` can write to the file. The program need not run
/// itself again to achieve this. Its pages are shared with every other process that runs the file.
package struct ReadOnlyProgram: ~Copyable, Sendable {
    private let mount: OwnedFD

    /// - Throws: `SyscallError` if mounts are not allowed (CAP_SYS_ADMIN).
    package init(_ path: String) throws(SyscallError) {
        mount = OwnedFD(owning: try syscall("open_tree", on: path) { berth_open_read_only(path) })
    }

    /// Starts it like `spawnProcess`; the new process also has the program file at a descriptor above the given ones.
    package func spawn(
        arguments: [String], environment: [String] = [], folder: String? = nil, descriptors: [CInt: CInt] = [:]
    ) throws(SyscallError) -> pid_t {
        let place = (descriptors.keys.max() ?? 2) + 1
        var all = descriptors
        all[place] = mount.raw
        return try spawnProcess(
            "/proc/self/fd/\(place)", arguments: arguments, environment: environment, folder: folder, descriptors: all)
    }
}
