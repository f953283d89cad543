/// How far one planning goes: which services a verb may touch, and what it may do with each.
///
/// A service outside of it stays as it is, whatever differs, until a verb without names comes: only what this plan does to a
/// service that it depends on reaches it (a namespace or volumes that it shares, `restart: true`).
package struct PlanScope: Hashable, Sendable {
    /// What may become of a service's containers.
    package enum Extent: Int, Hashable, Sendable, Comparable {
        /// Those that exist are started, stopped, paused or removed.
        case existing
        /// Missing ones are made too, but none is replaced because it differs.
        case missing
        /// Everything that the wish says.
        case whole

        package static func < (one: Extent, other: Extent) -> Bool { one.rawValue < other.rawValue }
    }

    /// nil: every service, in everything.
    package var extents: [String: Extent]?
    /// Ids of single containers; where `extents` is nil, all.
    package var singles: Set<String> = []

    /// Everything as it is wished.
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

    /// Narrows it to the services that were added; one that was added before keeps its extent.
    mutating func add(_ names: some Sequence<String>, _ extent: Extent) {
        var known = extents ?? [:]
        for name in names where known[name] == nil { known[name] = extent }
        extents = known
    }

    /// What either may touch.
    package func union(_ other: PlanScope) -> PlanScope {
        guard let extents, let others = other.extents else { return .all }
        return PlanScope(
            extents: extents.merging(others, uniquingKeysWith: max), singles: singles.union(other.singles))
    }
}

extension Plan {
    /// Services of which an action begins only after a wait for others.
    package var servicesBehindWaits: Set<String> {
        var late: Set<Int> = []
        var services: Set<String> = []
        // Every action stands after those it needs.
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

    /// It does nothing but wait.
    package var isWait: Bool {
        switch self {
        case .wait, .watch, .rest: true
        default: false
        }
    }

    /// The container that it makes or changes.
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
