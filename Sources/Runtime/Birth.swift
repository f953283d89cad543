import CLinux
import Glibc
import Linux

/// How a child that stands outside of a pid namespace becomes a process in it (`BERTH_BIRTH`).
final class Birth: @unchecked Sendable {
    /// When a process appears there.
    enum Moment: Hashable, Sendable {
        /// Before its gate: whoever makes it needs its number, and may be gone when it is let go.
        case beforeGate
        /// As late as can be: when it is let go, and as its program already where the kernel helps with that.
        case afterGate
    }

    let moment: Moment
    private let hasTerminal: Bool
    /// Soft and hard.
    private let processLimit: [UInt64]?
    /// Shared with the child; there it puts the pid of the process that it made itself.
    let born: UnsafeMutablePointer<CInt>
    private static let size = MemoryLayout<CInt>.size
    /// The child will stop at its exec.
    private var isTraced = false

    /// - Throws: `SyscallError` when there is no memory.
    init(_ moment: Moment, hasTerminal: Bool, processLimit: [UInt64]?) throws(SyscallError) {
        self.moment = moment
        self.hasTerminal = hasTerminal
        self.processLimit = processLimit
        let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            throw SyscallError(call: "mmap", object: "shared memory", code: .current)
        }
        born = memory.bindMemory(to: CInt.self, capacity: 1)
    }

    deinit { munmap(born, Self.size) }

    /// The word that lets `child` go, which waits at its gate.
    func word(for child: pid_t) -> CChar {
        isTraced = moment == .afterGate && berth_trace(child) == 0
        return CChar(isTraced ? BERTH_WORD_TRACED : BERTH_WORD_GO)
    }

    /// The process made by `child`, which has been reaped then; nil when there is none.
    /// - Throws: `SyscallError` when it could not be made and was killed.
    func result(of child: pid_t) throws(SyscallError) -> pid_t? {
        if isTraced {
            let pid = try syscall("ptrace", on: "child") { berth_birth(child, hasTerminal ? 1 : 0, processLimit) }
            return pid > 0 ? pid : nil
        }
        guard born.pointee > 0 else { return nil }
        while waitpid(child, nil, 0) < 0 && Errno.current == .interrupted {}
        return born.pointee
    }
}
