import ProjectModel

extension DesiredService {
    /// The rules for updating its replicas; nil: all at once.
    package var rules: UpdateRules? {
        guard isRollingBack == true else { return spec.updateConfig }
        if let own = spec.rollbackConfig { return own }
        var rules = spec.updateConfig
        // A rollback cannot be rolled back.
        rules?.failureAction = .pause
        return rules
    }
}

/// Updates by rules: running replicas are replaced in groups, one group after the other.
extension Planner {
    /// The tasks of a service that follow its update rules.
    ///
    /// The rules do not apply to other replicas: a stopped one serves nobody, and one whose namespace others share, or on which
    /// others depend with `restart: true`, restarts together with them.
    func updates(of service: DesiredService, _ exclusives: Exclusives) -> [ReplicaTask] {
        guard service.rules != nil, service.spec.creationOwners.isEmpty, followers(of: service.spec.name).isEmpty,
            !isStoppedAround(service.spec)
        else { return [] }
        return (tasks[service.spec.name] ?? []).filter { task in
            guard case .replace(true, _, _) = task.step, let existing = task.existing, existing.isUp else {
                return false
            }
            return nodes.removals[existing.id] != nil && !nodes.awaitedRemovals.contains(existing.id)
                && !leavesFirst(existing.id, service.spec, exclusives)
        }
    }

    /// This plan stops a service with which it restarts, and that service waits for its stop.
    private func isStoppedAround(_ spec: Service) -> Bool {
        (graph.needs[spec.name] ?? []).contains { need in
            need.restart
                && (tasks[need.service] ?? []).contains { $0.existing.map { nodes.stops[$0.id] != nil } ?? false }
        }
    }

    /// All new containers are created before the first old one is touched. Then, group after group:
    /// - start-first: start → watch → admit (takes over names and ports) → drain the old one → stop it;
    /// - stop-first: drain the old one → stop it → start → watch → admit.
    mutating func emitUpdates(_ tasks: [ReplicaTask], of service: DesiredService, _ exclusives: Exclusives) {
        guard let rules = service.rules, !tasks.isEmpty else { return }
        let isBeside = rules.order == .startFirst && service.spec.canRunBesideItself
        for task in tasks {
            guard let id = task.existing?.id, case .replace(_, _, let reason) = task.step else { continue }
            let action = Action.createNext(task.replica, replacing: id, beside: isBeside)
            _ = emitCreation(action, task, service.spec, because: reason, exclusives)
        }
        var gate = nodes.creations[service.spec.name] ?? []
        let size = rules.parallelism > 0 ? rules.parallelism : tasks.count
        for first in stride(from: 0, to: tasks.count, by: size) {
            let group = tasks[first..<min(first + size, tasks.count)]
            let ends = group.flatMap { emitUpdate($0, service, isBeside, after: gate, exclusives) }
            gate = ends
            guard rules.delay > .zero, let last = group.last, first + size < tasks.count else { continue }
            let rest = draft.add(
                .rest(service: service.spec.name, rules.delay), at: servicePlace(last.replica),
                because: .updatePause)
            draft.order(rest, after: ends)
            gate = [rest]
        }
    }

    /// A replica that an interrupted update left without names gets them again once it is ready.
    mutating func emitAdmission(_ task: ReplicaTask) {
        let place = servicePlace(task.replica)
        let reason = PlanReason.updateBrokeOff
        var ready: PlanDraft.Node?
        if task.existing?.state == .running {
            ready = draft.add(.watch(task.replica, replacing: nil), at: place, because: reason)
        }
        let node = draft.add(.admit(task.replica, replacing: nil), at: place, because: reason)
        draft.order(node, after: ready)
    }

    /// - Returns: the actions that must end before the next group may begin.
    private mutating func emitUpdate(
        _ task: ReplicaTask, _ service: DesiredService, _ isBeside: Bool, after gate: [PlanDraft.Node],
        _ exclusives: Exclusives
    ) -> [PlanDraft.Node] {
        guard let id = task.existing?.id, let stop = nodes.stops[id], case .replace(_, _, let reason) = task.step else {
            return []
        }
        let place = servicePlace(task.replica)
        let start: PlanDraft.Node
        if isBeside {
            start = emitStart(task, service, existing: nil, after: nil, because: reason, exclusives)
            draft.order(start, after: gate)
        } else {
            let withdraw = draft.add(.withdraw(task.replica, id: id), at: place, because: reason)
            draft.order(withdraw, after: gate)
            draft.order(stop, after: withdraw)
            start = emitStart(task, service, existing: nil, after: stop, because: reason, exclusives)
        }
        let watch = draft.add(.watch(task.replica, replacing: id), at: place, because: reason)
        draft.order(watch, after: start)
        let admit = draft.add(.admit(task.replica, replacing: id), at: place, because: reason)
        draft.order(admit, after: watch)
        if isBeside {
            let withdraw = draft.add(.withdraw(task.replica, id: id), at: place, because: reason)
            draft.order(withdraw, after: admit)
            draft.order(stop, after: withdraw)
        } else if let removal = nodes.removals[id] {
            draft.order(removal, after: admit)
        }
        return [admit, stop]
    }
}

extension ContainerTemplate {
    /// Two containers with one number can run at once, because neither needs an exclusive address.
    fileprivate var canRunBesideItself: Bool {
        fixedAddresses.isEmpty && macAddress == nil && networks.allSatisfy { $0.macAddress == nil }
    }
}
