import EngineWire
import Glibc
import Monitor
import OCI
import ProjectModel
import Reconcile

/// Acts on one named container, of any project. Returns when this is done.
extension Engine {
    /// Carries out a verb on `record` alone.
    private func carryOut(_ verb: Verb, on record: ContainerRecord) async throws {
        let request = OperationRequest(key: parts.machine.newID(), verb: verb, containers: [record.id])
        let operation = await loop(record.group).submit(Work(request: request))
        for await _ in operation.events() {}
        if let failure = operation.outcome?.errors.first { throw failure }
    }

    private func tell(_ action: String, _ id: String, _ more: [String: String] = [:]) async {
        guard let record = await parts.inventory.container(id) else { return }
        parts.inventory.events.publish(record.event(action, more, at: parts.machine.now()))
    }

    /// Returns false when it already runs.
    package func startContainer(_ name: String) async throws -> Bool {
        await gate.wait(for: .ready)
        let record = try await find(name)
        switch record.life.phase {
        case .running: return false
        case .paused:
            throw EngineFailure(
                code: .conflict, message: "cannot start a paused container, try unpause instead")
        case .removing:
            throw EngineFailure(code: .conflict, message: "container is marked for removal and cannot be started")
        case .creating, .created, .restarting, .exited: break
        }
        do { try await carryOut(.start(wait: false, waitTimeout: nil), on: record) } catch {
            // The client gets the error, so the engine does not try again.
            try await parts.inventory.update(record.id) { record in
                if !record.isUp, record.wish?.goal == .running { record.wish?.goal = .created }
            }
            if record.isTransient { try? await parts.runner.remove(record.id, anonymousVolumes: true) }
            throw error
        }
        return true
    }

    /// A nil `timeout` means the container's own grace period, a nil `signal` its own stop signal. Returns false if it does not run.
    package func stopContainer(_ name: String, timeout: Duration?, signal: Int32? = nil) async throws -> Bool {
        await gate.wait(for: .ready)
        let record = try await find(name)
        guard record.isUp || record.life.phase == .restarting else { return false }
        try await choose(signal, toStop: record)
        try await carryOut(.stop(timeout: timeout), on: record)
        await tell("stop", record.id)
        return true
    }

    /// `timeout` and `signal` as for `stopContainer`.
    package func restartContainer(_ name: String, timeout: Duration?, signal: Int32? = nil) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        if record.isUp { try await choose(signal, toStop: record) }
        do { try await carryOut(.restart(timeout: timeout, dependents: false), on: record) } catch {
            if record.isTransient, await parts.inventory.container(record.id)?.isUp == false {
                try? await parts.runner.remove(record.id, anonymousVolumes: true)
            }
            throw error
        }
        await tell("restart", record.id)
    }

    private func choose(_ signal: Int32?, toStop record: ContainerRecord) async throws {
        // A call that names none takes back what an earlier call named, should that stop have failed.
        let name = signal.map(SignalName.name)
        try await parts.inventory.update(record.id, volatile: true) { $0.life.chosenStopSignal = name }
    }

    package func killContainer(_ name: String, signal: Int32) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        if record.life.phase == .restarting {
            // There is no process to send anything to; a signal that ends it keeps it down.
            let stopSignal = SignalName.number(record.stopSignalName) ?? SIGTERM
            guard [SIGKILL, stopSignal].contains(signal) else { return }
            return try await carryOut(.stop(timeout: .zero), on: record)
        }
        guard record.isUp else {
            throw EngineFailure(
                code: .conflict, message: "cannot kill container: \(name): container \(record.id) is not running")
        }
        // For a replica, the service decides about its later state.
        guard record.wish != nil else {
            return try await carryOut(.kill(signal: "\(signal)", removeOrphans: false), on: record)
        }
        try await parts.runner.kill(record.id, signal)
        guard signal == SIGKILL else { return }
        try await parts.inventory.update(record.id, volatile: true) { record in
            if !record.isUp, record.life.stoppedByUs, record.wish?.goal == .running { record.wish?.goal = .stopped }
        }
    }

    package func pauseContainer(_ name: String) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        switch record.life.phase {
        case .running: try await carryOut(.pause, on: record)
        case .paused:
            throw EngineFailure(code: .conflict, message: "container \(record.id) is already paused")
        case .restarting:
            throw EngineFailure(
                code: .conflict, message: "Container \(record.id) is restarting, wait until the container is running")
        default: throw EngineFailure(code: .conflict, message: "container \(record.id) is not running")
        }
    }

    package func unpauseContainer(_ name: String) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        guard record.life.phase == .paused else {
            throw EngineFailure(code: .conflict, message: "Container \(record.id) is not paused")
        }
        try await carryOut(.unpause, on: record)
    }

    /// Deletes a container. `force`: kill it first if it runs. `volumes`: also remove anonymous volumes that nobody
    /// else uses.
    package func deleteContainer(_ name: String, force: Bool, volumes: Bool) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        if record.life.phase == .removing {
            throw EngineFailure(
                code: .conflict, message: "removal of container \(name) is already in progress")
        }
        if record.isUp || record.life.phase == .restarting {
            guard force else {
                let state = record.life.phase.shown.rawValue
                throw EngineFailure(
                    code: .conflict,
                    message:
                        "cannot remove container \"\(record.name)\": container is \(state): stop the container before removing or force remove"
                )
            }
            // It has nothing more to do, so do not wait.
            try await carryOut(.stop(timeout: .zero), on: record)
            if record.isTransient { return await waitUntilGone(record.id) }
        }
        do { try await carryOut(.remove(stop: true, volumes: volumes), on: record) } catch {
            // Somebody else removed it meanwhile.
            guard await parts.inventory.container(record.id) != nil else { return }
            throw error
        }
    }

    /// Only for containers with their own name; the project gives names to its containers.
    package func renameContainer(_ name: String, to new: String) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        guard case .free = record.owner else {
            throw EngineFailure(
                code: .conflict, message: "\(record.name) belongs to a berth project, which decides its name")
        }
        try Self.check(name: new, of: "container")
        guard new != record.name else {
            throw EngineFailure(code: .invalid, message: "Renaming a container with the same name as its current name")
        }
        try await parts.inventory.rename(record.id, to: new)
        await parts.network.settle()
    }

    /// Changes limits and restart policy; they apply at once.
    package func updateContainer(
        _ name: String, _ change: @escaping @Sendable (inout ContainerTemplate) -> Void
    ) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        guard record.life.phase != .removing else {
            throw EngineFailure(
                code: .conflict, message: "Container is marked for removal and cannot be \"update\".")
        }
        let updated = try await parts.inventory.update(record.id) { change(&$0.template) }
        if updated?.template.everyExternalLink != record.template.everyExternalLink { await parts.network.settle() }
        guard let updated, updated.isUp, updated.template.resources != record.template.resources else { return }
        do { try await parts.machine.limit(updated, insteadOf: record.template.resources) } catch {
            try await parts.inventory.update(record.id) { $0.template.resources = record.template.resources }
            throw error
        }
        await tell("update", record.id)
    }

    // MARK: Waiting

    /// The event that a client waits for.
    package enum WaitCondition: String, Sendable {
        case notRunning = "not-running"
        case nextExit = "next-exit"
        case removed
    }

    /// Starts waiting at once; the result gives the exit code.
    package func waiting(
        for name: String, until condition: WaitCondition
    ) async throws -> @Sendable () async -> Int? {
        await gate.wait(for: .known)
        let events = parts.inventory.events.events()
        let record = try await find(name)
        let isDown = !record.isUp && record.life.phase != .restarting
        if condition == .notRunning, isDown {
            let code = record.life.exit?.code ?? 0
            return { code }
        }
        let id = record.id
        let last = record.life.exit?.code
        return {
            var code = last
            for await event in events where event.id == id && event.kind == .container {
                switch event.action {
                case "die":
                    code = event.attributes["exitCode"].flatMap { Int($0) }
                    if condition != .removed { return code }
                case "destroy": return code ?? 0
                default: break
                }
            }
            return nil
        }
    }

    /// Removes stopped containers that `isWanted` selects; returns their ids and the freed bytes.
    package func pruneContainers(
        where isWanted: @Sendable (ContainerRecord) -> Bool
    ) async throws -> (ids: [String], bytes: Int64) {
        await gate.wait(for: .ready)
        var ids: [String] = []
        var bytes: Int64 = 0
        for record in await parts.inventory.allContainers()
        where [.created, .exited].contains(record.life.phase) && isWanted(record) {
            let size = await parts.machine.writableSize(of: record.id)
            do { try await deleteContainer(record.id, force: false, volumes: false) } catch { continue }
            ids.append(record.id)
            bytes += size
        }
        parts.inventory.events.publish(
            EngineEvent(
                .container, "prune", id: "", attributes: ["reclaimed": "\(bytes)"], time: parts.machine.now()))
        return (ids, bytes)
    }

    // MARK: Streams

    /// Connects to the streams of a container: at once if it runs, else before its process begins. The result gives a connected
    /// socket of `StreamFrame`s, which the caller then owns.
    package func streams(of name: String) async throws -> @Sendable () async throws -> CInt {
        await gate.wait(for: .ready)
        return try await streams(of: name, patience: 5)
    }

    private func streams(of name: String, patience: Int) async throws -> @Sendable () async throws -> CInt {
        let epoch = await parts.inventory.currentEpoch()
        let record = try await find(name)
        switch record.life.phase {
        case .running:
            let descriptor: CInt
            do {
                descriptor = try await parts.machine.stream(of: record)
            } catch let failure as EngineFailure where failure.code == .conflict && patience > 0 {
                // It has just ended, but the inventory does not know yet.
                await parts.inventory.change(
                    of: .container(record.id), after: epoch, atMost: .seconds(1), on: parts.machine)
                return try await streams(of: name, patience: patience - 1)
            }
            parts.inventory.events.publish(record.event("attach", at: parts.machine.now()))
            return { descriptor }
        case .paused:
            throw EngineFailure(
                code: .conflict,
                message: "container \(record.id) is paused, unpause the container before attach")
        case .restarting:
            throw EngineFailure(
                code: .conflict, message: "container \(record.id) is restarting, wait until the container is running")
        case .creating, .created, .exited, .removing:
            parts.inventory.events.publish(record.event("attach", at: parts.machine.now()))
            return parts.runner.pending.reserve(for: record.id)
        }
    }

    package nonisolated var now: Int64 { parts.machine.now() }
}
