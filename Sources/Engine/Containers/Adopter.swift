import Logging
import Monitor
import ProjectModel

/// At the start of an engine: finds out what became of every container, and finishes what a crash interrupted.
struct Adopter: Sendable {
    let parts: EngineParts
    let health: HealthMonitor

    func adopt(reportingTo supervisor: Supervisor) async throws {
        let records = await parts.inventory.allContainers()
        // Half made and half removed ones go: the next plan makes what is still wanted.
        for record in records where record.life.phase == .creating || record.life.phase == .removing {
            try? await parts.runner.discard(record)
        }
        let kept = records.filter { $0.life.phase != .creating && $0.life.phase != .removing }
        let adoptions = await parts.machine.adopt(kept)
        for record in kept {
            try await apply(adoptions[record.id], to: record, supervisor)
            // Also of one that has ended: lines may be left that nobody has sent on.
            await parts.runner.forwarder.begin(record)
        }
        for network in await parts.inventory.allNetworks() {
            do { try await parts.machine.createNetwork(network) } catch {
                parts.log.error("network \(network.name) could not be put back: \(error)")
            }
        }
        // One whose making or removing was interrupted has a record and nothing behind it.
        for volume in await parts.inventory.allVolumes() where volume.definition.driverOptions["device"] == nil {
            do { try await parts.machine.createVolume(volume) } catch {
                parts.log.error("volume \(volume.name) could not be put back: \(error)")
            }
        }
        do { try await parts.network.sync() } catch { parts.log.error("networks: \(error)") }
    }

    private func apply(_ adoption: Adoption?, to record: ContainerRecord, _ supervisor: Supervisor) async throws {
        let wasUp = record.life.phase == .running || record.life.phase == .paused
        switch adoption {
        case .alive(let state):
            if let exit = state.exit { return try await supervisor.ended(record.id, exit, reason: nil) }
            try await parts.inventory.update(record.id, volatile: true) { record in
                record.life.process = state.process
                switch state.phase {
                case .running: record.life.phase = .running
                case .paused: record.life.phase = .paused
                case .creating, .created, .exited: break
                }
                if let startedAt = state.startedAt { record.life.startedAt = startedAt }
            }
            if state.phase == .created { await parts.machine.abandon(record.id) }
            if state.phase == .running, let adopted = await parts.inventory.container(record.id) {
                await health.begin(adopted)
            }
        case .ended(let status):
            guard wasUp else { break }
            try await supervisor.ended(record.id, status, reason: nil)
        case .lost(let reason):
            guard wasUp else { break }
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
