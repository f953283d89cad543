import CLinux
import Glibc
import Linux
import OCI

/// Events from a child on its way to exec.
package enum ChildEvent: Hashable, Sendable {
    enum Kind: Int32 {
        case hooks = 1
        case terminal = 2
        case gate = 3
    }

    /// Namespaces and mounts exist, but the root has not changed yet: hooks run now. The child waits for `proceed`.
    case hooks
    /// The other end of its terminal; the receiver owns the descriptor.
    case terminal(CInt)
    /// Waits for `proceed`.
    case gate
    /// exec succeeded or the child has ended; `handle` shows which.
    case running
}

/// A child on its way to exec, or after it.
package struct Launch: ~Copyable, Sendable {
    package private(set) var handle: ProcessHandle
    /// Set until the process is in its pid namespace; `handle` is then the process that creates it.
    private var birth: Birth?
    private var isAtGate = false
    private let sync: OwnedFD
    private let describe: @Sendable (berth_message) -> RuntimeFailure

    package var pid: pid_t { handle.pid }
    /// Readable when the child has sent something.
    package var pollable: CInt { sync.raw }

    /// Clones a child that runs `program`, whose steps talk to the parent through `sync`.
    init(
        _ program: StepProgram, flags: UInt64, cgroup: borrowing OwnedFD?
    ) throws(SyscallError) {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        try syscall("socketpair", on: "child") { socketpair(AF_UNIX, type, 0, &ends) }
        let parent = OwnedFD(owning: ends[0])
        let child = OwnedFD(owning: ends[1])
        let cgroupDescriptor: CInt?
        switch cgroup {
        case .some(let descriptor): cgroupDescriptor = descriptor.raw
        case .none: cgroupDescriptor = nil
        }
        let (pid, pidfd) = try program.launch(flags: flags, cgroup: cgroupDescriptor, sync: child.raw)
        _ = consume child
        handle = ProcessHandle(pid: pid, pidfd: OwnedFD(owning: pidfd))
        sync = parent
        birth = program.birth
        let notes = program.detachNotes()
        describe = { notes.failure($0) }
    }

    /// A child after its exec.
    package init(running handle: consuming ProcessHandle) throws(SyscallError) {
        var pair = try UnixSocket.pair(.packets)
        // Closes the other end with the pair: the child will send nothing more.
        sync = pair.takeFirst()
        self.handle = handle
        birth = nil
        describe = { StepNotes(notes: []).failure($0) }
    }

    /// Waits for the child's next event. From `gate` or `running` on, the process may permanently be another one than
    /// before.
    /// - Throws: `RuntimeFailure` when a step failed; then the child has ended and must be reaped.
    package mutating func next() throws(RuntimeFailure) -> ChildEvent {
        var message = berth_message()
        var descriptor: CInt = -1
        let length: Int
        do throws(SyscallError) {
            length = try syscall("recvmsg", on: "child") { berth_receive(sync.raw, &message, &descriptor) }
        } catch {
            throw RuntimeFailure("start", error)
        }
        guard length == MemoryLayout<berth_message>.size else {
            try takeBorn()
            return .running
        }
        switch ChildEvent.Kind(rawValue: message.kind) {
        case .hooks: return .hooks
        case .terminal: return .terminal(descriptor)
        case .gate:
            isAtGate = true
            if birth?.moment == .beforeGate { try takeBorn() }
            return .gate
        case nil: throw describe(message)
        }
    }

    private mutating func takeBorn() throws(RuntimeFailure) {
        guard let birth else { return }
        do throws(SyscallError) {
            if let pid = try birth.result(of: pid) { handle = try ProcessHandle(pid: pid) }
        } catch {
            throw RuntimeFailure("enter the process namespace", error)
        }
        self.birth = nil
    }

    /// Lets the child pass the point at which it waits now or next.
    package func proceed() {
        var word = isAtGate ? birth?.word(for: pid) ?? Self.go : Self.go
        // If the child has ended, its exit status shows that.
        _ = send(sync.raw, &word, 1, CInt(MSG_NOSIGNAL))
    }

    private static let go = CChar(BERTH_WORD_GO)

    /// Kills and reaps the child.
    package func abandon() {
        try? handle.signal(SIGKILL)
        while waitpid(pid, nil, 0) < 0 && Errno.current == .interrupted {}
        // A process that it created before it failed is our child, too.
        guard let born = birth?.born.pointee, born > 0 else { return }
        kill(born, SIGKILL)
        while waitpid(born, nil, 0) < 0 && Errno.current == .interrupted {}
    }
}
