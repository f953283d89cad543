import CLinux
import Glibc
import Linux

/// How a child outside of a pid namespace creates the process inside it (`BERTH_BIRTH`).
final class Birth: @unchecked Sendable {
    /// When that process is created.
    enum Moment: Hashable, Sendable {
        /// Before its gate: the creator needs its pid, and may be gone when the gate opens.
        case beforeGate
        /// As late as possible: when the gate opens, and already as its program if the kernel supports that.
        case afterGate
    }

    let moment: Moment
    private let hasTerminal: Bool
    /// The soft and the hard limit.
    private let processLimit: [UInt64]?
    /// Shared with the child, which stores the pid of the process that it created.
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

    /// The message that lets `child` pass its gate.
    func word(for child: pid_t) -> CChar {
        isTraced = moment == .afterGate && berth_trace(child) == 0
        return CChar(isTraced ? BERTH_WORD_TRACED : BERTH_WORD_GO)
    }

    /// The process that `child` created, which has been reaped by then; nil when there is none.
    /// - Throws: `SyscallError` when the process could not be created and was killed.
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
