import Logging
import Monitor
import ProjectModel

/// Finds out the state of every container when an engine starts, and finishes work that a crash interrupted.
struct Adopter: Sendable {
    let parts: EngineParts
    let health: HealthMonitor

    /// Asks all monitors at once for the state of their containers: this takes as long as the slowest answer, or a second if one does
    /// not answer.
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

    /// Takes over what the previous engine held for known containers, and releases the rest. This must come before any event is
    /// handled; otherwise a container that ends meanwhile would get its ports back.
    func takeOver() async {
        let records = await parts.inventory.allContainers()
        do { try await parts.machine.takeOver(records, await parts.inventory.allNetworks()) } catch {
            parts.log.error("the state of the previous engine could not be adopted completely: \(error)")
        }
    }

    /// Restores what is missing, and removes what a crash, or an end while no engine ran, left behind.
    func mend(with supervisor: Supervisor) async {
        let records = await parts.inventory.allContainers()
        await forEach(records) { record in
            switch record.life.phase {
            case .creating, .removing:
                // Half created or half removed: the next plan creates what should still exist.
                do { _ = try await parts.runner.finishInterrupted(record.id) } catch {
                    parts.log.error("\(record.name) could not be removed: \(error)")
                }
            case .created, .running, .paused, .restarting, .exited:
                if !record.unjoinedEndpoints.isEmpty {
                    do { _ = try await parts.runner.finishInterrupted(record.id) } catch {
                        parts.log.error("\(record.name) could not be disconnected from a network: \(error)")
                    }
                }
                // Also for one that has ended, because some lines may not have been sent.
                await parts.runner.forwarder.begin(record)
                // The client that waited for it is gone, and no engine ran when it ended.
                let isOver = record.life.phase == .exited || record.isOneOff && !record.isUp
                if record.isTransient, isOver, !record.awaitsRestart { await supervisor.removeTransient(record) }
            }
        }
        for network in await parts.inventory.allNetworks() {
            do { try await parts.machine.createNetwork(network) } catch {
                parts.log.error("network \(network.name) could not be restored: \(error)")
            }
        }
        // A container whose creation or removal was interrupted may have a record and nothing else.
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

    /// A monitor that did not answer at the start now reports the state of its container.
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
            // As far as the engine knows it runs on; its probes do not need the monitor.
            if record.isUp { await health.begin(record) }
        }
        // A restart that was due when the engine ended is due now.
        if record.life.phase == .restarting, case .restarting? = await parts.inventory.container(record.id)?.life.phase
        {
            await supervisor.restartNow(record)
        }
    }
}
