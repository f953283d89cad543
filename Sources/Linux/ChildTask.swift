import CLinux
import Glibc

/// Work in a copy of this process (fork(2)): the copy has all values of the caller, and returns a status.
///
/// The copy gets SIGTERM when this process ends. The calling process must have only one thread, because others would be
/// missing in the copy.
package struct ChildTask: ~Copyable {
    private let handle: ProcessHandle

    /// `body` runs in the copy; its result is the exit status.
    package init(_ body: () -> CInt) throws(SyscallError) {
        let pid = try syscall("fork", on: "a task") { berth_fork_beside() }
        if pid == 0 { _exit(body()) }
        handle = try ProcessHandle(pid: pid)
    }

    /// Readable once it has ended.
    package var pollable: CInt { handle.pollable }
    package var hasEnded: Bool { handle.hasEnded }

    /// Asks it to end, like Ctrl-C.
    package func interrupt() { try? handle.signal(SIGINT) }
    package func terminate() { try? handle.signal(SIGTERM) }

    /// Waits for its end. Returns its status, or 128 plus the number of a signal.
    package consuming func wait() -> CInt {
        var status: CInt = 0
        while waitpid(handle.pid, &status, 0) < 0 {
            guard Errno.current == .interrupted else { return 1 }
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }
}
