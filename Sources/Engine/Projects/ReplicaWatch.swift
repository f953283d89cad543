import EngineWire
import Monitor
import ProjectModel
import Reconcile

/// Watches one new replica: until it is ready, and then for the time in its service's rules.
struct ReplicaWatch: Sendable {
    let inventory: Inventory
    let machine: any Machine
    let operation: Operation
    let logTail: @Sendable (ContainerRecord) async -> [String]

    enum Verdict: Sendable {
        case stayed
        case failed(EngineFailure)
        case cancelled
    }

    /// `monitor`: the time since its start.
    func watch(_ id: String, for monitor: Duration) async -> Verdict {
        guard var record = await inventory.container(id) else { return .failed(gone(id)) }
        var report = WaitReport(operation: operation, began: machine.now())
        while true {
            let epoch = await inventory.currentEpoch()
            guard let current = await inventory.container(id) else { return .failed(gone(id)) }
            record = current
            report.beginRound()
            let health = await inventory.health(of: id)
            if let words = failure(of: record, health) {
                var failure = await EngineFailure(.notReady, words, of: record, inventory, logTail)
                failure.hint = nil
                return .failed(failure)
            }
            let isReady = record.life.phase == .exited || record.healthcheck == nil || health == .healthy
            let age = Duration.nanoseconds(machine.now() - (record.life.startedAt ?? machine.now()))
            let left = record.life.phase == .exited ? .zero : monitor - age
            if isReady, left <= .zero {
                report.reached(record)
                return .stayed
            }
            if Task.isCancelled { return .cancelled }
            var wait = WaitProgress(
                goal: isReady ? .running : .healthy, elapsed: Double(machine.now() - report.began) / 1e9)
            wait.probe = await inventory.lastAnswer(of: id)
            report.waits(for: record, wait, at: machine.now())
            await inventory.change(of: .container(id), after: epoch, atMost: isReady ? left : .seconds(5), on: machine)
        }
    }

    /// Why it failed; nil if it has not.
    private func failure(of record: ContainerRecord, _ health: ObservedContainer.Health?) -> String? {
        let memory = record.life.exit?.isOutOfMemory == true ? ", out of memory" : ""
        if let restarts = record.life.restarts {
            let code = restarts.lastEnd.map { "exit \($0.code)" } ?? record.reasonText ?? "it cannot be started"
            return "container \(record.name) ended after its start: \(code)\(memory)"
        }
        switch record.life.phase {
        case .running, .paused: return health == .unhealthy ? "container \(record.name) is unhealthy" : nil
        case .exited:
            let code = record.life.exit?.code ?? 255
            return code == 0 ? nil : "container \(record.name) exited (\(code))\(memory)"
        case .restarting: return "container \(record.name) ended after its start\(memory)"
        case .removing, .creating, .created: return "container \(record.name) is not running"
        }
    }

    private func gone(_ id: String) -> EngineFailure {
        EngineFailure(code: .notFound, message: "container \(id.prefix(12)) was removed")
    }
}
