import CLinux
import Glibc

/// A process identified by a pidfd (pidfd_open(2)), so signals never reach another process that got its pid later.
package struct ProcessHandle: ~Copyable, Sendable {
    package let pid: pid_t
    private let descriptor: OwnedFD

    /// The pidfd, readable once the process has ended; for epoll(7) and poll(2).
    package var pollable: CInt { descriptor.raw }

    /// Opens `pid`. The caller must know that it is the right process: a child that is not reaped yet.
    /// - Throws: `.noSuchProcess` when there is none.
    package init(pid: pid_t) throws(SyscallError) {
        let raw = try syscall("pidfd_open", on: "process \(pid)") { berth_pidfd_open(pid, 0) }
        self.pid = pid
        descriptor = OwnedFD(owning: raw)
    }

    /// Takes ownership of a pidfd of `pid`.
    package init(pid: pid_t, pidfd: consuming OwnedFD) {
        self.pid = pid
        descriptor = pidfd
    }

    /// Opens the process with the pid `pid` that started at `startTicks` after the boot `bootID`.
    /// - Throws: `.noSuchProcess` when it is gone, even if its pid is in use again.
    package init(pid: pid_t, startTicks: UInt64, bootID: String) throws(SyscallError) {
        descriptor = try Self.open(pid: pid, startTicks: startTicks, bootID: bootID)
        self.pid = pid
    }

    private static func open(pid: pid_t, startTicks: UInt64, bootID: String) throws(SyscallError) -> OwnedFD {
        let gone = SyscallError(call: "pidfd_open", object: "process \(pid)", code: .noSuchProcess)
        guard try currentBootID() == bootID else { throw gone }
        let descriptor = OwnedFD(owning: try syscall("pidfd_open", on: "process \(pid)") { berth_pidfd_open(pid, 0) })
        // The descriptor is open, so the pid cannot be reused unnoticed from here on.
        let ticks: UInt64
        do throws(SyscallError) {
            ticks = try ProcessStatus.startTicks(of: pid)
        } catch {
            throw error.code == .notFound ? gone : error
        }
        guard ticks == startTicks else { throw gone }
        return descriptor
    }

    /// Sends `signal`; 0 only checks whether it could be sent (pidfd_send_signal(2)).
    /// - Throws: `.noSuchProcess` when it has ended and was reaped.
    package func signal(_ signal: CInt) throws(SyscallError) {
        try syscall("pidfd_send_signal", on: "process \(pid)") { berth_pidfd_send_signal(descriptor.raw, signal) }
    }

    /// A copy of its descriptor `number`, for the same open file or socket (pidfd_getfd(2)).
    /// - Throws: `.badDescriptor` when it has none, `.notPermitted` when the caller may not trace it.
    package func descriptor(_ number: CInt) throws(SyscallError) -> OwnedFD {
        OwnedFD(
            owning: try syscall("pidfd_getfd", on: "descriptor \(number) of process \(pid)") {
                berth_pidfd_getfd(descriptor.raw, number)
            })
    }

    /// Whether it has ended, reaped or not.
    package var hasEnded: Bool {
        var request = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }
}
