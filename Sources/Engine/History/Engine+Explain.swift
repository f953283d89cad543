import EngineWire
import Monitor
import ProjectModel
import Reconcile

/// Explains the state of containers.
extension Engine {
    /// One explanation for each existing or desired replica, by number.
    package func explain(service name: String, in project: String) async throws -> [Explanation] {
        await gate.wait(for: .known)
        let desired = await desired(of: project)
        let records = await parts.inventory.containers(of: project, service: name)
            .filter { !$0.isOneOff && ![.creating, .removing].contains($0.life.phase) }
        let service = desired?.service(name)
        guard service != nil || !records.isEmpty else {
            throw EngineFailure(
                code: .notFound, message: "there is no service \"\(name)\" in the history of project \(project)",
                hint: "`berth up` starts its history")
        }
        var explanations: [Explanation] = []
        for record in records { explanations.append(try await explanation(of: record, desired)) }
        let there = Set(records.compactMap(\.number))
        let scale = service?.scale ?? 0
        for number in 1...max(1, scale) where number <= scale && !there.contains(number) {
            let owner = Owner.replica(project: project, service: name, number: number)
            explanations.append(
                Explanation(
                    name: service?.spec.containerName ?? "\(project)-\(name)-\(number)", container: nil,
                    wanted: desired?.goal(of: owner)?.rawValue,
                    waits: desired?.goal(of: owner) == .running
                        ? await unmet(service?.spec.dependsOn ?? [], project) : [],
                    restarts: 0, health: nil,
                    history: try await history(of: owner, id: "")))
        }
        return explanations
    }

    package func explain(container name: String) async throws -> Explanation {
        await gate.wait(for: .known)
        let record = try await find(name)
        return try await explanation(of: record, record.project == nil ? nil : desired(of: record.project ?? ""))
    }

    private func explanation(of record: ContainerRecord, _ desired: Desired?) async throws -> Explanation {
        let goal = record.wish?.goal ?? desired?.goal(of: record.owner)
        return Explanation(
            name: record.name, container: await row(record, desired), wanted: goal?.rawValue,
            waits: await waits(of: record, goal, desired), restarts: record.life.restarts?.count ?? 0,
            health: await health(of: record),
            history: try await history(of: record.owner, id: record.id))
    }

    /// What happened at the place of a container, and the pulls of its service's images; oldest first.
    private func history(of owner: Owner, id: String) async throws -> [Occurrence] {
        let history = parts.inventory.history
        let own = try await history.occurrences(at: .init(owner, id: id))
        guard case .replica(let project, let service, _) = owner else { return own }
        let shared = try await history.occurrences(at: .init(project: project, service: service))
        return shared.isEmpty ? own : (shared + own).sorted { $0.at < $1.at }
    }

    private func health(of record: ContainerRecord) async -> Explanation.Health? {
        guard record.isUp, let history = await parts.inventory.healthHistory(of: record.id),
            let status = ContainerRow.Health(rawValue: history.status)
        else { return nil }
        let probes = history.probes.map { probe in
            Explanation.Health.Probe(
                began: Double(probe.began) / 1e9, ended: Double(probe.ended) / 1e9,
                answer: HealthAnswer(ProbeResult(code: probe.code, isTimeout: false, output: probe.output)))
        }
        return Explanation.Health(status: status, failures: history.failures, probes: probes)
    }

    private func waits(
        of record: ContainerRecord, _ goal: DesiredService.Goal?, _ desired: Desired?
    ) async -> [Explanation.Wait] {
        switch record.life.phase {
        case .restarting:
            let at = record.life.finishedAt.map { ($0, record.life.backoff.lastDelay / .seconds(1)) }
            let state = record.reasonText.map { "the last start failed: \($0)" }
            return [.init(.restart, at: at.map { Double($0) / 1e9 + $1 }, state: state)]
        case .paused: return [.init(.unpause, state: record.reasonText)]
        case .running:
            guard record.healthcheck != nil, await parts.inventory.health(of: record.id) != .healthy else { return [] }
            return [.init(.health)]
        case .created, .exited:
            guard goal == .running else { return [] }
            let service = record.service.flatMap { desired?.service($0)?.spec }
            let open = await unmet(service?.dependsOn ?? [], record.project ?? "")
            // A container that ended by itself waits for nothing but a person.
            let isDown = record.life.phase == .exited && !record.life.stoppedByUs
            if isDown || open.isEmpty { return [.init(.start, state: record.reasonText)] }
            return open
        case .creating, .removing: return []
        }
    }

    /// The dependencies that do not meet their conditions yet.
    private func unmet(_ dependencies: [Dependency], _ project: String) async -> [Explanation.Wait] {
        var waits: [Explanation.Wait] = []
        for dependency in dependencies {
            let records = await parts.inventory.containers(of: project, service: dependency.service)
                .filter { !$0.isOneOff }
            var states: [String] = records.isEmpty ? ["it has no container"] : []
            for record in records {
                if let state = await obstacle(of: record, dependency.condition) { states.append(state) }
            }
            guard let state = states.first else { continue }
            waits.append(
                .init(
                    .dependency, service: dependency.service, condition: dependency.condition.word, state: state))
        }
        return waits
    }

    /// Why the container does not meet the condition; nil when it does.
    private func obstacle(of record: ContainerRecord, _ condition: Dependency.Condition) async -> String? {
        let health = await parts.inventory.health(of: record.id)
        let state = "\(record.name) is \(record.life.phase.shown.rawValue)"
        let reason = record.reasonText.map { ": \($0)" } ?? ""
        switch condition {
        case .started: return record.isUp ? nil : state + reason
        case .completed:
            return record.life.phase == .exited && record.life.exit?.code == 0 ? nil : state + reason
        case .healthy:
            guard record.isUp else { return state + reason }
            return health == .healthy ? nil : "\(record.name) is \(health?.rawValue ?? "without a health check")"
        }
    }
}

extension Dependency.Condition {
    fileprivate var word: String {
        switch self {
        case .started: "started"
        case .healthy: "healthy"
        case .completed: "completed"
        }
    }
}
