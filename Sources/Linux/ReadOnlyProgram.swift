import CLinux
import Glibc

/// A program's file seen through a read-only mount of its own that is attached nowhere.
///
/// What is started from it cannot be written to by anybody who reaches it through `/proc/PID/exe`, and does not have to
/// arrange that itself by running once more. Its pages are shared with everybody else who runs the file.
package struct ReadOnlyProgram: ~Copyable, Sendable {
    private let mount: OwnedFD

    /// - Throws: `SyscallError` where no mount may be made (CAP_SYS_ADMIN).
    package init(_ path: String) throws(SyscallError) {
        mount = OwnedFD(owning: try syscall("open_tree", on: path) { berth_open_read_only(path) })
    }

    /// Starts it as `spawnProcess` does; the new process also has the program itself at a descriptor above those named.
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
