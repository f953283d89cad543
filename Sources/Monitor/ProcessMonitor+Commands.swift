import AttachStream
import Glibc
import JSON
import Linux
import Runtime

extension ProcessMonitor {
    /// Carries out a command of the engine.
    func handle(_ command: MonitorCommand, _ answer: (MonitorEvent) -> Void) {
        do {
            try carryOut(command)
        } catch let failure as RuntimeFailure {
            answer(.refused(command: name(of: command), reason: failure.message))
        } catch {
            answer(.refused(command: name(of: command), reason: "\(error)"))
        }
    }

    private func carryOut(_ command: MonitorCommand) throws {
        guard let child, !isLeaving else {
            throw RuntimeFailure(step: "command", message: "the process has ended")
        }
        switch command {
        case .release:
            guard !child.isReleased else { throw RuntimeFailure(step: "release", message: "released before") }
            release(child)
        case .signal(let number, let all): try send(number, toAll: all, child)
        case .resize(let rows, let columns): terminal?.resize(rows: rows, columns: columns)
        case .pause:
            try cgroup.freeze()
            change(to: .paused)
            control.broadcast(.paused)
        case .resume:
            try cgroup.thaw()
            change(to: .running)
            control.broadcast(.resumed)
        case .update(let resources): try cgroup.apply(resources, isUpdate: true)
        case .abandon:
            guard !child.isReleased else { throw RuntimeFailure(step: "abandon", message: "released before") }
            fail(RuntimeFailure(step: "abandon", message: "given up before it was released"))
        }
    }

    private func change(to phase: MonitorState.Phase) {
        state.phase = phase
        save()
    }

    private func send(_ number: CInt, toAll all: Bool, _ child: Child) throws {
        if all, case .container = spec.kind, !cgroup.hierarchies.isEmpty {
            try cgroup.signal(number)
        } else {
            try child.launch.handle.signal(number)
        }
        // On v1 a frozen process cannot die until it is thawed.
        if number == SIGKILL, state.phase == .paused { try cgroup.thaw() }
    }

    /// Signals the process and its process group; only before it is reaped, so the pid is still its own.
    func signalSession(_ number: CInt) {
        guard let child, child.isReleased else { return }
        kill(-child.launch.pid, number)
        try? child.launch.handle.signal(number)
    }

    private func name(of command: MonitorCommand) -> String {
        (try? JSONValue(encoding: command))?.object?.keys.first ?? "?"
    }

    /// The process has ended: store the exit status, report it, clean up, exit.
    func processEnded() {
        guard let child else { return }
        loop.forget(child.launch.handle.pollable)
        var raw: CInt = 0
        while waitpid(child.launch.pid, &raw, 0) < 0 && Errno.current == .interrupted {}
        self.child = nil
        let isContainer = if case .container = spec.kind { true } else { false }
        if isContainer { killRest() }
        for output in outputs { output.drain() }
        log?.finish()
        let signal = raw & 0x7F
        let status = ExitStatus(
            code: signal == 0 ? Int(raw >> 8 & 0xFF) : 128 + Int(signal), signal: signal == 0 ? nil : signal,
            isOutOfMemory: cgroup.memoryKills() > memoryKillsBefore,
            wasRefusedProcesses: isContainer ? cgroup.processRefusals().map { $0 > 0 } : nil, at: Clock.now(),
            isTimeout: hasTimedOut)
        if isContainer { try? cgroup.remove() }
        state.phase = .exited
        state.exit = status
        if let path = spec.exitFile, let bytes = try? encodeJSON(status) {
            // The file is complete or missing, even if monitor and engine are killed. Only a power failure may lose it,
            // together with the container.
            try? writeFileAtomically(path, bytes)
        }
        save()
        control.broadcast(.exited(status))
        attach.broadcast(.exit(code: UInt32(status.code)))
        leave()
    }

    /// If it had its own pid namespace, all its processes ended with init; otherwise kill what is left.
    private func killRest() {
        guard !cgroup.processes.isEmpty else { return }
        try? cgroup.signal(SIGKILL)
    }
}
