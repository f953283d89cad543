import EngineWire
import Logging
import Monitor
import OCI
import ProjectModel
import Reconcile

/// Reacts to events and decides about restarts.
actor Supervisor {
    private let parts: EngineParts
    private let health: HealthMonitor
    private let isReady: @Sendable () async -> Void
    private let loop: @Sendable (Subject) async -> ProjectLoop?
    private var restarts: [String: Task<Void, Never>] = [:]
    /// The event in progress for each container, and for the networks.
    private var lanes: [String: (turn: Int, task: Task<Void, Never>)] = [:]
    private var nextTurn = 0

    /// `isReady` returns once a starting engine has restored what was missing; nothing is restarted before.
    init(
        parts: EngineParts, health: HealthMonitor, isReady: @escaping @Sendable () async -> Void,
        loop: @escaping @Sendable (Subject) async -> ProjectLoop?
    ) {
        self.parts = parts
        self.health = health
        self.isReady = isReady
        self.loop = loop
    }

    /// Handles events until the machine ends the stream. Events of one container are handled in order, and never wait
    /// for those of another.
    func run() async {
        for await event in parts.machine.events {
            if let id = event.endedContainer,
                parts.runner.starts.hold(id, { Task { await self.enqueue(event) } })
            {
                continue
            }
            enqueue(event)
        }
    }

    private func enqueue(_ event: MachineEvent) {
        let lane = event.container ?? ""
        let before = lanes[lane]?.task
        nextTurn += 1
        let turn = nextTurn
        let task = Task {
            await before?.value
            await self.take(event)
            if self.lanes[lane]?.turn == turn { self.lanes[lane] = nil }
        }
        lanes[lane] = (turn, task)
    }

    private func take(_ event: MachineEvent) async {
        do {
            try await handle(event)
        } catch {
            parts.log.error("event was not handled: \(error)")
        }
    }

    private func handle(_ event: MachineEvent) async throws {
        switch event {
        case .exited(let id, let status): try await ended(id, status, reason: nil)
        case .monitorLost(let id):
            if let record = await parts.inventory.container(id) { await parts.machine.endUnwatched(record) }
            let status = ExitStatus(code: 255, signal: nil, isOutOfMemory: false, at: parts.machine.now())
            try await ended(id, status, reason: .monitorLost)
        case .paused(let id):
            let paused = try await parts.inventory.decide(id, volatile: true) { record -> ContainerRecord? in
                guard record.life.phase == .running else { return nil }
                record.life.phase = .paused
                record.life.isPausedByOthers = true
                record.life.reason = .pausedByOthers
                return record
            }
            if case let record?? = paused { note(.paused, of: record, "\(StateReason.pausedByOthers)") }
        case .resumed(let id):
            try await parts.inventory.update(id, volatile: true) { record in
                guard record.life.phase == .paused else { return }
                record.life.phase = .running
                record.life.isPausedByOthers = nil
                record.life.reason = nil
            }
        case .answered(let id, let state):
            try await Adopter(parts: parts, health: health).takeLate(state, of: id, self)
        case .networkChanged, .nameServiceLost:
            await parts.network.settle()
            for group in try await damagedGroups() {
                await loop(group)?.heal(because: "another program changed the network")
            }
        }
    }

    /// Checks all projects at once, because not every project is affected when a network changes.
    private func damagedGroups() async throws -> Set<Subject> {
        let networks = await parts.inventory.standingNetworks()
        let damage = try await parts.machine.damage(of: networks)
        var groups = Set(networks.filter { damage[$0.name] != nil }.compactMap(\.project).map { Subject.project($0) })
        for name in damage.keys {
            groups.formUnion(await parts.inventory.users(ofNetwork: name).map(\.group))
        }
        return groups
    }

    /// Handles the end of a container's process.
    func ended(_ id: String, _ status: ExitStatus, reason: StateReason?) async throws {
        guard let before = await parts.inventory.container(id), before.isUp else { return }
        await health.end(id)
        await parts.inventory.forgetHealth(of: id)
        let goal = await goal(of: before)
        let ran = before.life.startedAt.map { Duration.nanoseconds(status.at - $0) } ?? .zero
        let history = parts.inventory.history
        // Decide on the record as it is at that moment: a stop may have begun meanwhile.
        let decided = try await parts.inventory.decide(id, volatile: true) {
            record -> (ContainerRecord, RestartDecision)? in
            guard record.isUp, record.life.startedAt == before.life.startedAt else { return nil }
            record.life.backoff.ended(afterRunning: ran)
            // If the machine went down, the signal was not the cause.
            if reason == .machineRestarted { record.life.signal = nil }
            let decision = Self.decision(about: record, status, goal)
            record.life.exit = status
            record.life.finishedAt = status.at
            record.life.process = nil
            switch decision {
            case .restart: record.life.willRestart(after: status)
            case .stayDown(let why):
                record.life.phase = .exited
                record.life.reason = reason ?? why
            }
            // Record this before anybody can see that it has ended and react.
            history.note(Self.end(of: record, status, ran, decision), of: record)
            return (record, decision)
        }
        guard case (let record, let decision)?? = decided else { return }
        // Do not wait: when many containers end together, a few rounds remove all names.
        let network = parts.network
        Task { await network.settle() }
        switch decision {
        case .restart(let delay): scheduleRestart(record, after: delay)
        case .stayDown:
            // Do not wait: a start may hold the container's lock, and then keeps its ports.
            let runner = parts.runner
            Task { await runner.freePorts(of: id) }
            if record.isTransient, !record.awaitsRestart { removeTransient(record) }
        }
    }

    private static func end(
        of record: ContainerRecord, _ status: ExitStatus, _ ran: Duration, _ decision: RestartDecision
    ) -> Occurrence {
        var occurrence = Occurrence(at: Double(status.at) / 1e9, kind: .ended)
        occurrence.exitCode = status.code
        occurrence.signal = status.signal.map(SignalName.name)
        occurrence.cause = record.endCause
        occurrence.ran = ran / .seconds(1)
        switch decision {
        case .restart(let delay): occurrence.restartsIn = delay / .seconds(1)
        case .stayDown: occurrence.reason = record.life.reason.map { "\($0)" }
        }
        return occurrence
    }

    private func note(_ kind: Occurrence.Kind, of record: ContainerRecord, by: String? = nil, _ reason: String? = nil) {
        let now = Double(parts.machine.now()) / 1e9
        parts.inventory.history.note(Occurrence(at: now, kind: kind, by: by, reason: reason), of: record)
    }

    /// Does not wait: a large tree, or a server that takes the last lines slowly, must not delay others.
    func removeTransient(_ record: ContainerRecord) {
        Task {
            do { try await parts.runner.remove(record.id, anonymousVolumes: true) } catch {
                parts.log.error("\(record.name) could not be removed: \(error)")
            }
        }
    }

    private func goal(of record: ContainerRecord) async -> DesiredService.Goal? {
        if let wish = record.wish { return wish.goal }
        return await loop(record.group)?.goal(of: record.owner)
    }

    private static func decision(
        about record: ContainerRecord, _ status: ExitStatus, _ goal: DesiredService.Goal?
    ) -> RestartDecision {
        if record.isOneOff, record.template.restart == .no { return .stayDown(.commandEnded) }
        return restartDecision(
            policy: record.template.restart, exitCode: status.code,
            wasStoppedByUs: record.life.stoppedByUs || goal != .running, signal: record.life.signal(at: status.at),
            history: record.life.backoff)
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

    /// Does not take a turn among the project's operations: an `up` may be waiting for this very container. If a verb
    /// decided otherwise, the container is no longer in this phase.
    private func restart(_ id: String) async {
        await isReady()
        guard let record = await parts.inventory.container(id), record.life.phase == .restarting else { return }
        do {
            try await parts.runner.start(id, rounds: nil, onlyIfRestarting: true)
            note(.started, of: record, by: Occurrence.restartPolicy)
        } catch {
            note(.startFailed, of: record, by: Occurrence.restartPolicy, EngineFailure(describing: error).message)
            parts.log.error("\(record.name) could not be restarted: \(EngineFailure(describing: error).message)")
            await restartFailed(id)
        }
    }

    /// The cause may disappear, so try again with growing pauses for as long as the policy allows.
    private func restartFailed(_ id: String) async {
        let next = try? await parts.inventory.decide(id, volatile: true) { record -> (ContainerRecord, Duration)? in
            guard record.life.phase == .restarting else { return nil }
            let decision = restartDecision(
                policy: record.template.restart, exitCode: nil, wasStoppedByUs: record.life.stoppedByUs,
                history: record.life.backoff)
            guard case .restart(let delay) = decision else {
                record.life.phase = .exited
                return nil
            }
            record.life.willRestart(after: nil)
            return (record, delay)
        }
        if case (let record, let delay)?? = next { scheduleRestart(record, after: delay) }
    }
}
