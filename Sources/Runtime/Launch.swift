import CLinux
import Glibc
import Linux
import OCI

/// What a child says on its way to exec.
package enum ChildEvent: Hashable, Sendable {
    enum Kind: Int32 {
        case hooks = 1
        case terminal = 2
        case gate = 3
    }

    /// The namespaces and mounts are there, the root is not yet changed: the time for hooks. Waits for `proceed`.
    case hooks
    /// Its terminal's other side, a descriptor that is the receiver's.
    case terminal(CInt)
    /// Waits to be released by `proceed`.
    case gate
    /// exec worked, or the child is gone: `handle` tells which.
    case running
}

/// A child on its way to exec, or past it.
package struct Launch: ~Copyable, Sendable {
    package private(set) var handle: ProcessHandle
    /// Until the process is where it shall be: `handle` is of the one that makes it.
    private var birth: Birth?
    private var isAtGate = false
    private let sync: OwnedFD
    private let describe: @Sendable (berth_message) -> RuntimeFailure

    package var pid: pid_t { handle.pid }
    /// Readable when the child has something to say.
    package var pollable: CInt { sync.raw }

    /// Clones a child that walks `program`, whose steps find their way back to the parent through `sync`.
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

    /// A child that is past its exec.
    package init(running handle: consuming ProcessHandle) throws(SyscallError) {
        var pair = try UnixSocket.pair(.packets)
        // Its other side goes with the pair: the child will say nothing more.
        sync = pair.takeFirst()
        self.handle = handle
        birth = nil
        describe = { StepNotes(notes: []).failure($0) }
    }

    /// Waits for the child's next word. With `gate` and `running` the process may be another one than before, for good.
    /// - Throws: `RuntimeFailure` when a step failed: the child is dead and has to be reaped.
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

    /// Lets the child pass the place at which it waits, or will wait next.
    package func proceed() {
        var word = isAtGate ? birth?.word(for: pid) ?? Self.go : Self.go
        // A child that is gone is told of by its end, not here.
        _ = send(sync.raw, &word, 1, CInt(MSG_NOSIGNAL))
    }

    private static let go = CChar(BERTH_WORD_GO)

    /// Kills and reaps the child.
    package func abandon() {
        try? handle.signal(SIGKILL)
        while waitpid(pid, nil, 0) < 0 && Errno.current == .interrupted {}
        // What it made and what then failed is a child of ours as well.
        guard let born = birth?.born.pointee, born > 0 else { return }
        kill(born, SIGKILL)
        while waitpid(born, nil, 0) < 0 && Errno.current == .interrupted {}
    }
}
