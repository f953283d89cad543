import ProjectModel

/// The actions that turn `observed` into `desired`, each with its reason; none if there is nothing to do.
///
/// `kept` are full names of volumes whose data must stay, because nobody agreed to lose it. The plan leaves out changes that
/// would lose it, and the users of these volumes stay as they are. `scope` says what the verb may touch.
package func plan(
    desired: Desired, observed: Observed, keeping kept: Set<String> = [], in scope: PlanScope = .all
) -> Plan {
    var planner = Planner(desired: desired, observed: observed, kept: kept, scope: scope)
    if let removal = desired.removal {
        planner.planRemoval(removal)
    } else {
        planner.planObjects()
        planner.decideServices()
        planner.emitServices()
        planner.emitSingles()
    }
    return planner.draft.finished()
}

/// The two inputs of planning, and the decisions so far.
///
/// There are two passes. `decideServices` decides what happens to each replica (a `ReplicaTask`), dependencies first;
/// `emitServices` creates the actions and the edges between them. A replacement is created before the old container stops, so a
/// failed creation changes nothing. The old container is removed after the new one has started, so it can come back if the
/// start fails. The old container goes first only if the new one needs something that it holds. So a plan has no cycles: what
/// is created first does not wait for a removal.
struct Planner {
    let desired: Desired
    let observed: Observed
    let kept: Set<String>
    let scope: PlanScope
    let graph: DependencyGraph
    let services: [String: DesiredService]
    /// Numbered containers by service, sorted by number; of two with one number the newer definition comes first.
    let containers: [String: [ObservedContainer]]
    let containersByID: [String: ObservedContainer]

    var draft = PlanDraft()
    /// By service, in the order of numbers.
    var tasks: [String: [ReplicaTask]] = [:]
    var objects = PlannedObjects()
    var nodes = PlannedNodes()

    /// Nodes that later actions wait for.
    struct PlannedNodes {
        var stops: [String: PlanDraft.Node] = [:]
        var removals: [String: PlanDraft.Node] = [:]
        /// By service.
        var creations: [String: [PlanDraft.Node]] = [:]
        var starts: [String: [PlanDraft.Node]] = [:]
        var waits: [Wait: PlanDraft.Node] = [:]
        /// By container: the networks and other things that it releases while it runs on, and all its changes in place.
        var detachments: [String: [PlanDraft.Node]] = [:]
        var updates: [String: PlanDraft.Node] = [:]
        var adjustments: [String: [PlanDraft.Node]] = [:]
        /// Services in which a container must go before its replacement is created.
        var leavingFirst: Set<String> = []
        /// Containers that must be gone before something else can be created.
        var awaitedRemovals: Set<String> = []
        /// Stops for which the start of another container waits.
        var awaitedStops: Set<PlanDraft.Node> = []
    }

    struct Wait: Hashable {
        let service: String
        let condition: Action.Condition
        let required: Bool
    }

    init(desired: Desired, observed: Observed, kept: Set<String>, scope: PlanScope) {
        self.desired = desired
        self.observed = observed
        self.kept = kept
        self.scope = scope
        graph = DependencyGraph(services: desired.services.map(\.spec))
        services = Dictionary(desired.services.map { ($0.spec.name, $0) }) { first, _ in first }
        var grouped: [String: [ObservedContainer]] = [:]
        for container in observed.containers where container.number != nil {
            grouped[container.service, default: []].append(container)
        }
        containers = grouped.mapValues { group in
            group.sorted { ($0.number ?? 0, $0.id) < ($1.number ?? 0, $1.id) }
        }
        containersByID = Dictionary(observed.containers.map { ($0.id, $0) }) { first, _ in first }
    }
}

/// The decision about one replica.
struct ReplicaTask {
    let replica: Replica
    /// The container that is there now.
    let existing: ObservedContainer?
    var step: Step
    /// Changes in place of a container that stays.
    var adjustment: Adjustment?
    /// The container stays, so it gets its names and ports back.
    var isAdmitted: Bool { survives && existing?.isAside == true && !isTeardown }

    enum Step: Equatable {
        case keep
        /// There is no container: create one, and start it if `starts`.
        case create(starts: Bool, reason: PlanReason)
        case replace(starts: Bool, renewVolumes: Bool, reason: PlanReason)
        case start(reason: PlanReason)
        /// `spreads`: dependents with `restart: true` restart too, unless a verb named the containers to restart.
        case restart(spreads: Bool, reason: PlanReason)
        case stop(reason: PlanReason)
        /// Stopped first if it runs.
        case remove(reason: PlanReason)
        case pause(reason: PlanReason)
        case unpause(reason: PlanReason)
    }

    var isReplaced: Bool {
        if case .replace = step { return true }
        return false
    }

    var isRestarted: Bool {
        if case .restart = step { return true }
        return false
    }

    /// Dependents with `restart: true` are restarted for it.
    var disturbsDependents: Bool {
        switch step {
        case .replace: true
        case .restart(let spreads, _): spreads
        case .keep, .create, .start, .stop, .remove, .pause, .unpause: false
        }
    }

    /// The container is still the same one afterwards.
    var survives: Bool {
        switch step {
        case .create, .replace, .remove: false
        case .keep, .start, .restart, .stop, .pause, .unpause: existing != nil
        }
    }

    /// Afterwards there is a new container.
    var isMade: Bool {
        switch step {
        case .create, .replace: true
        case .keep, .start, .restart, .stop, .remove, .pause, .unpause: false
        }
    }

    /// It stops and does not come back, so dependents stop first.
    var isTeardown: Bool {
        switch step {
        case .stop, .remove: true
        case .keep, .create, .replace, .start, .restart, .pause, .unpause: false
        }
    }
}

extension ObservedContainer {
    /// It has a process.
    var isUp: Bool {
        switch state {
        case .running, .paused, .restarting: true
        case .created, .exited: false
        }
    }

    var replica: Replica {
        switch owner {
        case .replica(_, let service, let number): .numbered(service: service, number)
        case .oneOff(_, let service, _): .oneOff(service: service, name: name)
        case .free: .free(name: name)
        }
    }
}
