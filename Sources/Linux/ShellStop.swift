import Glibc

/// Sends a stop signal to the programs of a shell that does not handle it.
///
/// The kernel drops a signal that the first process of a pid namespace does not handle (pid_namespaces(7)), so without
/// this `sh -c 'server'` would not react to a stop. A shell below it that only waits for others would end and leave
/// them behind, so it gets no signal either. Programs that read the output of others get the signal last, so that they
/// receive everything.
///
/// Below an init the shells handle the signal and end by it, and with them everything that comes after the running
/// programs. So they are stopped (SIGSTOP) while their programs end, and then get the signal themselves.
package struct ShellStop: Sendable {
    /// What the first process does once its programs have ended.
    package enum Root: Sendable {
        /// It ends by itself, or must be killed.
        case shell
        /// An init process whose only child is a shell; it forwards the signal.
        case initProcess
    }

    package let root: Root
    private let signal: CInt
    private let bootID: String
    private var open: [Program]
    private var signalled: [Program] = []
    /// Shells that wait for programs, below an init.
    private var shells: [Program] = []
    private var hasBegun = false

    private struct Program: Sendable {
        let pid: CInt
        let startTicks: UInt64
        /// As in `/proc/PID/fd`.
        let input: String?
        let outputs: Set<String>
        /// When to send the signal; nil while it reads from another program.
        var turn: Duration?

        init?(_ pid: CInt) {
            guard let status = try? ProcessStatus(of: pid), !status.isZombie else { return nil }
            self.pid = pid
            startTicks = status.startTicks
            input = pipe(pid, 0)
            outputs = Set([1, 2].compactMap { pipe(pid, $0) })
        }

        func isFed(by others: [Program]) -> Bool {
            guard let input else { return false }
            return others.contains { $0.pid != pid && $0.outputs.contains(input) }
        }

        var isGone: Bool {
            guard let status = try? ProcessStatus(of: pid) else { return true }
            return status.isZombie || status.startTicks != startTicks
        }
    }

    /// nil when `pid`, the first process of its pid namespace, reacts to `signal`, is not a shell, or has no children.
    /// Blocks for up to 50 ms.
    package init?(of pid: CInt, signal: CInt) {
        guard let bootID = try? currentBootID() else { return nil }
        var programs: [Program] = []
        if ProcessTree.isShell(pid), Hearing.isDeaf(pid, to: signal) {
            root = .shell
            _ = Self.collect(below: pid, signal, into: &programs)
        } else if let program = ProcessTree.program(of: pid), Self.inits.contains(program) {
            root = .initProcess
            let children = ProcessTree.children(of: pid)
            guard children.count == 1, Self.isPassedOver(children[0], signal) else { return nil }
            shells = Self.collect(below: children[0], signal, into: &programs)
            if let outer = Program(children[0]) { shells.append(outer) }
        } else {
            return nil
        }
        guard !programs.isEmpty else { return nil }
        self.signal = signal
        self.bootID = bootID
        open = programs
    }

    /// Init programs that forward signals only to their child.
    private static let inits: Set<String> = ["berth-init", "catatonit", "docker-init", "tini", "tini-static"]

    /// A shell that waits for others and would end because of the signal, or ignores it.
    private static func isPassedOver(_ pid: CInt, _ signal: CInt) -> Bool {
        guard ProcessTree.isShell(pid), let status = try? ProcessStatus(of: pid) else { return false }
        guard !status.caught.contains(signal), !status.blocked.contains(signal) else { return false }
        return !ProcessTree.children(of: pid).isEmpty
    }

    /// The programs below `root` that get the signal. Returns the shells that are passed over.
    private static func collect(below root: CInt, _ signal: CInt, into programs: inout [Program]) -> [Program] {
        var shells: [Program] = []
        var waiting = ProcessTree.children(of: root)
        var seen: Set<CInt> = [root]
        while let pid = waiting.popLast() {
            guard seen.insert(pid).inserted else { continue }
            if isPassedOver(pid, signal) {
                waiting += ProcessTree.children(of: pid)
                if let shell = Program(pid) { shells.append(shell) }
            } else if let program = Program(pid) {
                programs.append(program)
            }
        }
        return shells
    }

    /// How long a reader may take to end by itself once nobody writes to it any more.
    private static let readersGrace = Duration.seconds(1)

    /// One round, `elapsed` after the first: signals the programs whose turn it is. True once all have ended.
    package mutating func goOn(after elapsed: Duration) -> Bool {
        open.removeAll(where: \.isGone)
        signalled.removeAll(where: \.isGone)
        let living = open + signalled
        for index in open.indices where open[index].turn == nil && !open[index].isFed(by: living) {
            open[index].turn = hasBegun ? elapsed + Self.readersGrace : elapsed
        }
        var next = open.filter { $0.turn.map { $0 <= elapsed } ?? false }
        // Programs that read from each other: start with all of them.
        if next.isEmpty, signalled.isEmpty, open.allSatisfy({ $0.turn == nil }) { next = open }
        if !hasBegun { for shell in shells { send(SIGSTOP, to: shell) } }
        hasBegun = true
        for program in next { send(signal, to: program) }
        let sent = Set(next.map(\.pid))
        open.removeAll { sent.contains($0.pid) }
        signalled += next
        guard open.isEmpty, signalled.isEmpty else { return false }
        for shell in shells {
            send(signal, to: shell)
            send(SIGCONT, to: shell)
        }
        return true
    }

    private func send(_ signal: CInt, to program: Program) {
        // If it has ended meanwhile, that is fine.
        guard let handle = try? ProcessHandle(pid: program.pid, startTicks: program.startTicks, bootID: bootID) else {
            return
        }
        try? handle.signal(signal)
    }
}

private func pipe(_ pid: CInt, _ descriptor: Int) -> String? {
    guard let link = ProcessTree.link("/proc/\(pid)/fd/\(descriptor)"), link.hasPrefix("pipe:") else { return nil }
    return link
}
