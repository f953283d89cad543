import EngineWire
import ProjectModel
import Reconcile

/// Updates one replica by the rules in `update_config`.
extension ActionPerformer {
    private func rules(of replica: Replica) -> UpdateRules { desired.service(replica.service)?.rules ?? UpdateRules() }

    /// The container that was created to replace `old`.
    private func successor(of old: String) async -> ContainerRecord? {
        await runner.inventory.everyContainer(of: desired.project).first { $0.successorOf == old }
    }

    func withdraw(_ id: String, _ reason: PlanReason) async throws {
        try await report(.container, await name(id), "Draining", "Drained", reason) {
            try await self.runner.withdraw(id)
        }
    }

    /// Waits until the replica is ready and stays ready. If it fails, the rules decide: the update continues as long as
    /// few enough replicas failed. Otherwise it ends here, and if the service must roll back, the container that this
    /// one replaced runs again.
    func watch(_ replica: Replica, replacing old: String?, _ reason: PlanReason) async throws {
        guard let record = if let old { await successor(of: old) } else { await newest(replica) } else {
            throw EngineFailure(code: .notFound, message: "\(replica) has no container to watch")
        }
        let rules = rules(of: replica)
        let monitor = old == nil ? .zero : rules.monitor
        let watch = ReplicaWatch(
            inventory: runner.inventory, machine: runner.machine, operation: operation, logTail: logTail)
        let verdict = await operation.interruptible { await watch.watch(record.id, for: monitor) }
        switch verdict {
        case .stayed: return
        case .cancelled:
            // A container that has taken the place must be reachable in it.
            if await !runner.inventory.isSuccessor(record) { try? await runner.admit(record.id) }
            throw CancellationError()
        // A replica that comes back replaces no other container.
        case .failed where old == nil: return
        case .failed(let failure): try await failed(replica, record, failure, rules)
        }
    }

    private func failed(
        _ replica: Replica, _ record: ContainerRecord, _ failure: EngineFailure, _ rules: UpdateRules
    ) async throws {
        let total = max(1, desired.service(replica.service)?.scale ?? 1)
        let count = ledger.countFailure(of: replica.service)
        let isTolerated = Double(count) / Double(total) <= rules.maxFailureRatio
        operation.object(.container, record.name, "Error", done: true, failed: true, reason: failure.message)
        if isTolerated || rules.failureAction == .continue {
            return operation.emit(.warning("update of \(replica.service): \(failure.message); the update continues"))
        }
        var failure = failure
        let hasPlace = await !runner.inventory.isSuccessor(record)
        switch rules.failureAction {
        case .continue, .pause:
            ledger.note(.pause, for: replica.service)
            failure.message = "update of \(replica.service) paused: \(failure.message)"
            failure.hint =
                "`berth up` tries again, `berth rollback \(replica.service)` returns to the previous version"
            if hasPlace { try? await runner.admit(record.id) }
            throw failure
        case .rollback:
            ledger.note(.rollback, for: replica.service)
            failure.message = "update of \(replica.service) rolled back: \(failure.message)"
            failure.hint = "`berth history \(replica.service)` shows the differences"
            if hasPlace, let old = record.successorOf {
                try? await runner.stop(record.id, timeout: stopTimeout)
                if let ended = await runner.inventory.container(record.id) {
                    failure = await runner.takenBack(ended, to: old, failure, "").failure
                }
            }
            throw failure
        }
    }

    func admit(_ replica: Replica, replacing old: String?, _ reason: PlanReason) async throws {
        var record: ContainerRecord?
        if let old { record = await successor(of: old) } else { record = await newest(replica) }
        guard let record else {
            throw EngineFailure(code: .notFound, message: "\(replica) has no container to admit")
        }
        try await report(.container, record.name, "Switching", "Switched", reason) {
            try await self.runner.admit(record.id)
        }
    }

    func rest(_ pause: Duration) async throws {
        let machine = runner.machine
        await operation.interruptible { try? await machine.sleep(pause) }
        if operation.isCancelled { throw CancellationError() }
    }
}
