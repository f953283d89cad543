import ProjectModel

/// Plans one-offs and containers of no project: each has its own desired state.
extension Planner {
    mutating func emitSingles() {
        for single in desired.singles where scope.contains(single: single.id) {
            if let container = containersByID[single.id] {
                emit(single, container)
            } else if [.created, .running, .paused].contains(single.wish.goal) {
                emitMaking(single)
            }
        }
    }

    private func place(_ single: DesiredContainer, _ section: PlanDraft.Place.Section = .services) -> PlanDraft.Place {
        // Plan it after the services on which it may depend.
        PlanDraft.Place(section, rank: graph.order.count, name: "\(single.replica)")
    }

    private mutating func emitMaking(_ single: DesiredContainer) {
        let reason = PlanReason.askedFor
        let create = draft.add(.create(single.replica, replacing: nil), at: place(single), because: reason)
        draft.order(create, after: single.template.networks.compactMap { objects.networks[$0.network] })
        draft.order(create, after: single.template.volumeKeys.compactMap { objects.volumes[$0] })
        for owner in single.template.creationOwners { draft.order(create, after: nodes.creations[owner] ?? []) }
        guard single.wish.goal != .created else { return }
        let ready = readiness(of: single.dependsOn, for: "\(single.replica)", isRestart: false)
        let start = draft.add(.start(single.replica, existing: nil), at: place(single), because: reason)
        draft.order(start, after: create)
        draft.order(start, after: ready)
    }

    private mutating func emit(_ single: DesiredContainer, _ container: ObservedContainer) {
        let (replica, id, wish) = (single.replica, single.id, single.wish)
        switch wish.goal {
        case .created: break
        case .absent:
            let reason = PlanReason.notWanted
            let place = place(single, .teardown)
            let stop = container.isUp ? draft.add(.stop(replica, id: id), at: place, because: reason) : nil
            let volumes = container.hasAnonymousVolumes && !wish.keepsAnonymousVolumes
            let removal = draft.add(.remove(replica, id: id, anonymousVolumes: volumes), at: place, because: reason)
            draft.order(removal, after: stop)
        case .stopped:
            guard container.isUp else { return }
            _ = draft.add(.stop(replica, id: id), at: place(single, .teardown), because: .shouldBeStopped)
        case .running, .paused: emitRunning(single, container)
        }
    }

    private mutating func emitRunning(_ single: DesiredContainer, _ container: ObservedContainer) {
        let (replica, id, wish) = (single.replica, single.id, single.wish)
        let isAsked = container.startRound < wish.startRound
        if container.restartRound < wish.restartRound {
            let reason = PlanReason.restartAskedFor
            let stop =
                container.isUp
                ? draft.add(.stop(replica, id: id), at: place(single, .teardown), because: reason) : nil
            return emitStart(single, after: stop, because: reason)
        }
        switch container.state {
        case .created: emitStart(single, after: nil, because: .notStarted)
        case .exited where isAsked, .restarting where isAsked: emitStart(single, after: nil, because: .startAskedFor)
        case .exited where container.stoppedByUs: emitStart(single, after: nil, because: .wasStoppedShouldRun)
        case .running where wish.goal == .paused:
            _ = draft.add(.pause(replica, id: id), at: place(single), because: .shouldBePaused)
        case .paused where wish.goal == .running && (!container.isPausedByOthers || isAsked):
            _ = draft.add(.unpause(replica, id: id), at: place(single), because: .shouldRun)
        // Its restart policy decides about a container that ended by itself.
        case .exited, .restarting, .running, .paused: break
        }
    }

    private mutating func emitStart(_ single: DesiredContainer, after stop: PlanDraft.Node?, because reason: PlanReason)
    {
        let start = draft.add(.start(single.replica, existing: single.id), at: place(single), because: reason)
        draft.order(start, after: stop)
        draft.order(start, after: single.template.networks.compactMap { objects.networks[$0.network] })
    }
}
