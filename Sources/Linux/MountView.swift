import CLinux
import Glibc

/// A folder that shows the mount at `path`, with those below it when `recursive`, and that nobody else sees: no device, no program
/// and no set-user-ID bit counts in it. It is gone with its last descriptor. `path` may be on another mount namespace's root only
/// for a thread that is in that one (setns(2)).
package func openView(_ path: String, recursive: Bool, readOnly: Bool) throws(SyscallError)
    -> OwnedFD
{
    OwnedFD(
        owning: try syscall("open_tree", on: path) {
            berth_open_view(path, recursive ? 1 : 0, readOnly ? 1 : 0)
        })
}

/// Puts the calling thread, which shares no folder with others, into the mount namespace of a process; its root becomes the
/// namespace's.
package func enterMounts(of pid: Int32) throws(SyscallError) {
    let path = "/proc/\(pid)/ns/mnt"
    let namespace = try openFile(path, O_RDONLY)
    let raw = namespace.raw
    try syscall("setns", on: path) { berth_setns(raw, CInt(BERTH_CLONE_NEWNS)) }
    _ = consume namespace
}

/// Mounts layers, top first, with a folder for changes on `mountpoint`, in the calling thread's mount namespace.
package func mountLayers(_ lower: [String], upper: String, work: String, at mountpoint: String)
    throws(SyscallError)
{
    if withCStrings(lower, { berth_mount_layers($0, upper, work, mountpoint) }) == 0 { return }
    try mountLayersClassic(lower, upper: upper, work: work, at: mountpoint)
}

/// The same in the way of kernels before 6.5.
package func mountLayersClassic(_ lower: [String], upper: String, work: String, at mountpoint: String)
    throws(SyscallError)
{
    try syscall("mount", on: mountpoint) {
        withCStrings(lower) { berth_mount_overlay_classic($0, upper, work, mountpoint, 0) }
    }
}
