import CLinux
import Glibc

/// Runs `body` on a new thread that shares no working directory, root or umask with the process; does not block the
/// caller's thread.
///
/// With `mounts` the thread has its own mount namespace, from which nothing propagates: its mounts disappear with the
/// thread, also after a crash. The thread is not reused (unshare(2), CLONE_FS and CLONE_NEWNS).
package func runOnPrivateThread<Result: Sendable>(
    mounts: Bool, _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let work = PrivateWork {
            continuation.resume(
                with: Swift.Result {
                    try unshareThread(mounts: mounts)
                    return try body()
                })
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(work)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<PrivateWork>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        if result == 0 {
            pthread_detach(thread)
        } else {
            box.release()
            continuation.resume(
                throwing: SyscallError(call: "pthread_create", object: "thread", code: Errno(rawValue: result)))
        }
    }
}

private final class PrivateWork: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func unshareThread(mounts: Bool) throws(SyscallError) {
    let flags = CInt(BERTH_CLONE_FS) | (mounts ? CInt(BERTH_CLONE_NEWNS) : 0)
    try syscall("unshare", on: "thread") { berth_unshare(flags) }
    if mounts {
        try mountFileSystem("none", at: "/", type: nil, flags: UInt(BERTH_MS_REC | BERTH_MS_PRIVATE), options: nil)
    }
}

/// mount(2).
package func mountFileSystem(
    _ source: String, at target: String, type: String?, flags: UInt, options: String?
) throws(SyscallError) {
    try syscall("mount", on: target) { berth_mount(source, target, type, flags, options) }
}

/// Unmounts `target`: new users no longer see it, and it disappears when its last user is done (umount2(2),
/// MNT_DETACH).
package func unmountFileSystem(_ target: String) throws(SyscallError) {
    try syscall("umount2", on: target) { berth_umount2(target, CInt(BERTH_MNT_DETACH)) }
}
