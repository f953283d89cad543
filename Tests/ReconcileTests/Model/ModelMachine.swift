import ProjectModel
import Reconcile

/// A machine made of values: it does what a plan says, and complains about what a real one could not do or must not.
struct ModelMachine {
    var observed = Observed()
    /// What the plan may touch that is carried out.
    var scope = PlanScope.all
    /// Broken promises, in words.
    private(set) var complaints: [String] = []
    /// Containers that were ever made, so that ids are new.
    private var made = 0
    /// Made to take the place of one that is still there: by that one's id.
    private var successors: [String: ObservedContainer] = [:]
    /// Those whose place another one has and that are still there.
    private var replaced: [String: ObservedContainer] = [:]
    /// Those that run on while what is to take their place starts.
    private var beside: Set<String> = []
    /// What anonymous volumes hold, by container or by the id of a removed one whose successor is due.
    private var anonymousData: [String: Int] = [:]
    /// What the container that was removed last in a place held, until its successor is there.
    private var due: [String: Int] = [:]

    /// - Returns: whether the action ended well.
    mutating func carryOut(_ planned: PlannedAction, _ desired: Desired) -> Bool {
        switch planned.action {
        case .createNetwork(let key, let name): createNetwork(key, name, desired)
        case .repairNetwork(let name): observed.networks[name]?.damage = nil
        case .removeNetwork(let name):
            check(observed.networks[name]?.users.isEmpty ?? false, "\(planned): is used or not there")
            check(observed.networks[name]?.project == "demo", "\(planned): not ours")
            observed.networks[name] = nil
        case .createVolume(let key, let name):
            check(observed.volumes[name] == nil, "\(planned): is there")
            guard let definition = desired.volumes[key] else { return false }
            observed.volumes[name] = ObservedVolume(name: name, project: "demo", key: key, definition: definition)
        case .removeVolume(let name): removeVolume(name, planned, desired)
        case .create(let replica, let replaced): return create(replica, replaced, desired)
        case .createNext(let replica, let old, let isBeside):
            if isBeside { beside.insert(old) }
            return create(replica, old, desired)
        case .withdraw(_, let id):
            check(all(id)?.isRunningSomehow == true, "\(planned): does not run")
        case .watch(_, nil): break
        case .watch(_, let old?): check(heir(of: old)?.state != .created, "\(planned): was not started")
        case .admit(_, nil):
            for index in observed.containers.indices { observed.containers[index].isAside = false }
        case .admit(let replica, let old?): if beside.remove(old) != nil { _ = takePlace(replica, stillRuns: true) }
        case .rest: break
        case .start(let replica, nil) where besideSuccessor(replica) != nil: startBeside(replica, desired)
        case .start(let replica, let existing): return start(replica, existing, desired)
        case .stop(_, let id):
            edit(id, planned) { container in
                container.state = .exited
                container.exitCode = 143
                container.stoppedByUs = true
                container.health = nil
            }
        case .remove(let replica, let id, let anonymous): remove(replica, id, anonymous, planned, desired)
        case .pause(_, let id): edit(id, planned) { $0.state = .paused }
        case .unpause(let replica, let id):
            let round = desired.service(replica.service)?.startRound ?? 0
            edit(id, planned) { container in
                container.state = .running
                container.isPausedByOthers = false
                container.startRound = round
            }
        case .detach(_, let id, let key, let network):
            adjust(id, planned) { $0.template.networks.removeAll { $0.network == key } }
            observed.networks[network]?.users.removeAll { $0 == id }
        case .attach(let replica, let id, let key, let network):
            check(observed.networks[network] != nil, "\(planned): network is not there")
            observed.networks[network]?.users.append(id)
            let wanted = desired.service(replica.service)?.spec.networks.first { $0.network == key }
            adjust(id, planned) { container in
                if let wanted { container.template.networks.append(wanted) }
                container.networks[key] = desired.networks[key]
            }
        case .update(let replica, let id):
            guard let wanted = desired.service(replica.service) else { return false }
            let made = observed.containers.first { $0.id == id }?.template.networks.map(\.network)
            check(made?.sorted() == wanted.spec.networks.map(\.network).sorted(), "\(planned): its networks differ")
            adjust(id, planned) { $0.template = wanted.spec.template }
        case .wait(let service, let condition, let required):
            return holds(condition, service) || !required
        }
        return true
    }

    /// What a plan that broke off made for nothing is taken away before the next one.
    mutating func discardSuccessors() {
        for successor in successors.values { forget(successor.id) }
        successors = [:]
        for id in replaced.keys { forget(id) }
        replaced = [:]
        beside = []
    }

    private func all(_ id: String) -> ObservedContainer? { replaced[id] ?? observed.containers.first { $0.id == id } }

    private func heir(of old: String) -> ObservedContainer? {
        if let waiting = successors[old] { return waiting }
        guard let replica = replaced[old]?.replica else { return nil }
        return observed.containers.first { $0.replica == replica }
    }

    private func besideSuccessor(_ replica: Replica) -> String? {
        successors.first { $0.value.replica == replica && beside.contains($0.key) }?.key
    }

    private mutating func startBeside(_ replica: Replica, _ desired: Desired) {
        guard let old = besideSuccessor(replica), let service = desired.service(replica.service) else { return }
        check(all(old)?.isRunningSomehow == true, "start \(replica): the one beside it does not run")
        successors[old]?.state = .running
        successors[old]?.health = service.spec.healthcheck == nil ? nil : .healthy
        successors[old]?.startRound = service.startRound
        successors[old]?.restartRound = service.restartRound
    }

    /// The container of a replica that is about to start: what was made last, in the place of the old one from now on.
    private mutating func takePlace(
        _ replica: Replica, stillRuns: Bool = false
    ) -> (old: ObservedContainer, new: ObservedContainer)? {
        guard let (id, new) = successors.first(where: { $0.value.replica == replica }),
            let index = observed.containers.firstIndex(where: { $0.id == id })
        else { return nil }
        let old = observed.containers[index]
        check(old.isRunningSomehow == stillRuns, "start \(replica): the one before it runs, or does not")
        observed.containers[index] = new
        successors[id] = nil
        replaced[id] = old
        return (old, new)
    }

    func holds(_ condition: Action.Condition, _ service: String) -> Bool {
        observed.containers.filter { $0.service == service && $0.number != nil }.allSatisfy { container in
            switch condition {
            case .started: container.state != .created
            case .healthy: container.health == .healthy
            case .completed: container.state == .exited && container.exitCode == 0
            }
        }
    }

    mutating func complain(_ complaint: String) { complaints.append(complaint) }

    private mutating func check(_ holds: Bool, _ complaint: @autoclosure () -> String) {
        if !holds { complaints.append(complaint()) }
    }

    private mutating func edit(_ id: String, _ planned: PlannedAction, _ change: (inout ObservedContainer) -> Void) {
        if var old = replaced[id] {
            check(old.isRunningSomehow, "\(planned): does not run")
            change(&old)
            replaced[id] = old
            return
        }
        guard let index = observed.containers.firstIndex(where: { $0.id == id }) else {
            complaints.append("\(planned): no such container")
            return
        }
        check(observed.containers[index].isRunningSomehow, "\(planned): does not run")
        change(&observed.containers[index])
    }

    private mutating func adjust(_ id: String, _ planned: PlannedAction, _ change: (inout ObservedContainer) -> Void) {
        guard let index = observed.containers.firstIndex(where: { $0.id == id }) else {
            complaints.append("\(planned): no such container")
            return
        }
        var container = observed.containers[index]
        change(&container)
        observed.containers[index] = container
    }

    private mutating func createNetwork(_ key: String, _ name: String, _ desired: Desired) {
        check(observed.networks[name] == nil, "create network \(name): is there")
        guard let definition = desired.networks[key] else { return }
        check(!definition.external, "create network \(name): is external")
        observed.networks[name] = ObservedNetwork(name: name, project: "demo", key: key, definition: definition)
    }

    private mutating func removeVolume(_ name: String, _ planned: PlannedAction, _ desired: Desired) {
        guard let volume = observed.volumes[name] else {
            complaints.append("\(planned): not there")
            return
        }
        check(volume.users.isEmpty, "\(planned): is used")
        check(volume.project == "demo", "\(planned): not ours")
        let isAllowed =
            planned.needsConsent == name || desired.removal?.volumes == true
            || (desired.removal != nil && volume.isAnonymous)
        check(isAllowed, "\(planned): data lost without consent")
        observed.volumes[name] = nil
        guard volume.isAnonymous, let place = observed.predecessors.first(where: { "anon-\($0.value)" == name })?.key
        else { return }
        observed.predecessors[place] = nil
        due[place] = nil
    }

    private mutating func create(_ replica: Replica, _ replaced: String?, _ desired: Desired) -> Bool {
        guard let service = desired.service(replica.service), case .numbered(let name, let number) = replica else {
            return false
        }
        let spec = service.spec
        let fullName = spec.replicaName(replica, in: "demo")
        let old = observed.containers.first { $0.id == replaced }
        check(
            !observed.containers.contains { $0.name == fullName && $0.id != replaced }, "create \(replica): name taken")
        made += 1
        var container = ObservedContainer(
            id: "c\(made)", name: fullName, owner: .replica(project: desired.project, service: name, number: number),
            template: spec.template,
            imageID: service.pinnedImage ?? spec.image.flatMap { observed.images[$0] } ?? "sha256:none", state: .created
        )
        container.networks = desired.networks
        container.volumes = desired.volumes
        container.recreateRound = service.recreateRound
        container.restartRound = service.restartRound
        container.startRound = service.startRound
        guard attach(&container, replica, desired) else { return false }
        container.hasAnonymousVolumes = spec.volumes.contains { mount in
            if case .volume(source: nil, _, _) = mount.kind { true } else { false }
        }
        if container.hasAnonymousVolumes, let old {
            let renews = service.renewAnonymousVolumes && old.recreateRound < service.recreateRound
            anonymousData[container.id] = (renews ? nil : anonymousData[old.id]) ?? made
        } else if container.hasAnonymousVolumes {
            let carried = replaced.flatMap { anonymousData.removeValue(forKey: $0) }
            anonymousData[container.id] = carried ?? made
            if let due = due[replica.description] { check(carried == due, "create \(replica): anonymous data lost") }
        }
        due[replica.description] = nil
        if let old = observed.predecessors.removeValue(forKey: replica.description) {
            observed.volumes["anon-\(old)"] = nil
        }
        if let old {
            successors[old.id] = container
        } else {
            observed.containers.append(container)
        }
        return true
    }

    /// Networks, volumes and the namespaces of others.
    private mutating func attach(
        _ container: inout ObservedContainer, _ replica: Replica, _ desired: Desired
    ) -> Bool {
        for attachment in container.template.networks {
            guard let name = desired.networks[attachment.network]?.name else { continue }
            check(observed.networks[name] != nil, "create \(replica): network \(name) is not there")
            observed.networks[name]?.users.append(container.id)
        }
        for case .volume(let key?, _, _) in container.template.volumes.map(\.kind) {
            guard let name = desired.volumes[key]?.name else { continue }
            check(observed.volumes[name] != nil, "create \(replica): volume \(name) is not there")
            observed.volumes[name]?.users.append(container.id)
        }
        guard case .service(let owner) = container.template.networkMode else { return true }
        // An owner that nobody wants is the file's mistake, not the plan's.
        let made = successors.values.first { $0.service == owner }
        guard let other = made ?? observed.containers.first(where: { $0.service == owner }) else { return false }
        container.joined = [other.id]
        return true
    }

    private mutating func start(_ replica: Replica, _ existing: String?, _ desired: Desired) -> Bool {
        let change = existing == nil ? takePlace(replica) : nil
        let isDone = startHolder(replica, existing, desired)
        guard !isDone, let change, let index = observed.containers.firstIndex(where: { $0.id == change.new.id }) else {
            return isDone
        }
        // It comes back.
        observed.containers[index] = change.old
        replaced[change.old.id] = nil
        successors[change.old.id] = change.new
        return false
    }

    private mutating func startHolder(_ replica: Replica, _ existing: String?, _ desired: Desired) -> Bool {
        let index = observed.containers.firstIndex { container in
            guard case .numbered(let service, let number) = replica else { return false }
            return existing.map { container.id == $0 } ?? (container.service == service && container.number == number)
        }
        guard let index, let service = desired.service(replica.service) else {
            complaints.append("start \(replica): no container")
            return false
        }
        let container = observed.containers[index]
        check(!container.isRunningSomehow, "start \(replica): runs already")
        for port in container.template.ports.compactMap(\.published) {
            let holder = observed.containers.first { other in
                other.isRunningSomehow && other.id != container.id
                    && other.template.ports.contains { $0.published == port }
            }
            guard let holder else { continue }
            // Two that want one port are the file's mistake, found by preflight.
            let theirs = desired.service(holder.service)
            if let theirs, !theirs.isOrphan, theirs.goal == .running {
                check(
                    theirs.spec.ports.contains { $0.published == port }, "start \(replica): \(holder.name) has its port"
                )
            }
            return false
        }
        for need in service.spec.dependsOn where need.required {
            guard let other = desired.service(need.service), other.goal == .running, !other.isOrphan,
                let extent = scope.extent(of: need.service), extent > .existing
            else { continue }
            // One too many that was never started may be removed later.
            let started = observed.containers.filter { $0.service == need.service && $0.state != .created }.count
            // What is only to exist, since `create` asked for no more, is not waited for.
            let awaited = (0..<max(0, other.scale)).filter { other.goal(of: $0 + 1) == .running }.count
            check(started >= awaited, "start \(replica): \(need.service) is not started")
        }
        let isJob = container.template.command == ["job"]
        observed.containers[index].state = isJob ? .exited : .running
        observed.containers[index].exitCode = isJob ? 0 : nil
        observed.containers[index].health = container.template.healthcheck == nil ? nil : .healthy
        observed.containers[index].stoppedByUs = false
        observed.containers[index].isPausedByOthers = false
        observed.containers[index].startRound = service.startRound
        observed.containers[index].restartRound = service.restartRound
        return true
    }

    private mutating func remove(
        _ replica: Replica, _ id: String, _ anonymous: Bool, _ planned: PlannedAction, _ desired: Desired
    ) {
        let isReplacedAlready = replaced[id] != nil
        guard let container = replaced.removeValue(forKey: id) ?? observed.containers.first(where: { $0.id == id })
        else {
            complaints.append("\(planned): no such container")
            return
        }
        check(!container.isRunningSomehow, "\(planned): runs")
        // An orphan is left alone whatever becomes of the one whose namespace it is in, and who asks for an owner alone to
        // go gets what was asked for.
        let owner = desired.service(replica.service)
        let isReplaced = owner?.isOrphan == false && owner?.goal != .absent && owner?.scale != 0
        let sharer =
            !isReplaced
            ? nil
            : observed.containers.first { other in
                other.joined.contains(id) && other.isRunningSomehow && desired.service(other.service)?.isOrphan == false
            }
        check(sharer == nil, "\(planned): \(sharer?.name ?? "") runs in its namespace")
        forget(id)
        if isReplacedAlready, let heir = observed.containers.first(where: { $0.replica == replica }) {
            if !anonymous, let data = anonymousData[id], heir.hasAnonymousVolumes {
                check(anonymousData[heir.id] == data, "\(planned): anonymous data lost")
            }
            anonymousData[id] = nil
            return
        }
        if let successor = successors.removeValue(forKey: id) {
            observed.containers.append(successor)
            if !anonymous, let data = anonymousData[id], successor.hasAnonymousVolumes {
                check(anonymousData[successor.id] == data, "\(planned): anonymous data lost")
            }
            anonymousData[id] = nil
            return
        }
        if container.hasAnonymousVolumes, !anonymous {
            let place = replica.description
            observed.predecessors[place] = id
            due[place] = anonymousData[id]
            var volume = ObservedVolume(
                name: "anon-\(id)", project: "demo", key: nil, definition: VolumeDefinition(name: "anon-\(id)"))
            volume.isAnonymous = true
            observed.volumes[volume.name] = volume
        } else {
            anonymousData[id] = nil
        }
    }

    /// The container is gone, by whoever.
    mutating func forget(_ id: String) {
        observed.containers.removeAll { $0.id == id }
        for name in observed.networks.keys { observed.networks[name]?.users.removeAll { $0 == id } }
        for name in observed.volumes.keys { observed.volumes[name]?.users.removeAll { $0 == id } }
    }
}

extension ObservedContainer {
    fileprivate var replica: Replica {
        number.map { .numbered(service: service, $0) } ?? .oneOff(service: service, name: name)
    }

    fileprivate var isRunningSomehow: Bool { [.running, .paused, .restarting].contains(state) }
}
