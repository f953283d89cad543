import ProjectModel

extension Planner {
    /// Decides what happens to every replica. Dependencies and namespace owners of a service come before it.
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
        for container in surplus {
            let isUnwanted = service.goal(of: container.number ?? 0) == .absent
            let surplusReason: PlanReason = isUnwanted ? .notWanted : .scale(service.scale)
            let reason = there.contains { $0.number == container.number } ? .numberTaken : surplusReason
            result.append(
                ReplicaTask(replica: container.replica, existing: container, step: .remove(reason: reason)))
        }
        guard !service.isOrphan, service.goal != .absent else { return result }
        guard let extent = scope.extent(of: name), extent >= .missing else { return result }
        var taken = Set(there.compactMap(\.number)).union(service.absentNumbers)
        var number = 1
        while taken.count < service.scale {
            // Unlike docker compose, fill gaps, so that names stay short and stable after a manual removal.
            let goal = service.goal(of: number)
            if taken.insert(number).inserted, [.created, .running, .paused].contains(goal) {
                let step = ReplicaTask.Step.create(starts: goal != .created, reason: .noContainer)
                result.append(
                    ReplicaTask(replica: .numbered(service: name, number), existing: nil, step: step))
            }
            number += 1
        }
        return result
    }

    /// The containers to keep, and the surplus ones: all but the best container of a number, then the highest numbers.
    private func slots(
        of service: DesiredService
    ) -> (there: [ObservedContainer], surplus: [ObservedContainer]) {
        guard let extent = scope.extent(of: service.spec.name), extent >= .missing || service.goal == .absent else {
            let absent = service.absentNumbers
            let all = containers[service.spec.name] ?? []
            return (all.filter { !absent.contains($0.number ?? 0) }, all.filter { absent.contains($0.number ?? 0) })
        }
        var there: [ObservedContainer] = []
        var surplus: [ObservedContainer] = []
        let absent = service.absentNumbers
        for container in containers[service.spec.name] ?? [] {
            if let number = container.number, absent.contains(number) {
                surplus.append(container)
                continue
            }
            guard let last = there.last, last.number == container.number else {
                there.append(container)
                continue
            }
            let isBetter = deviation(of: container, service) == nil && deviation(of: last, service) != nil
            surplus.append(isBetter ? last : container)
            if isBetter { there[there.count - 1] = container }
        }
        let wanted = service.goal == .absent ? 0 : service.isOrphan ? there.count : max(0, service.scale - absent.count)
        surplus += there.dropFirst(wanted)
        return (Array(there.prefix(wanted)), surplus)
    }

    private func decide(_ service: DesiredService, _ container: ObservedContainer) -> ReplicaTask {
        var task = ReplicaTask(replica: container.replica, existing: container, step: .keep)
        let goal = service.goal(of: container.number ?? 0)
        if !service.isOrphan, goal != .stopped {
            switch deviation(of: container, service) {
            case nil: break
            case .anew(let reason):
                let renew = service.renewAnonymousVolumes && container.recreateRound < service.recreateRound
                task.step = .replace(starts: goal != .created, renewVolumes: renew, reason: reason)
                return task
            case .inPlace(let adjustment): if goal != .absent { task.adjustment = adjustment }
            }
        }
        guard scope.extent(of: service.spec.name) != nil else {
            if goal == .running, [.running, .restarting].contains(container.state),
                let cause = restartCause(service.spec)
            {
                task.step = .restart(spreads: true, reason: cause)
            }
            return task
        }
        switch goal {
        case .absent: task.step = .remove(reason: .notWanted)
        case .created: break
        case .running: task.step = stepToRunning(service, container)
        case .paused: task.step = stepToPaused(service, container)
        case .stopped: if container.isUp { task.step = .stop(reason: .shouldBeStopped) }
        }
        return task
    }

    private func stepToRunning(_ service: DesiredService, _ container: ObservedContainer) -> ReplicaTask.Step {
        let isAsked = container.startRound < service.startRound(of: container.number ?? 0)
        if container.restartRound < service.restartRound(of: container.number ?? 0) {
            let reason = PlanReason.restartAskedFor
            return container.isUp ? .restart(spreads: false, reason: reason) : .start(reason: reason)
        }
        switch container.state {
        case .created: return service.isOrphan ? .keep : .start(reason: .notStarted)
        case .restarting where isAsked: return .start(reason: .startAskedFor)
        case .running, .restarting:
            return restartCause(service.spec).map { .restart(spreads: true, reason: $0) } ?? .keep
        case .paused:
            if container.isPausedByOthers, !isAsked {
                return service.spec.heal ? .unpause(reason: .pausedByOthers) : .keep
            }
            return .unpause(reason: .shouldRun)
        case .exited:
            if isAsked { return .start(reason: .startAskedFor) }
            if container.stoppedByUs { return .start(reason: .wasStoppedShouldRun) }
            // It ended by itself, so its restart policy decides.
            return .keep
        }
    }

    /// A container that must start first is paused by the next plan, once it runs.
    private func stepToPaused(_ service: DesiredService, _ container: ObservedContainer) -> ReplicaTask.Step {
        switch container.state {
        case .created: service.isOrphan ? .keep : .start(reason: .notStarted)
        case .running: .pause(reason: .shouldBePaused)
        case .exited where container.stoppedByUs: .start(reason: .wasStoppedShouldBePaused)
        case .exited, .paused, .restarting: .keep
        }
    }

    /// Why a running container must be restarted although its template has not changed.
    private func restartCause(_ spec: Service) -> PlanReason? {
        for need in graph.needs[spec.name] ?? [] {
            let dies = spec.joins.contains { $0.service == need.service && $0.endsWithOwner }
            let cause = tasks[need.service]?.first { task in
                dies ? task.isReplaced || task.isRestarted : need.restart && task.disturbsDependents
            }
            guard let cause else { continue }
            return cause.isReplaced ? .dependencyRecreated(need.service) : .dependencyRestarted(need.service)
        }
        return nil
    }

    /// How a container differs from its desired state; nil if it does not, or if this plan may not change it.
    private func deviation(of container: ObservedContainer, _ service: DesiredService) -> Deviation? {
        let spec = service.spec
        guard let extent = scope.extent(of: spec.name) else {
            return joinDivergence(of: container, spec).map { .anew($0) }
        }
        let loss = self.loss(spec) ?? joinDivergence(of: container, spec)
        guard extent == .whole, service.isUpdatePaused != true else { return loss.map { .anew($0) } }
        var found = divergences(from: container.template, to: spec.template)
        if let divergence = imageDivergence(of: container, service) { found.insert(divergence, at: 0) }
        found += definitionDivergences(of: container, spec: spec)
        let isAsked = container.recreateRound < service.recreateRound
        guard !found.isEmpty else { return isAsked ? .anew(.recreationAskedFor) : loss.map { .anew($0) } }
        // A network that this plan creates for it does not count as missing.
        let joined = Set(
            container.template.networks.map(\.network).filter { key in
                container.networks[key].map { $0.name == desired.networks[key]?.name } ?? true
            })
        let isWhole = self.loss(spec, of: joined) == nil && joinDivergence(of: container, spec) == nil
        if !isAsked, isWhole, found.allSatisfy(\.isInPlace),
            let adjustment = adjustment(of: container, to: spec, found)
        {
            return .inPlace(adjustment)
        }
        return .anew(found.reason)
    }

    /// This plan creates a network or volume that it needs.
    private func loss(_ spec: Service, of networks: Set<String>? = nil) -> PlanReason? {
        for attachment in spec.networks where networks?.contains(attachment.network) != false {
            if let reason = objects.networkReasons[attachment.network] { return reason }
        }
        for key in spec.volumeKeys {
            if let reason = objects.volumeReasons[key] { return reason }
        }
        return nil
    }

    private func imageDivergence(of container: ObservedContainer, _ service: DesiredService) -> Divergence? {
        guard let reference = service.spec.image, container.template.image == reference else { return nil }
        let wanted = service.pinnedImage ?? observed.images[reference]
        guard let wanted, wanted != container.imageID else { return nil }
        let change = Divergence.Change.changed(
            from: ShownValue.shortDigest(container.imageID), to: ShownValue.shortDigest(wanted))
        return Divergence("image", change)
    }

    /// A container that joined a namespace or uses `volumes_from` is replaced together with the owner. If the verb does not name its
    /// service, the service follows only what this plan does.
    private func joinDivergence(of container: ObservedContainer, _ spec: Service) -> PlanReason? {
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
                return .namespaceReplaced(field: join.field, service: join.service)
            }
        }
        // The owner gets other anonymous volumes than before, so containers that use them must be replaced.
        let owner = spec.volumeOwners.first { owner in (tasks[owner] ?? []).contains { $0.isReplaced } }
        return owner.map { .volumesReplaced(service: $0) }
    }
}
