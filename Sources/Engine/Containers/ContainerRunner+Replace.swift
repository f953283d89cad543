import EngineWire
import Logging

/// A replacement failed, and the previous container is back in its place.
struct TakenBack: Error, CustomStringConvertible {
    let failure: EngineFailure

    var description: String { failure.message }
}

/// Replaces one container with another. At the switch, the record of the old container gets the id of the new one: this single write
/// moves names, addresses and ports, and undoing it moves them back.
extension ContainerRunner {
    /// Starts the replacement of `old`, which has stopped. If the start fails, the old container gets its names, addresses and ports
    /// back, and runs again if it was stopped for this.
    func start(
        _ successor: ContainerRecord, inPlaceOf old: ContainerRecord, rounds: (start: Int, restart: Int)?
    ) async throws {
        guard !old.isUp else {
            throw EngineFailure(
                code: .conflict, message: "\(old.name) still runs, but \(successor.id.prefix(12)) should replace it"
            )
        }
        do {
            if old.replacedBy == nil {
                try await machine.silence(old)
                try await inventory.update(old.id) { $0.replacedBy = successor.id }
            }
            await machine.releasePorts(of: old.id)
            try await launch(successor, rounds: rounds, holdsStreams: false)
        } catch {
            await network.end(successor.id)
            var failure = EngineFailure(describing: error)
            if failure.log.isEmpty { failure.log = await logTail(successor) }
            throw await takenBack(successor, to: old.id, failure, "could not be started")
        }
    }

    /// Gives the place of `successor` back to `id`. Returns an error that reports this, together with the cause:
    /// `what`, unless the failure names its cause.
    func takenBack(
        _ successor: ContainerRecord, to id: String, _ failure: EngineFailure, _ what: String
    ) async -> TakenBack {
        var failure = failure
        do {
            let isBack = try await giveBack(successor, to: id)
            let state = isBack ? "the previous container runs again" : "the previous container is back"
            failure.message =
                what.isEmpty
                ? "\(failure.message); \(state)" : "\(successor.name) \(what), \(state): \(failure.message)"
        } catch {
            let reason = EngineFailure(describing: error).message
            failure.message =
                "\(what.isEmpty ? "" : "\(successor.name) \(what): ")\(failure.message); "
                + "the previous container could not be started again: \(reason)"
        }
        return TakenBack(failure: failure)
    }

    /// Gives everything that `successor` has from the container before it back to that container, and removes
    /// `successor`, which must not run.
    /// - Returns: Whether the old container runs again. It does not if it had ended by itself.
    private func giveBack(_ successor: ContainerRecord, to id: String) async throws -> Bool {
        await health.end(successor.id)
        await machine.releasePorts(of: successor.id)
        // A remaining link goes away with its container; the old one creates its own.
        do { try await machine.silence(successor) } catch {
            log.warning("\(successor.name): its links are still there: \(error)")
        }
        // If the old container had released its names and ports, it gets them again when it is ready, like every
        // replica.
        let old = try await inventory.update(id) { $0.replacedBy = nil }
        do { try await discard(successor) } catch {
            log.warning("the container that should replace \(successor.name) could not be removed: \(error)")
        }
        guard let old, old.life.stoppedByUs else { return false }
        try await start(id, rounds: nil)
        return true
    }

    // MARK: By rules

    /// Takes a replica's names and published ports away, and gives it time to answer open requests.
    func withdraw(_ id: String) async throws {
        guard let record = try await inventory.update(id, { $0.isAside = true }) else { return }
        await network.settle()
        guard record.life.phase == .running else { return }
        await machine.drain(record, within: .seconds(5))
    }

    /// Gives a replacement its names and published ports: those of the old replica if that still has them.
    func admit(_ id: String) async throws {
        guard let record = await inventory.container(id) else { throw Self.gone(id) }
        let old = await inventory.predecessor(of: record)
        if let old, old.replacedBy == nil { await machine.releasePorts(of: old.id) }
        if record.isLive, !record.ports.isEmpty, !record.endpoints.isEmpty {
            do {
                let ports = try await reservePorts(record.ports(after: old), of: record)
                try await inventory.update(id) { $0.ports = ports }
            } catch {
                if let old, old.replacedBy == nil { _ = try? await machine.reserve(old.ports, for: old.id) }
                throw error
            }
        }
        try await inventory.admit(id)
        await freePorts(of: id)
        try await network.sync()
        if let fault = await network.faults[id] { throw fault }
    }
}

extension ContainerRecord {
    /// Its ports, with the numbers of `old` where they are allowed.
    func ports(after old: ContainerRecord?) -> [Port] {
        ports.map { port in
            let own = old?.ports.first {
                $0.target == port.target && $0.transport == port.transport && $0.hostPort != 0
            }
            guard let own, port.numbers.contains(own.hostPort) || port.numbers.lowerBound == 0 else { return port }
            return port.at(own.hostPort)
        }
    }
}
