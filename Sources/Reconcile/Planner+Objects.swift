import ProjectModel

/// The decisions about networks and volumes, by key in the file.
struct PlannedObjects {
    /// The node after which a container that uses it may be created or started.
    var networks: [String: PlanDraft.Node] = [:]
    var volumes: [String: PlanDraft.Node] = [:]
    /// Why containers that use it must be replaced.
    var networkReasons: [String: PlanReason] = [:]
    var volumeReasons: [String: PlanReason] = [:]
    /// Removals that come after those of the containers that use it.
    var removals: [(node: PlanDraft.Node, users: [String])] = []
    /// Keys of objects that are removed and created again.
    var replacedNetworks: Set<String> = []
    var replacedVolumes: Set<String> = []
    /// Keys of objects that stay as they are on the machine although the file differs.
    var settledNetworks: Set<String> = []
    var settledVolumes: Set<String> = []
}

extension Planner {
    /// Networks, then volumes, each by key: only those that a service with a goal above `absent` uses. For services that the verb
    /// only starts or stops, only those without which they cannot run.
    mutating func planObjects() {
        var networkUsers: [String: [String]] = [:]
        var volumeUsers: [String: [String]] = [:]
        for service in desired.services where service.goal != .absent && !service.isOrphan && service.scale > 0 {
            guard let extent = scope.extent(of: service.spec.name), extent > .existing || service.wantsRunning
            else {
                continue
            }
            for attachment in service.spec.networks {
                networkUsers[attachment.network, default: []].append(service.spec.name)
            }
            for key in service.spec.volumeKeys { volumeUsers[key, default: []].append(service.spec.name) }
        }
        for single in desired.singles where [.running, .created, .paused].contains(single.wish.goal) {
            guard scope.contains(single: single.id) else { continue }
            for attachment in single.template.networks {
                networkUsers[attachment.network, default: []].append("\(single.replica)")
            }
            for key in single.template.volumeKeys { volumeUsers[key, default: []].append("\(single.replica)") }
        }
        for (key, users) in networkUsers.sorted(by: { $0.key < $1.key }) { planNetwork(key, users: users) }
        for (key, users) in volumeUsers.sorted(by: { $0.key < $1.key }) { planVolume(key, users: users) }
    }

    private mutating func planNetwork(_ key: String, users: [String]) {
        guard let wanted = desired.networks[key] else { return }
        let place = PlanDraft.Place(.objects, rank: 0, name: key)
        guard let network = observed.networks[wanted.name] else {
            guard !wanted.external else { return }
            let create = Action.createNetwork(key: key, name: wanted.name)
            objects.networks[key] = draft.add(create, at: place, because: .usedBy(users))
            objects.networkReasons[key] = .networkGone(wanted.name)
            return
        }
        let isOurs = network.project == desired.project
        let changes = wanted.shapeDivergences(from: network.definition, field: "networks.\(key)")
        if !wanted.external, isOurs, !changes.isEmpty,
            canBeReplaced(network.users, { spec in spec.networks.contains { $0.network == key } })
        {
            let removal = draft.add(.removeNetwork(name: network.name), at: place, because: changes.reason)
            let creation = draft.add(
                .createNetwork(key: key, name: network.name), at: place, because: changes.reason)
            draft.order(creation, after: removal)
            objects.removals.append((removal, network.users))
            objects.networks[key] = creation
            objects.networkReasons[key] = changes.reason
            objects.replacedNetworks.insert(key)
            return
        }
        if !changes.isEmpty { objects.settledNetworks.insert(key) }
        if let damage = network.damage, isOurs || network.project == nil {
            objects.networks[key] = draft.add(.repairNetwork(name: network.name), at: place, because: .damaged(damage))
        }
    }

    private mutating func planVolume(_ key: String, users: [String]) {
        guard let wanted = desired.volumes[key] else { return }
        let place = PlanDraft.Place(.objects, rank: 1, name: key)
        guard let volume = observed.volumes[wanted.name] else {
            guard !wanted.external else { return }
            let create = Action.createVolume(key: key, name: wanted.name)
            objects.volumes[key] = draft.add(create, at: place, because: .usedBy(users))
            objects.volumeReasons[key] = .volumeGone(wanted.name)
            return
        }
        let changes = wanted.shapeDivergences(from: volume.definition, field: "volumes.\(key)")
        guard !changes.isEmpty else { return }
        let isOurs = volume.project == desired.project && !volume.isAnonymous
        guard !wanted.external, isOurs, !kept.contains(volume.name),
            canBeReplaced(volume.users, { $0.volumeKeys.contains(key) })
        else {
            objects.settledVolumes.insert(key)
            return
        }
        let removal = draft.add(
            .removeVolume(name: volume.name), at: place, because: changes.reason, consent: volume.name)
        let creation = draft.add(.createVolume(key: key, name: volume.name), at: place, because: changes.reason)
        draft.order(creation, after: removal)
        objects.removals.append((removal, volume.users))
        objects.volumes[key] = creation
        objects.volumeReasons[key] = changes.reason
        objects.replacedVolumes.insert(key)
    }

    /// Whether this plan replaces or removes every container in `users`, so that it can replace the object too. It does not
    /// replace a container that is attached although its definition does not say so.
    private func canBeReplaced(_ users: [String], _ uses: (ContainerTemplate) -> Bool) -> Bool {
        users.allSatisfy { id in
            guard let container = containersByID[id], container.number != nil,
                let service = services[container.service], scope.extent(of: container.service) == .whole
            else { return false }
            if service.goal == .absent { return true }
            return !service.isOrphan && service.goal(of: container.number ?? 0) != .stopped
                && (uses(container.template) || uses(service.spec.template))
        }
    }
}

extension ContainerTemplate {
    /// Keys of top-level volumes that it mounts, in order.
    var volumeKeys: [String] {
        volumes.compactMap { mount in
            guard case .volume(let source?, _, _) = mount.kind else { return nil }
            return source
        }
    }
}
