import AttachStream
import Glibc
import JSON
import Linux
import Runtime

extension ProcessMonitor {
    /// Carries out what the engine says.
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
        // What v1 has frozen cannot die until it is let go.
        if number == SIGKILL, state.phase == .paused { try cgroup.thaw() }
    }

    /// To the process and all of its session's group; only while it has not been reaped, so the number is still its own.
    func signalSession(_ number: CInt) {
        guard let child, child.isReleased else { return }
        kill(-child.launch.pid, number)
        try? child.launch.handle.signal(number)
    }

    private func name(of command: MonitorCommand) -> String {
        (try? JSONValue(encoding: command))?.object?.keys.first ?? "?"
    }

    /// The process has ended: keep how, tell everybody, clean up, leave.
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
            // Whole or not there, also when monitor and engine are killed; only a power cut may lose it, and with it the container.
            try? writeFileAtomically(path, bytes)
        }
        save()
        control.broadcast(.exited(status))
        attach.broadcast(.exit(code: UInt32(status.code)))
        leave()
    }

    /// In a pid namespace of its own everything has died with the init; otherwise what it left behind dies now.
    private func killRest() {
        guard !cgroup.processes.isEmpty else { return }
        try? cgroup.signal(SIGKILL)
    }
}
