import CLinux
import Glibc

/// Locks this process into `folder` for good, with nothing but the descriptors it has and `memory` bytes of address
/// space: own mount, network, IPC and UTS namespaces, the folder as the only file system, and no system call that would
/// lead out (seccomp(2)).
///
/// Files it makes are the caller's to judge; devices among them cannot be opened by it.
package func confineProcess(to folder: borrowing OwnedFD, memory: UInt) throws(SyscallError) {
    let spaces = CInt(BERTH_CLONE_NEWNS | BERTH_CLONE_NEWNET | BERTH_CLONE_NEWIPC | BERTH_CLONE_NEWUTS)
    try syscall("unshare", on: "the worker") { berth_unshare(spaces) }
    try mountFileSystem("none", at: "/", type: nil, flags: UInt(BERTH_MS_REC | BERTH_MS_PRIVATE), options: nil)
    // A mount of its own, under the folder's name: the descriptor still stands on the one below.
    let path = "/proc/self/fd/\(folder.raw)"
    guard let real = try openFile("/", O_RDONLY).linkTarget(of: path) else {
        throw SyscallError(call: "readlink", object: path, code: .notFound)
    }
    try mountFileSystem(real, at: real, type: nil, flags: UInt(BERTH_MS_BIND), options: nil)
    let flags = BERTH_MS_BIND | BERTH_MS_REMOUNT | BERTH_MS_NOSUID | BERTH_MS_NODEV | BERTH_MS_NOEXEC
    try mountFileSystem("none", at: real, type: nil, flags: UInt(flags), options: nil)
    try syscall("chdir", on: real) { chdir(real) }
    try syscall("pivot_root", on: real) { berth_pivot_to_working_folder() }
    try syscall("chdir", on: "/") { chdir("/") }
    try syscall("seccomp", on: "the worker") { berth_confine(memory) }
}
