import Logging
import Monitor
import ProjectModel

/// At the start of an engine: finds out what became of every container, and finishes what a crash interrupted.
struct Adopter: Sendable {
    let parts: EngineParts
    let health: HealthMonitor

    func adopt(reportingTo supervisor: Supervisor) async throws {
        let records = await parts.inventory.allContainers()
        do { try await parts.machine.takeOver(records, await parts.inventory.allNetworks()) } catch {
            parts.log.error("what the engine before this one held was not taken over in full: \(error)")
        }
        // Half made and half removed ones go: the next plan makes what is still wanted.
        for record in records where record.life.phase == .creating || record.life.phase == .removing {
            do { _ = try await parts.runner.finishInterrupted(record.id) } catch {
                parts.log.error("\(record.name) could not be taken away: \(error)")
            }
        }
        let kept = records.filter { $0.life.phase != .creating && $0.life.phase != .removing }
        let adoptions = await parts.machine.adopt(kept)
        for record in kept {
            do { try await apply(adoptions[record.id], to: record, supervisor) } catch {
                parts.log.error("\(record.name) was not taken over in full: \(error)")
            }
            // Also of one that has ended: lines may be left that nobody has sent on.
            await parts.runner.forwarder.begin(record)
            // Whoever waited for it is gone, and so was the engine when it ended.
            guard record.oneOff?.autoRemove == true, await parts.inventory.container(record.id)?.isUp == false else {
                continue
            }
            do { try await parts.runner.remove(record.id, anonymousVolumes: true) } catch {
                parts.log.error("\(record.name) could not be removed: \(error)")
            }
        }
        for network in await parts.inventory.allNetworks() {
            do { try await parts.machine.createNetwork(network) } catch {
                parts.log.error("network \(network.name) could not be put back: \(error)")
            }
        }
        // One whose making or removing was interrupted has a record and nothing behind it.
        for volume in await parts.inventory.allVolumes() where !volume.isMounted {
            do { try await parts.machine.createVolume(volume) } catch {
                parts.log.error("volume \(volume.name) could not be put back: \(error)")
            }
        }
        await parts.network.settle()
    }

    private func apply(_ adoption: Adoption?, to record: ContainerRecord, _ supervisor: Supervisor) async throws {
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
        case nil: break
        }
        // A restart that was due when the engine ended is due now.
        if record.life.phase == .restarting, case .restarting? = await parts.inventory.container(record.id)?.life.phase
        {
            await supervisor.restartNow(record)
        }
    }
}
