import CLinux
import Glibc

/// A folder that shows the mount at `path`, with those below it if `recursive`, and that nobody else sees. Devices,
/// programs and set-user-ID bits have no effect in it. It disappears with its last descriptor. If `path` is in another
/// mount namespace, the calling thread must be in that namespace (setns(2)).
package func openView(_ path: String, recursive: Bool, readOnly: Bool) throws(SyscallError)
    -> OwnedFD
{
    OwnedFD(
        owning: try syscall("open_tree", on: path) {
            berth_open_view(path, recursive ? 1 : 0, readOnly ? 1 : 0)
        })
}

/// Moves the calling thread, which must not share its folder with others, into the mount namespace of a process; its
/// root becomes the namespace's root.
package func enterMounts(of pid: Int32) throws(SyscallError) {
    let path = "/proc/\(pid)/ns/mnt"
    let namespace = try openFile(path, O_RDONLY)
    let raw = namespace.raw
    try syscall("setns", on: path) { berth_setns(raw, CInt(BERTH_CLONE_NEWNS)) }
    _ = consume namespace
}

/// Mounts layers, top first, with a folder for changes, on `mountpoint` in the calling thread's mount namespace. May
/// change the thread's working directory.
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
