import OCI
import ProjectModel

/// Verbs on one-offs and on containers of no project.
extension IntentEdit {
    mutating func editSingle(_ index: Int, _ verb: IntentVerb) throws(IntentError) {
        let id = desired.singles[index].id
        guard let container = observed.containers.first(where: { $0.id == id }) else { return }
        change.scope.singles.insert(id)
        var wish = desired.singles[index].wish
        switch verb {
        case .start:
            wish.goal = .running
            if container.needsStart { wish.raiseStart(after: container) }
        case .stop: if wish.isUp { wish.goal = .stopped }
        case .restart:
            wish.goal = .running
            wish.restartRound = max(wish.restartRound, container.restartRound) + 1
        case .kill(let signal, _):
            guard let sent = SignalName.number(signal) else { throw .badSignal(signal) }
            if container.isUp, sent == SignalName.kill, wish.isUp { wish.goal = .stopped }
        case .pause: if container.isUp, wish.goal == .running { wish.goal = .paused }
        case .unpause:
            guard wish.isUp else { return }
            wish.goal = .running
            if container.state == .paused, container.isPausedByOthers { wish.raiseStart(after: container) }
        case .remove(let stop, let volumes):
            guard stop || !container.isUp else {
                change.notes.append("\(container.name) is still running; use --stop")
                return
            }
            wish.goal = .absent
            // A one-off has no successor that could take over its volumes.
            wish.keepsAnonymousVolumes = !volumes && !container.owner.isOneOff
        case .up, .create, .down, .rollback, .scale: throw .needsServices(container.name)
        }
        desired.singles[index].wish = wish
    }
}

extension Desired {
    /// Removes the containers of services that left the file; the rest of the desired state stays. Returns the scope for this.
    package mutating func removeOrphans(project: Project, observed: Observed) -> PlanScope {
        var edit = IntentEdit(self, project: project, names: [], containers: [], observed: observed)
        edit.change.scope = PlanScope(extents: [:])
        edit.markOrphans(known: Set(project.services.map(\.name) + project.disabledServices), remove: true)
        self = edit.desired
        return edit.change.scope
    }
}

extension ContainerWish {
    /// It should have a process.
    fileprivate var isUp: Bool { goal == .running || goal == .paused }

    fileprivate mutating func raiseStart(after container: ObservedContainer) {
        startRound = max(startRound, container.startRound) + 1
    }
}
