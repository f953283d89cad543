import EngineWire
import Monitor
import ProjectModel
import Reconcile

/// Reports on containers in addition to the actions: those that ran already, and those that do not become ready.
extension ProjectLoop {
    /// Names the containers that an `up` leaves alone, so that nobody has to guess.
    func reportWhatRuns(
        _ wanted: Desired, _ plan: Plan, _ observed: Observed, _ request: OperationRequest, _ change: IntentChange,
        _ operation: Operation
    ) {
        guard request.verb.namesWhatRuns else { return }
        if !plan.isEmpty { operation.emit(.planned(PlanDescription(plan))) }
        let touched = Set(plan.actions.compactMap(\.action.containerID))
        for container in observed.containers where container.state == .running && container.number != nil {
            guard !touched.contains(container.id), wanted.service(container.service)?.isOrphan == false else {
                continue
            }
            guard change.services.contains(container.service) else { continue }
            operation.object(.container, container.name, "Running", done: true)
        }
        let left = Set(change.orphans.filter { wanted.service($0)?.goal != .absent })
        let orphans = observed.containers.filter { left.contains($0.service) && $0.number != nil }
        if !orphans.isEmpty, !request.verb.ignoresOrphans {
            operation.emit(
                .warning(
                    "Found orphan containers ([\(orphans.map(\.name).joined(separator: " "))]) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up."
                ))
        }
    }

    func waitUntilReady(_ request: OperationRequest, _ timeout: Duration?, _ operation: Operation) async
        -> [EngineFailure]
    {
        var chosen = Set(request.services)
        for id in request.containers ?? [] {
            if let service = await parts.inventory.container(id)?.service { chosen.insert(service) }
        }
        if request.services.isEmpty, request.containers == nil {
            chosen = Set(desired?.services.map(\.spec.name) ?? [])
        }
        let inventory = parts.inventory
        let machine = parts.machine
        let waiter = ServiceWaiter(
            inventory: inventory, machine: machine, project: name, operation: operation, logTail: parts.logTail,
            isAwaited: { [desired] in desired?.goal(of: $0.owner) == .running })
        let needs = needs(of: chosen)
        let verdict = await operation.interruptible {
            await withTaskGroup(of: ServiceWaiter.Verdict?.self) { group in
                group.addTask { await waiter.wait(for: needs) }
                if let timeout {
                    group.addTask {
                        try? await machine.sleep(timeout)
                        return nil
                    }
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
        }
        switch verdict {
        case .failed(let message, let container)?:
            guard let container else { return [EngineFailure(code: .notReady, message: message)] }
            operation.object(.container, container, "Error", done: true, failed: true, reason: message)
            let record = await inventory.container(named: container)
            return [await EngineFailure(.notReady, message, of: record, inventory, parts.logTail)]
        case .reached?, .cancelled?: return []
        case nil: return await notReady(needs, after: timeout ?? .zero)
        }
    }

    /// For `--wait`: a job that another service depends on must have completed, everything else must be ready.
    private func needs(of services: Set<String>) -> [String: ServiceWaiter.Need] {
        let dependencies = (desired?.services ?? []).filter { $0.goal == .running && !$0.isOrphan }
            .flatMap(\.spec.dependsOn)
        let jobs = Set(dependencies.filter { $0.condition == .completed && $0.required }.map(\.service))
        return Dictionary(uniqueKeysWithValues: services.map { ($0, jobs.contains($0) ? .completed : .ready) })
    }

    /// For a wait that timed out: the containers that are not ready, with their last output.
    private func notReady(
        _ needs: [String: ServiceWaiter.Need], after timeout: Duration
    ) async -> [EngineFailure] {
        var failures = [
            EngineFailure(code: .timeout, message: "application not healthy after \(timeout.components.seconds)s")
        ]
        for record in await parts.inventory.containers(of: name)
        where !record.isOneOff {
            guard let need = record.service.flatMap({ needs[$0] }), desired?.goal(of: record.owner) == .running else {
                continue
            }
            let health = await parts.inventory.health(of: record.id)
            let isReady = record.life.phase == .running && (record.healthcheck == nil || health == .healthy)
            let isAwaitedJob = need == .completed
            guard isAwaitedJob || !isReady, !(record.life.phase == .exited && record.life.exit?.code == 0) else {
                continue
            }
            let state = isAwaitedJob ? "not done" : health.map { "\($0.rawValue)" } ?? record.life.phase.rawValue
            let reason = record.reasonText.map { ": \($0)" } ?? ""
            failures.append(
                await EngineFailure(
                    .notReady, "container \(record.name) is \(state)\(reason)", of: record, parts.inventory,
                    parts.logTail))
        }
        return failures
    }
}
