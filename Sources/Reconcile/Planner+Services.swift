import ProjectModel

extension Planner {
    /// Says what becomes of every replica; a service's dependencies and namespace owners are decided before it.
    mutating func decideServices() {
        for name in graph.order {
            guard let service = services[name] else { continue }
            tasks[name] = decide(service)
        }
    }

    private func decide(_ service: DesiredService) -> [ReplicaTask] {
        let name = service.spec.name
        let (there, surplus) = slots(of: service)
        var result: [ReplicaTask] = []
        for container in there {
            result.append(decide(service, container))
        }
        let surplusReason = service.goal == .absent ? "not wanted any more" : "scale is \(service.scale)"
        for container in surplus {
            let reason = there.contains { $0.number == container.number } ? "another one has its number" : surplusReason
            result.append(
                ReplicaTask(replica: container.replica, existing: container, step: .remove(reason: reason)))
        }
        guard !service.isOrphan, [.created, .running, .paused].contains(service.goal) else { return result }
        guard let extent = scope.extent(of: name), extent >= .missing else { return result }
        var taken = Set(there.compactMap(\.number))
        var number = 1
        while taken.count < service.scale {
            // Unlike docker compose, a gap is filled: names stay short and the same after a removal by hand.
            if taken.insert(number).inserted {
                let step = ReplicaTask.Step.create(starts: service.goal != .created, reason: "no container")
                result.append(
                    ReplicaTask(replica: .numbered(service: name, number), existing: nil, step: step))
            }
            number += 1
        }
        return result
    }

    /// The containers that fill the service's places, and those too many: of one number all but the best, then the highest.
    private func slots(
        of service: DesiredService
    ) -> (there: [ObservedContainer], surplus: [ObservedContainer]) {
        guard let extent = scope.extent(of: service.spec.name), extent >= .missing || service.goal == .absent else {
            return (containers[service.spec.name] ?? [], [])
        }
        var there: [ObservedContainer] = []
        var surplus: [ObservedContainer] = []
        for container in containers[service.spec.name] ?? [] {
            guard let last = there.last, last.number == container.number else {
                there.append(container)
                continue
            }
            let isBetter = divergence(of: container, service) == nil && divergence(of: last, service) != nil
            surplus.append(isBetter ? last : container)
            if isBetter { there[there.count - 1] = container }
        }
        let wanted = service.goal == .absent ? 0 : service.isOrphan ? there.count : max(0, service.scale)
        surplus += there.dropFirst(wanted)
        return (Array(there.prefix(wanted)), surplus)
    }

    private func decide(_ service: DesiredService, _ container: ObservedContainer) -> ReplicaTask {
        var task = ReplicaTask(replica: container.replica, existing: container, step: .keep)
        if !service.isOrphan, service.goal != .stopped, let reason = divergence(of: container, service) {
            let renew = service.renewAnonymousVolumes && container.recreateRound < service.recreateRound
            task.step = .replace(starts: service.goal != .created, renewVolumes: renew, reason: reason)
            return task
        }
        guard scope.extent(of: service.spec.name) != nil else {
            if service.goal == .running, [.running, .restarting].contains(container.state),
                let cause = restartCause(service.spec)
            {
                task.step = .restart(spreads: true, reason: cause)
            }
            return task
        }
        switch service.goal {
        case .absent: task.step = .remove(reason: "not wanted any more")
        case .created: break
        case .running: task.step = stepToRunning(service, container)
        case .paused: task.step = stepToPaused(service, container)
        case .stopped: if container.isUp { task.step = .stop(reason: "should be stopped") }
        }
        return task
    }

    private func stepToRunning(_ service: DesiredService, _ container: ObservedContainer) -> ReplicaTask.Step {
        let isAsked = container.startRound < service.startRound
        if container.restartRound < service.restartRound {
            let reason = "restart asked for"
            return container.isUp ? .restart(spreads: false, reason: reason) : .start(reason: reason)
        }
        switch container.state {
        case .created: return service.isOrphan ? .keep : .start(reason: "created, not started")
        case .restarting where isAsked: return .start(reason: "start asked for")
        case .running, .restarting:
            return restartCause(service.spec).map { .restart(spreads: true, reason: $0) } ?? .keep
        case .paused:
            if container.isPausedByOthers, !isAsked {
                return service.spec.heal ? .unpause(reason: "paused by somebody else") : .keep
            }
            return .unpause(reason: "should run")
        case .exited:
            if isAsked { return .start(reason: "start asked for") }
            if container.stoppedByUs { return .start(reason: "was stopped, should run") }
            // It ended by itself: a matter of its restart policy.
            return .keep
        }
    }

    /// What has to start first is paused by the next plan, when it runs.
    private func stepToPaused(_ service: DesiredService, _ container: ObservedContainer) -> ReplicaTask.Step {
        switch container.state {
        case .created: service.isOrphan ? .keep : .start(reason: "created, not started")
        case .running: .pause(reason: "should be paused")
        case .exited where container.stoppedByUs: .start(reason: "was stopped, should be paused")
        case .exited, .paused, .restarting: .keep
        }
    }

    /// Why a running container must be restarted although it is as it should be.
    private func restartCause(_ spec: Service) -> String? {
        for need in graph.needs[spec.name] ?? [] {
            let dies = spec.joins.contains { $0.service == need.service && $0.endsWithOwner }
            let cause = tasks[need.service]?.first { task in
                dies ? task.isReplaced || task.isRestarted : need.restart && task.disturbsDependents
            }
            guard let cause else { continue }
            return "depends on \(need.service), which is " + (cause.isReplaced ? "recreated" : "restarted")
        }
        return nil
    }

    /// Why a container must be made anew; nil when it is as it should be, or when it is not this plan's to change.
    private func divergence(of container: ObservedContainer, _ service: DesiredService) -> String? {
        let spec = service.spec
        guard let extent = scope.extent(of: spec.name) else { return joinDivergence(of: container, spec) }
        guard extent == .whole else { return loss(spec) ?? joinDivergence(of: container, spec) }
        var found = divergences(from: container.spec, to: spec)
        if let divergence = imageDivergence(of: container, service) { found.insert(divergence, at: 0) }
        found += definitionDivergences(of: container, spec: spec)
        if !found.isEmpty { return found.reason }
        if container.recreateRound < service.recreateRound { return "recreation asked for" }
        return loss(spec) ?? joinDivergence(of: container, spec)
    }

    /// A network or volume that it cannot do without is made by this plan.
    private func loss(_ spec: Service) -> String? {
        for attachment in spec.networks {
            if let reason = objects.networkReasons[attachment.network] { return reason }
        }
        for key in spec.volumeKeys {
            if let reason = objects.volumeReasons[key] { return reason }
        }
        return nil
    }

    private func imageDivergence(of container: ObservedContainer, _ service: DesiredService) -> Divergence? {
        guard let reference = service.spec.image, container.spec.image == reference else { return nil }
        let wanted = service.pinnedImage ?? observed.images[reference]
        guard let wanted, wanted != container.imageID else { return nil }
        let change = Divergence.Change.changed(
            from: ShownValue.shortDigest(container.imageID), to: ShownValue.shortDigest(wanted))
        return Divergence("image", change)
    }

    /// A container that joined a namespace or took volumes over goes with the one it has them from. A service that the verb is
    /// not about follows only what this plan does.
    private func joinDivergence(of container: ObservedContainer, _ spec: Service) -> String? {
        let isTouched = scope.extent(of: spec.name) != nil
        for join in spec.joins {
            let owners = tasks[join.service] ?? []
            guard isTouched || owners.contains(where: \.isMade) else { continue }
            let survivors = owners.filter(\.survives).compactMap(\.existing?.id)
            let isJoined = container.joined.contains { survivors.contains($0) }
            // An unrecorded join counts as right until its owner goes.
            let isUnknown = container.joined.isEmpty && !survivors.isEmpty
            let isOwnerThere = !survivors.isEmpty || owners.contains { $0.isMade }
            if isOwnerThere, !isJoined, !isUnknown {
                return "\(join.field) service:\(join.service) has a new container"
            }
        }
        // New anonymous volumes, or others than before: who took them over takes the new ones.
        let owner = spec.volumeOwners.first { owner in (tasks[owner] ?? []).contains { $0.isReplaced } }
        return owner.map { "volumes_from \($0), which is recreated" }
    }
}
