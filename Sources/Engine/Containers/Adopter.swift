import Logging
import Monitor
import ProjectModel

/// At the start of an engine: finds out what became of every container, and finishes what a crash interrupted.
struct Adopter: Sendable {
    let parts: EngineParts
    let health: HealthMonitor

    /// Finds out how every container is, all at once: it takes as long as the slowest monitor that answers, and a second when one
    /// does not.
    func look(reportingTo supervisor: Supervisor) async {
        let kept = await parts.inventory.allContainers().filter { ![.creating, .removing].contains($0.life.phase) }
        let adoptions = await parts.machine.adopt(kept)
        await forEach(kept) { record in
            guard let adoption = adoptions[record.id] else { return }
            do { try await take(adoption, of: record, supervisor) } catch {
                parts.log.error("\(record.name) could not be adopted completely: \(error)")
            }
        }
    }

    /// Goes on with what the engine before this one held for containers that are known, and lets go of the rest. Before any event is
    /// handled: a container that ends meanwhile would get its ports back.
    func takeOver() async {
        let records = await parts.inventory.allContainers()
        do { try await parts.machine.takeOver(records, await parts.inventory.allNetworks()) } catch {
            parts.log.error("the state of the previous engine could not be adopted completely: \(error)")
        }
    }

    /// Puts back what is missing, and takes away what a crash or an end without an engine left.
    func mend(with supervisor: Supervisor) async {
        let records = await parts.inventory.allContainers()
        await forEach(records) { record in
            switch record.life.phase {
            case .creating, .removing:
                // Half made or half removed: the next plan makes what is still wanted.
                do { _ = try await parts.runner.finishInterrupted(record.id) } catch {
                    parts.log.error("\(record.name) could not be removed: \(error)")
                }
            case .created, .running, .paused, .restarting, .exited:
                if !record.unjoinedEndpoints.isEmpty {
                    do { _ = try await parts.runner.finishInterrupted(record.id) } catch {
                        parts.log.error("\(record.name) could not be disconnected from a network: \(error)")
                    }
                }
                // Also of one that has ended: lines may be left that nobody has sent on.
                await parts.runner.forwarder.begin(record)
                // Whoever waited for it is gone, and so was the engine when it ended.
                let isOver = record.life.phase == .exited || record.isOneOff && !record.isUp
                if record.isTransient, isOver { await supervisor.removeTransient(record) }
            }
        }
        for network in await parts.inventory.allNetworks() {
            do { try await parts.machine.createNetwork(network) } catch {
                parts.log.error("network \(network.name) could not be restored: \(error)")
            }
        }
        // One whose making or removing was interrupted has a record and nothing behind it.
        for volume in await parts.inventory.allVolumes() where !volume.isMounted {
            do { try await parts.inventory.make(volume, on: parts.machine) } catch {
                parts.log.error("volume \(volume.name) could not be restored: \(error)")
            }
        }
        await parts.network.settle()
    }

    private func forEach(
        _ records: [ContainerRecord], _ body: @escaping @Sendable (ContainerRecord) async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for record in records { group.addTask { await body(record) } }
        }
    }

    /// A monitor that was silent at the start says how its container is.
    func takeLate(_ state: MonitorState, of id: String, _ supervisor: Supervisor) async throws {
        guard let record = await parts.inventory.container(id), record.isUp else { return }
        parts.log.notice("\(record.name): its monitor answers again")
        try await take(.alive(state), of: record, supervisor)
    }

    private func take(_ adoption: Adoption, of record: ContainerRecord, _ supervisor: Supervisor) async throws {
        switch adoption {
        case .alive(let state):
            if state.phase == .created { await parts.machine.abandon(record.id) }
            guard let startedAt = state.startedAt, record.isUp || startedAt > record.life.finishedAt ?? 0 else { break }
            try await parts.inventory.update(record.id, volatile: true) { record in
                // The engine ended before it had stored that the container runs.
                if !record.isUp { record.life.started(at: startedAt, state.process) }
                record.life.startedAt = startedAt
                record.life.process = state.process
                record.life.phase = state.phase == .paused ? .paused : .running
            }
            if let exit = state.exit { return try await supervisor.ended(record.id, exit, reason: nil) }
            if let adopted = await parts.inventory.container(record.id) { await health.begin(adopted) }
        case .ended(let status):
            if !record.isUp {
                guard status.at > record.life.finishedAt ?? record.createdAt else { break }
                try await parts.inventory.update(record.id, volatile: true) { $0.life.started(at: status.at, nil) }
            }
            try await supervisor.ended(record.id, status, reason: nil)
        case .lost(let reason):
            guard record.isUp else { break }
            await parts.machine.endUnwatched(record)
            let status = ExitStatus(code: 255, signal: nil, isOutOfMemory: false, at: parts.machine.now())
            try await supervisor.ended(record.id, status, reason: reason)
        case .silent:
            // It goes on as far as anyone knows, and its probes are made without its monitor.
            if record.isUp { await health.begin(record) }
        }
        // A restart that was due when the engine ended is due now.
        if record.life.phase == .restarting, case .restarting? = await parts.inventory.container(record.id)?.life.phase
        {
            await supervisor.restartNow(record)
        }
    }
}
