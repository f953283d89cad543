import ProjectModel

extension Planner {
    /// The actions that must end before a container of `spec` starts: starts of its dependencies, and waits for conditions that are
    /// not met yet.
    ///
    /// A dependency that should not run (`stop db`) or is outside of the scope (`--no-deps`) delays nothing. A restart waits for what this plan
    /// starts, but not for the health of other services: it must not end with a stopped container.
    mutating func readiness(for spec: Service, isRestart: Bool) -> [PlanDraft.Node] {
        readiness(of: graph.needs[spec.name] ?? [], for: spec.name, isRestart: isRestart)
    }

    /// The same for what `name` needs.
    mutating func readiness(of needs: [Dependency], for name: String, isRestart: Bool) -> [PlanDraft.Node] {
        var result: [PlanDraft.Node] = []
        for need in needs {
            guard let other = services[need.service], other.wantsRunning, !other.isOrphan, other.scale > 0 else {
                continue
            }
            let starts = nodes.starts[need.service] ?? []
            guard !starts.isEmpty || scope.extent(of: need.service) != nil else { continue }
            if starts.isEmpty, isRestart || holds(need.condition, for: need.service) { continue }
            if need.condition == .started, need.required {
                result += starts
                continue
            }
            result.append(wait(for: need, of: name, after: starts))
        }
        return result
    }

    private mutating func wait(for need: Dependency, of service: String, after starts: [PlanDraft.Node])
        -> PlanDraft.Node
    {
        let condition: Action.Condition =
            switch need.condition {
            case .started: .started
            case .healthy: .healthy
            case .completed: .completed
            }
        let key = Wait(service: need.service, condition: condition, required: need.required)
        if let node = nodes.waits[key] { return node }
        let rank = graph.rank[need.service] ?? 0
        let place = PlanDraft.Place(.services, rank: rank, number: Int.max)
        let node = draft.add(
            .wait(service: need.service, condition, required: need.required), at: place,
            because: .neededBy(service))
        draft.order(node, after: starts)
        nodes.waits[key] = node
        return node
    }

    /// Whether every replica has reached `condition` already, given that this plan starts none.
    private func holds(_ condition: Dependency.Condition, for service: String) -> Bool {
        (tasks[service] ?? []).filter { !$0.isTeardown }.allSatisfy { task in
            guard let container = task.existing else { return false }
            // A service that should not run delays nothing.
            guard services[service]?.goal(of: container.number ?? 0) == .running else { return true }
            return switch condition {
            case .started: container.state != .created
            case .healthy: container.health == .healthy && container.state == .running
            case .completed: container.state == .exited && container.exitCode == 0
            }
        }
    }
}
