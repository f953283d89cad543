import CLinux
import Glibc

/// Work that a copy of this process does beside it (fork(2)): it has all values that the caller has, and gives back a status.
///
/// The copy gets SIGTERM when this process ends. The calling process must have one thread: others would be missing in the copy.
package struct ChildTask: ~Copyable {
    private let handle: ProcessHandle

    /// `body` runs in the copy, which ends with the status that it returns.
    package init(_ body: () -> CInt) throws(SyscallError) {
        let pid = try syscall("fork", on: "a task") { berth_fork_beside() }
        if pid == 0 { _exit(body()) }
        handle = try ProcessHandle(pid: pid)
    }

    /// Readable once it has ended.
    package var pollable: CInt { handle.pollable }
    package var hasEnded: Bool { handle.hasEnded }

    /// Asks it to end, as Ctrl-C does.
    package func interrupt() { try? handle.signal(SIGINT) }
    package func terminate() { try? handle.signal(SIGTERM) }

    /// Waits for its end; its status, 128 and the number after a signal.
    package consuming func wait() -> CInt {
        var status: CInt = 0
        while waitpid(handle.pid, &status, 0) < 0 {
            guard Errno.current == .interrupted else { return 1 }
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }
}
