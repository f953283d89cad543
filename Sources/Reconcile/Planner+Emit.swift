import ProjectModel

extension Planner {
    /// Creates the actions for every decided replica, then the edges that need all of the actions.
    mutating func emitServices() {
        for name in graph.order.reversed() {
            for task in tasks[name] ?? [] { emitDown(task) }
        }
        for name in graph.order { orderStops(of: name) }
        orderSharers()
        for name in graph.order {
            for task in tasks[name] ?? [] { emitAdjustment(task) }
        }
        for removal in objects.removals {
            draft.order(removal.node, after: removal.users.compactMap { nodes.removals[$0] })
        }
        let exclusives = Exclusives(planner: self)
        for removal in objects.removals { nodes.awaitedRemovals.formUnion(removal.users) }
        for name in graph.order {
            guard let spec = services[name]?.spec else { continue }
            for task in tasks[name] ?? [] where task.isMade {
                nodes.awaitedRemovals.formUnion(exclusives.leaving(before: task, spec, in: desired.project))
            }
            for task in tasks[name] ?? [] {
                nodes.awaitedStops.formUnion(exclusives.stops(before: task.existing?.id, spec))
            }
        }
        for name in graph.order {
            guard let service = services[name] else { continue }
            let updates = updates(of: service, exclusives)
            for task in tasks[name] ?? [] {
                if updates.contains(where: { $0.existing?.id == task.existing?.id }) { continue }
                emitUp(task, service, exclusives)
            }
            emitUpdates(updates, of: service, exclusives)
        }
    }

    private func place(_ task: ReplicaTask) -> PlanDraft.Place {
        let rank = graph.rank[task.replica.service] ?? graph.order.count
        let number = task.existing?.number ?? 0
        return task.isTeardown
            ? PlanDraft.Place(.teardown, rank: graph.order.count - rank, number: number)
            : servicePlace(task.replica)
    }

    func servicePlace(_ replica: Replica) -> PlanDraft.Place {
        guard case .numbered(let service, let number) = replica else { return PlanDraft.Place(.services) }
        return PlanDraft.Place(.services, rank: graph.rank[service] ?? graph.order.count, number: number)
    }

    /// Stops and removals.
    private mutating func emitDown(_ task: ReplicaTask) {
        guard let container = task.existing else { return }
        let reason: PlanReason
        var volumes: Bool?
        switch task.step {
        case .keep, .create, .start, .pause, .unpause: return
        case .stop(let why), .restart(_, let why): reason = why
        case .remove(let why):
            reason = why
            // A second container of one number may share its anonymous volumes with the first.
            let isTwin = (tasks[container.service] ?? []).contains { $0.replica == task.replica && $0.survives }
            let isKept = services[container.service]?.keepsAnonymousVolumes(of: container.number ?? 0) ?? false
            volumes = container.hasAnonymousVolumes && !isTwin && !isKept
        case .replace(_, let renew, let why):
            reason = why
            volumes = renew && container.hasAnonymousVolumes
        }
        let place = place(task)
        if container.isUp {
            nodes.stops[container.id] = draft.add(
                .stop(task.replica, id: container.id), at: place, because: reason)
            if case .remove = task.step, let service = services[container.service], service.rules != nil,
                service.wantsRunning
            {
                // The other replicas answer meanwhile.
                let withdraw = draft.add(.withdraw(task.replica, id: container.id), at: place, because: reason)
                if let stop = nodes.stops[container.id] { draft.order(stop, after: withdraw) }
            }
        }
        guard let volumes else { return }
        let removal = draft.add(
            .remove(task.replica, id: container.id, anonymousVolumes: volumes), at: place, because: reason)
        draft.order(removal, after: nodes.stops[container.id])
        nodes.removals[container.id] = removal
    }

    /// Dependents stop first if both stop for good, if the dependent restarts with its dependency, or if it is in its
    /// dependency's namespace.
    private mutating func orderStops(of name: String) {
        let own = tasks[name] ?? []
        for dependent in graph.dependents[name] ?? [] {
            let joins = services[dependent.service]?.spec.joins.contains { $0.service == name } ?? false
            let isTied = dependent.restart || joins
            let stops = (tasks[dependent.service] ?? []).filter { isTied || $0.isTeardown }.compactMap { task in
                task.existing.flatMap { nodes.stops[$0.id] }
            }
            guard !stops.isEmpty else { continue }
            for task in own where isTied || task.isTeardown {
                guard let id = task.existing?.id else { continue }
                if let stop = nodes.stops[id] {
                    draft.order(stop, after: stops)
                } else if joins, let removal = nodes.removals[id] {
                    draft.order(removal, after: stops)
                }
            }
        }
    }

    /// A container that joined another one's namespace is removed before it: this follows the actual joins, not the current file.
    /// Stops follow only the file, so the two orders can never contradict each other.
    mutating func orderSharers() {
        for sharer in observed.containers {
            for owner in sharer.joined {
                guard let removal = nodes.removals[owner] else { continue }
                draft.order(removal, after: nodes.removals[sharer.id] ?? nodes.stops[sharer.id])
            }
        }
    }

    /// Creations, starts, pauses.
    private mutating func emitUp(_ task: ReplicaTask, _ service: DesiredService, _ exclusives: Exclusives) {
        let place = servicePlace(task.replica)
        let id = task.existing?.id
        if task.isAdmitted { emitAdmission(task) }
        switch task.step {
        case .keep, .stop, .remove: return
        case .create(let starts, let reason):
            let old = observed.predecessors["\(task.replica)"]
            let node = emitCreate(task, service.spec, replacing: old, because: reason, exclusives)
            if starts { emitStart(task, service, existing: nil, after: node, because: reason, exclusives) }
        case .replace(let starts, _, let reason):
            let node = emitCreate(task, service.spec, replacing: id, because: reason, exclusives)
            let change = id.map { orderSwitch(from: $0, of: service.spec, to: node, starts: starts, exclusives) }
            guard starts else { return }
            let start = emitStart(
                task, service, existing: nil, after: change?.before ?? node, because: reason, exclusives)
            if change?.isRemovedLast == true, let removal = id.flatMap({ nodes.removals[$0] }) {
                draft.order(removal, after: start)
            }
        case .start(let reason):
            emitStart(task, service, existing: id, after: nil, because: reason, exclusives)
        case .restart(_, let reason):
            let stop = id.flatMap { nodes.stops[$0] }
            emitStart(task, service, existing: id, after: stop, because: reason, exclusives)
        case .pause(let reason):
            if let id { _ = draft.add(.pause(task.replica, id: id), at: place, because: reason) }
        case .unpause(let reason):
            if let id { _ = draft.add(.unpause(task.replica, id: id), at: place, because: reason) }
        }
    }

    private mutating func emitCreate(
        _ task: ReplicaTask, _ spec: Service, replacing: String?, because reason: PlanReason, _ exclusives: Exclusives
    ) -> PlanDraft.Node {
        emitCreation(.create(task.replica, replacing: replacing), task, spec, because: reason, exclusives)
    }

    mutating func emitCreation(
        _ action: Action, _ task: ReplicaTask, _ spec: Service, because reason: PlanReason, _ exclusives: Exclusives
    ) -> PlanDraft.Node {
        let node = draft.add(action, at: servicePlace(task.replica), because: reason)
        draft.order(node, after: spec.networks.compactMap { objects.networks[$0.network] })
        draft.order(node, after: spec.volumeKeys.compactMap { objects.volumes[$0] })
        for owner in spec.creationOwners { draft.order(node, after: nodes.creations[owner] ?? []) }
        draft.order(node, after: exclusives.removals(before: task, spec, in: desired.project))
        nodes.creations[spec.name, default: []].append(node)
        return node
    }

    /// How a new container replaces an old one.
    private struct Switch {
        /// The actions that must end before the new one can start.
        let before: PlanDraft.Node
        /// The old one goes when the new one has started.
        let isRemovedLast: Bool
    }

    /// The old container stops after the new one is created. If the creation fails, the old one and its dependents stay as they
    /// are. If the new one needs something that the old one holds, the old one goes first.
    private mutating func orderSwitch(
        from id: String, of spec: Service, to creation: PlanDraft.Node, starts: Bool, _ exclusives: Exclusives
    ) -> Switch {
        guard let removal = nodes.removals[id], !leavesFirst(id, spec, exclusives) else {
            nodes.leavingFirst.insert(spec.name)
            draft.order(creation, after: nodes.removals[id])
            return Switch(before: creation, isRemovedLast: false)
        }
        draft.order(nodes.stops[id] ?? removal, after: creation)
        for service in followers(of: spec.name) {
            for task in tasks[service] ?? [] {
                guard let stop = task.existing.flatMap({ nodes.stops[$0.id] }) else { continue }
                draft.order(stop, after: creation)
            }
        }
        guard starts, !nodes.awaitedRemovals.contains(id) else { return Switch(before: removal, isRemovedLast: false) }
        if let stop = nodes.stops[id], !nodes.awaitedStops.contains(stop), !isTied(spec) {
            // The dependencies of the new one may never become ready; until then the old one runs on.
            draft.order(stop, after: readiness(for: spec, isRestart: false))
        }
        return Switch(before: nodes.stops[id] ?? creation, isRemovedLast: true)
    }

    /// It restarts with another service, whose stop waits for its own.
    private func isTied(_ spec: Service) -> Bool {
        !spec.joins.isEmpty || (graph.needs[spec.name] ?? []).contains(where: \.restart)
    }

    /// Services that must stop when `name` stops: they restart with it or share its namespace, directly or through another one.
    func followers(of name: String) -> Set<String> {
        var found: Set<String> = []
        var open = [name]
        while let owner = open.popLast() {
            for dependent in graph.dependents[owner] ?? [] where dependent.service != name {
                let joins = services[dependent.service]?.spec.joins.contains { $0.service == owner } ?? false
                guard dependent.restart || joins, found.insert(dependent.service).inserted else { continue }
                open.append(dependent.service)
            }
        }
        return found
    }

    /// Networks and volumes that are replaced, names and addresses of other containers, and owners that go first.
    func leavesFirst(_ id: String, _ spec: Service, _ exclusives: Exclusives) -> Bool {
        guard let container = containersByID[id], let number = container.number else { return true }
        let isUnderneath = objects.removals.contains { $0.users.contains(id) }
        return isUnderneath || spec.networks.contains { objects.replacedNetworks.contains($0.network) }
            || spec.volumeKeys.contains(where: objects.replacedVolumes.contains)
            || spec.creationOwners.contains(where: nodes.leavingFirst.contains)
            || exclusives.needsOthers(.numbered(service: spec.name, number), id, spec, in: desired.project)
    }

    @discardableResult
    mutating func emitStart(
        _ task: ReplicaTask, _ service: DesiredService, existing: String?, after previous: PlanDraft.Node?,
        because reason: PlanReason, _ exclusives: Exclusives
    ) -> PlanDraft.Node {
        let spec = service.spec
        let place = servicePlace(task.replica)
        // Create the waits first: the plan lists actions at one position in the order of their creation.
        let ready = readiness(for: spec, isRestart: task.isRestarted)
        let node = draft.add(.start(task.replica, existing: existing), at: place, because: reason)
        draft.order(node, after: previous)
        draft.order(node, after: ready)
        if let existing { draft.order(node, after: nodes.adjustments[existing] ?? []) }
        // The creation of a new container has already waited for its networks.
        if existing != nil { draft.order(node, after: spec.networks.compactMap { objects.networks[$0.network] }) }
        draft.order(node, after: exclusives.stops(before: task.existing?.id, spec))
        nodes.starts[spec.name, default: []].append(node)
        return node
    }
}
