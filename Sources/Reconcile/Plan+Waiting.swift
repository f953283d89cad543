extension Plan {
    /// Without waits that services other than these alone need, and without what would begin only after such a wait: who names
    /// services is not held up by the health of others. What the plan itself takes down it also brings up again.
    package func waitingOnly(for services: Set<String>) -> Plan {
        let concerned = actions.reduce(into: services) { concerned, planned in
            switch planned.action {
            case .stop(let replica, _), .remove(let replica, _, _): concerned.insert(replica.service)
            default: break
            }
        }
        var needed: Set<Int> = []
        // Every action stands after those it needs.
        for planned in actions.reversed() {
            let isConcerned = planned.action.replica.map { concerned.contains($0.service) } ?? false
            guard isConcerned || needed.contains(planned.number) else { continue }
            needed.insert(planned.number)
            needed.formUnion(planned.after)
        }
        var left: Set<Int> = []
        for planned in actions where !needed.contains(planned.number) {
            if planned.action.isWait || !left.isDisjoint(with: planned.after) { left.insert(planned.number) }
        }
        return left.isEmpty ? self : without(left)
    }

    /// Nothing that stays may come after what goes.
    private func without(_ left: Set<Int>) -> Plan {
        var numbers: [Int: Int] = [:]
        var kept: [PlannedAction] = []
        for var planned in actions where !left.contains(planned.number) {
            numbers[planned.number] = kept.count + 1
            planned.number = kept.count + 1
            planned.after = planned.after.compactMap { numbers[$0] }
            kept.append(planned)
        }
        return Plan(actions: kept)
    }
}

extension Action {
    /// It does nothing but wait.
    package var isWait: Bool {
        if case .wait = self { return true }
        return false
    }

    /// The container that it makes or changes.
    fileprivate var replica: Replica? {
        switch self {
        case .create(let replica, _), .start(let replica, _), .stop(let replica, _), .remove(let replica, _, _),
            .pause(let replica, _), .unpause(let replica, _):
            replica
        case .createNetwork, .repairNetwork, .removeNetwork, .createVolume, .removeVolume, .wait: nil
        }
    }
}
