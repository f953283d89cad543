import ProjectModel

extension Planner {
    /// `down`: removes everything that the project created, dependents first; orphans and named volumes only on request.
    ///
    /// It keeps networks and volumes that another project or a person created, that the file calls external, or that something
    /// still uses. A verb after an interrupted `down` removes only objects of its own services.
    mutating func planRemoval(_ removal: Desired.Removal) {
        var leaving: [ObservedContainer] = []
        for container in observed.containers {
            let isOrphan = services[container.service]?.isOrphan ?? true
            if container.number == nil || !isOrphan || removal.orphans { leaving.append(container) }
        }
        if let extents = scope.extents {
            removeContainers(leaving.filter { extents[$0.service] != nil && $0.number != nil })
            return
        }
        removeContainers(leaving)
        let leavingIDs = Set(leaving.map(\.id))
        let external = Set(desired.networks.values.filter(\.external).map(\.name))
        for network in observed.networks.values.sorted(by: { $0.name < $1.name }) {
            guard network.project == desired.project, !external.contains(network.name) else { continue }
            guard leavingIDs.isSuperset(of: network.users) else { continue }
            let place = PlanDraft.Place(.cleanup, rank: 0, name: network.name)
            let node = draft.add(.removeNetwork(name: network.name), at: place, because: .projectGoesDown)
            draft.order(node, after: network.users.compactMap { nodes.removals[$0] })
        }
        removeVolumes(removal, leavingIDs)
    }

    private mutating func removeContainers(_ leaving: [ObservedContainer]) {
        var stops: [String: [PlanDraft.Node]] = [:]
        var removals: [String: [PlanDraft.Node]] = [:]
        let reason = PlanReason.projectGoesDown
        for container in leaving.sorted(by: { ($0.name, $0.id) < ($1.name, $1.id) }) {
            // One-offs come first, with services whose dependencies are unknown.
            let rank = container.number == nil ? nil : graph.rank[container.service]
            let place = PlanDraft.Place(
                .teardown, rank: rank.map { graph.order.count - $0 } ?? 0, number: container.number ?? 0,
                name: container.name)
            if container.isUp {
                let stop = draft.add(.stop(container.replica, id: container.id), at: place, because: reason)
                stops[container.service, default: []].append(stop)
                nodes.stops[container.id] = stop
            }
            let remove = Action.remove(
                container.replica, id: container.id, anonymousVolumes: container.hasAnonymousVolumes)
            let node = draft.add(remove, at: place, because: reason)
            draft.order(node, after: nodes.stops[container.id])
            removals[container.service, default: []].append(node)
            nodes.removals[container.id] = node
        }
        orderSharers()
        for name in graph.order {
            for dependent in graph.dependents[name] ?? [] {
                for stop in stops[name] ?? [] { draft.order(stop, after: stops[dependent.service] ?? []) }
            }
        }
    }

    private mutating func removeVolumes(_ removal: Desired.Removal, _ leaving: Set<String>) {
        let external = Set(desired.volumes.values.filter(\.external).map(\.name))
        for volume in observed.volumes.values.sorted(by: { $0.name < $1.name }) {
            guard volume.project == desired.project, !external.contains(volume.name) else { continue }
            // Nobody can use an anonymous volume that lost its container; one in use is removed with its container.
            if volume.isAnonymous ? !volume.users.isEmpty : !removal.volumes { continue }
            guard leaving.isSuperset(of: volume.users) else { continue }
            let place = PlanDraft.Place(.cleanup, rank: 1, name: volume.name)
            let reason: PlanReason = volume.isAnonymous ? .containerIsGone : .volumesGoToo
            let node = draft.add(.removeVolume(name: volume.name), at: place, because: reason)
            draft.order(node, after: volume.users.compactMap { nodes.removals[$0] })
        }
    }
}
