import ProjectModel

/// The actions that turn `observed` into `desired`, each with its reason; none when nothing has to be done.
///
/// `kept` are full names of volumes whose data must be kept: nobody consented to losing it. Changes that would lose it are
/// left out, and their users stay as they are. `scope`: what the verb may touch.
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

/// What planning knows of its two values, and what it has decided so far.
///
/// Two passes: `decideServices` says what becomes of each replica (a `ReplicaTask`), dependencies first; `emitServices`
/// makes the actions and the edges between them. A container that takes another's place is made before that one stops, so that
/// what cannot be made changes nothing, and the old one is removed after the new one has started, so that it comes back when that
/// fails. Only where something is made that needs what the old one holds does it go before. That keeps a plan free of cycles: what is
/// made first waits for no removal.
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
        /// By container: what it gives up of networks, and of the rest, while it goes on; and all that is changed of it in place.
        var detachments: [String: [PlanDraft.Node]] = [:]
        var updates: [String: PlanDraft.Node] = [:]
        var adjustments: [String: [PlanDraft.Node]] = [:]
        /// Services of which a container leaves before the one in its place is made.
        var leavingFirst: Set<String> = []
        /// Containers that have to be gone before something else can be made.
        var awaitedRemovals: Set<String> = []
        /// Stops that the start of another container waits for.
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

/// What becomes of one replica.
struct ReplicaTask {
    let replica: Replica
    /// The container that is there now.
    let existing: ObservedContainer?
    var step: Step
    /// What is changed of the container that is there and stays.
    var adjustment: Adjustment?
    /// It is let in again, since it stays.
    var isAdmitted: Bool { survives && existing?.isAside == true && !isTeardown }

    enum Step: Equatable {
        case keep
        /// There is none: make one, and start it if `starts`.
        case create(starts: Bool, reason: PlanReason)
        case replace(starts: Bool, renewVolumes: Bool, reason: PlanReason)
        case start(reason: PlanReason)
        /// `spreads`: those who restart with it are restarted too; not where a verb has chosen whom to restart.
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

    /// There is a container afterwards that was not there before.
    var isMade: Bool {
        switch step {
        case .create, .replace: true
        case .keep, .start, .restart, .stop, .remove, .pause, .unpause: false
        }
    }

    /// It goes down and does not come back: dependents go down before.
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
