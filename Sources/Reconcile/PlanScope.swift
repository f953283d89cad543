/// The scope of a plan: the services that a verb may touch, and what it may do with each.
///
/// A service outside of the scope stays as it is until a verb without names, even if it differs. Only changes of a service on
/// which it depends reach it (a shared namespace, shared volumes, `restart: true`).
package struct PlanScope: Hashable, Sendable {
    /// What a plan may do with a service's containers.
    package enum Extent: Int, Hashable, Sendable, Comparable {
        /// Start, stop, pause or remove existing containers.
        case existing
        /// Also create missing containers, but replace none.
        case missing
        /// Everything that the desired state says.
        case whole

        package static func < (one: Extent, other: Extent) -> Bool { one.rawValue < other.rawValue }
    }

    /// nil: everything in every service.
    package var extents: [String: Extent]?
    /// Ids of single containers; where `extents` is nil, all.
    package var singles: Set<String> = []

    /// No restriction.
    package static let all = PlanScope(extents: nil)

    package init(extents: [String: Extent]?, singles: Set<String> = []) {
        self.extents = extents
        self.singles = singles
    }

    /// A single container may be touched.
    func contains(single id: String) -> Bool { extents == nil || singles.contains(id) }

    /// nil: it is not touched.
    package func extent(of service: String) -> Extent? {
        guard let extents else { return .whole }
        return extents[service]
    }

    /// Limits the scope to the added services; a service that was added before keeps its extent.
    mutating func add(_ names: some Sequence<String>, _ extent: Extent) {
        var known = extents ?? [:]
        for name in names where known[name] == nil { known[name] = extent }
        extents = known
    }

    /// The union of both scopes.
    package func union(_ other: PlanScope) -> PlanScope {
        guard let extents, let others = other.extents else { return .all }
        return PlanScope(
            extents: extents.merging(others, uniquingKeysWith: max), singles: singles.union(other.singles))
    }
}

extension Plan {
    /// Services in which an action must first wait for other services.
    package var servicesBehindWaits: Set<String> {
        var late: Set<Int> = []
        var services: Set<String> = []
        // Every action comes after those that it needs.
        for planned in actions {
            guard planned.action.isWait || !late.isDisjoint(with: planned.after) else { continue }
            late.insert(planned.number)
            if let service = planned.action.replica?.service { services.insert(service) }
        }
        return services
    }
}

extension Action {
    package var isStart: Bool {
        if case .start = self { return true }
        return false
    }

    /// It only waits.
    package var isWait: Bool {
        switch self {
        case .wait, .watch, .rest: true
        default: false
        }
    }

    /// The container that it creates or changes.
    package var replica: Replica? {
        switch self {
        case .create(let replica, _), .start(let replica, _), .stop(let replica, _), .remove(let replica, _, _),
            .pause(let replica, _), .unpause(let replica, _), .detach(let replica, _, _, _),
            .attach(let replica, _, _, _), .update(let replica, _), .createNext(let replica, _, _),
            .withdraw(let replica, _), .watch(let replica, _), .admit(let replica, _):
            replica
        case .createNetwork, .repairNetwork, .removeNetwork, .createVolume, .removeVolume, .wait, .rest: nil
        }
    }
}
