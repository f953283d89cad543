import EngineWire
import Logging
import Monitor
import ProjectModel
import Reconcile

/// Takes notice of what happens by itself and decides about restarts.
actor Supervisor {
    private let parts: EngineParts
    private let health: HealthMonitor
    private let loop: @Sendable (String) async -> ProjectLoop
    private let allLoops: @Sendable () async -> [ProjectLoop]
    private var restarts: [String: Task<Void, Never>] = [:]
    /// The latest taking away of names and ports of what has ended.
    private var names: Task<Void, Never>?

    init(
        parts: EngineParts, health: HealthMonitor, loop: @escaping @Sendable (String) async -> ProjectLoop,
        allLoops: @escaping @Sendable () async -> [ProjectLoop]
    ) {
        self.parts = parts
        self.health = health
        self.loop = loop
        self.allLoops = allLoops
    }

    /// Handles events until the machine ends their stream.
    func run() async {
        for await event in parts.machine.events {
            do {
                try await handle(event)
            } catch {
                parts.log.error("event was not handled: \(error)")
            }
        }
    }

    private func handle(_ event: MachineEvent) async throws {
        switch event {
        case .exited(let id, let status): try await ended(id, status, reason: nil)
        case .monitorLost(let id):
            if let record = await parts.inventory.container(id) { await parts.machine.endUnwatched(record) }
            let status = ExitStatus(code: 255, signal: nil, isOutOfMemory: false, at: parts.machine.now())
            try await ended(id, status, reason: "unknown: monitor lost")
        case .paused(let id):
            try await parts.inventory.update(id) { record in
                guard record.life.phase == .running else { return }
                record.life.phase = .paused
                record.life.reason = ContainerRecord.Life.behindOurBack
            }
        case .resumed(let id):
            try await parts.inventory.update(id) { record in
                if record.life.phase == .paused { record.life.phase = .running }
            }
        case .networkChanged, .nameServiceLost:
            try? await parts.network.sync()
            for project in await allLoops() { await project.heal(because: "the network was changed by somebody else") }
        }
    }

    /// A container's process is gone.
    func ended(_ id: String, _ status: ExitStatus, reason: String?) async throws {
        guard let before = await parts.inventory.container(id) else { return }
        guard before.life.phase != .exited, before.life.phase != .restarting else { return }
        await health.end(id)
        await parts.inventory.setHealth(nil, of: id)
        let ran = before.life.startedAt.map { Duration.nanoseconds(status.at - $0) } ?? .zero
        let decision = await decide(before, status, ran: ran)
        let record = try await parts.inventory.update(id, volatile: true) { record in
            record.life.backoff.ended(afterRunning: ran)
            record.life.exit = status
            record.life.finishedAt = status.at
            record.life.process = nil
            switch decision {
            case .restart:
                record.life.phase = .restarting
                record.life.backoff.restarted()
            case .stayDown(let why):
                record.life.phase = record.life.phase == .removing ? .removing : .exited
                record.life.reason = reason ?? (status.isOutOfMemory ? "out of memory; \(why)" : why)
            }
        }
        guard let record else { return }
        // Not waited for: when many end together their names go in a few rounds, not in one for each.
        let network = parts.network
        names = Task { try? await network.sync() }
        switch decision {
        case .restart(let delay): scheduleRestart(record, after: delay)
        case .stayDown:
            await parts.machine.releasePorts(of: id)
            if record.oneOff?.autoRemove == true { try await parts.runner.remove(id, anonymousVolumes: true) }
        }
    }

    private func decide(_ record: ContainerRecord, _ status: ExitStatus, ran: Duration) async -> RestartDecision {
        if record.isOneOff { return .stayDown(reason: "ended") }
        let goal = await loop(record.project).goal(of: record.service)
        var history = record.life.backoff
        history.ended(afterRunning: ran)
        return restartDecision(
            policy: record.spec.restart, exitCode: status.code,
            wasStoppedByUs: record.life.stoppedByUs || goal != .running,
            history: history)
    }

    /// For a restart that became due while no engine ran.
    func restartNow(_ record: ContainerRecord) { scheduleRestart(record, after: .zero) }

    private func scheduleRestart(_ record: ContainerRecord, after delay: Duration) {
        restarts[record.id]?.cancel()
        restarts[record.id] = Task {
            do { try await parts.machine.sleep(delay) } catch { return }
            self.restarts[record.id] = nil
            await self.restart(record.id)
        }
    }

    /// Not in turn with the project's operations: an `up` may be waiting for just this container. A verb that decided otherwise
    /// meanwhile has taken it out of the phase.
    private func restart(_ id: String) async {
        guard let record = await parts.inventory.container(id), record.life.phase == .restarting else { return }
        do {
            try await parts.runner.start(id, rounds: nil, onlyIfRestarting: true)
        } catch {
            parts.log.error("\(record.name) could not be restarted: \(EngineFailure(describing: error).message)")
        }
    }
}
