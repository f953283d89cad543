import CLinux
import Glibc

/// A network namespace pinned by a bind mount (network_namespaces(7)).
package struct NetworkNamespace: Hashable, Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Creates a new namespace, pins it at `path` and runs `setUp` inside; does nothing when one is pinned there
    /// already.
    ///
    /// The folder of `path` must exist. If `setUp` fails, removes the namespace again.
    package func create(setUp: () throws(SyscallError) -> Void) throws(SyscallError) {
        if exists { return }
        _ = try openFile(path, O_RDONLY | O_CREAT, mode: 0o444)
        do throws(SyscallError) {
            try onOwnThread { () throws(SyscallError) in
                try syscall("unshare(CLONE_NEWNET)", on: path) { berth_unshare(CInt(BERTH_CLONE_NEWNET)) }
                try syscall("mount", on: path) {
                    berth_mount("/proc/thread-self/ns/net", path, nil, UInt(MS_BIND), nil)
                }
                try setUp()
            }
        } catch {
            try? remove()
            throw error
        }
    }

    /// Whether a namespace is pinned there.
    package var exists: Bool { berth_is_namespace(path) == 1 }

    /// Unpins it, which ends it once no process is inside. It is no error if there is none.
    package func remove() throws(SyscallError) {
        if berth_umount2(path, CInt(MNT_DETACH)) != 0 {
            let code = Errno.current
            guard code == .invalid || code == .notFound else {
                throw SyscallError(call: "umount2", object: path, code: code)
            }
        }
        if unlink(path) == 0 || Errno.current == .notFound { return }
        throw SyscallError(call: "unlink", object: path, code: .current)
    }

    package func open() throws(SyscallError) -> OwnedFD { try openFile(path, O_RDONLY) }

    /// Runs `body` inside the namespace, on a new thread; sockets opened there stay in that namespace.
    package func run<Result>(_ body: () throws(SyscallError) -> Result) throws(SyscallError) -> Result {
        let namespace = try open()
        let raw = namespace.raw
        let result = try onOwnThread { () throws(SyscallError) -> Result in
            try syscall("setns", on: path) { berth_setns(raw, CInt(BERTH_CLONE_NEWNET)) }
            return try body()
        }
        withExtendedLifetime(namespace) {}
        return result
    }
}
