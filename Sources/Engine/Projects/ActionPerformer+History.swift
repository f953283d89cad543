import EngineWire
import ProjectModel
import Reconcile

/// Records actions in the histories of containers.
extension ActionPerformer {
    /// Runs `body`, which performs `planned`, and records the result.
    func recorded(_ planned: PlannedAction, _ body: @Sendable () async throws -> Void) async throws {
        guard let (replica, kind) = planned.action.occurrence else { return try await body() }
        let id = planned.action.containerID
        let before = if let id { await inventory.container(id) } else { nil as ContainerRecord? }
        var occurrence = Occurrence(
            at: seconds, kind: kind, by: operation.author, reason: "\(planned.reason)")
        if kind == .stopping, let before { inventory.history.note(occurrence, of: before) }
        do { try await body() } catch {
            guard !(error is CancellationError) else { throw error }
            occurrence = Occurrence(
                at: seconds, kind: kind == .started ? .startFailed : .failed, container: before?.id,
                by: operation.author)
            let message = EngineFailure(describing: error).message
            occurrence.reason = kind == .started ? message : "\(planned.action): \(message)"
            if let place = place(of: replica) { inventory.history.note(occurrence, at: place) }
            throw error
        }
        occurrence.at = seconds
        switch kind {
        case .stopping: return
        case .removed:
            // The successor of a replaced container records the result.
            guard let before, replica.isNumbered, await newest(replica) == nil else { return }
            inventory.history.note(occurrence, of: before)
        case .created, .replaced, .started:
            let record = if let before, kind == .started { before } else { await made(replica) }
            guard let record else { return }
            if kind != .started {
                occurrence.image = record.template.image
                occurrence.imageID = record.imageID
            }
            inventory.history.note(occurrence, of: record)
        default: if let before { inventory.history.note(occurrence, of: before) }
        }
    }

    private var seconds: Double { Double(runner.machine.now()) / 1e9 }

    private func made(_ replica: Replica) async -> ContainerRecord? {
        if let id = desired.single(replica)?.id { return await inventory.container(id) }
        return await newest(replica)
    }

    private func place(of replica: Replica) -> History.Place? {
        if let single = desired.single(replica) { return History.Place(single.owner, id: single.id) }
        guard case .numbered(let service, let number) = replica else { return nil }
        return History.Place(.replica(project: desired.project, service: service, number: number), id: "")
    }
}

extension Replica {
    fileprivate var isNumbered: Bool { !isSingle }
}

extension Action {
    /// The replica and the kind of entry; nil for an action that is not about a container, or only an intermediate
    /// step.
    fileprivate var occurrence: (Replica, Occurrence.Kind)? {
        switch self {
        case .create(let replica, let replaced): (replica, replaced == nil ? .created : .replaced)
        case .createNext(let replica, _, _): (replica, .replaced)
        case .start(let replica, _): (replica, .started)
        case .stop(let replica, _): (replica, .stopping)
        case .remove(let replica, _, _): (replica, .removed)
        case .pause(let replica, _): (replica, .paused)
        case .unpause(let replica, _): (replica, .unpaused)
        case .attach(let replica, _, _, _), .detach(let replica, _, _, _), .update(let replica, _): (replica, .changed)
        case .createNetwork, .repairNetwork, .removeNetwork, .createVolume, .removeVolume, .withdraw, .watch, .admit,
            .rest, .wait:
            nil
        }
    }
}
