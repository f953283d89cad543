import EngineWire
import Monitor
import ProjectModel
import Reconcile

/// Waits for what a dependent, or `--wait`, needs of a service; woken by changes and by its task's cancellation, never by a timer.
struct ServiceWaiter: Sendable {
    let inventory: Inventory
    let project: String
    /// So many restarts in a row, the last of which could not even begin, are no passing trouble any more.
    private static let patience = 4

    enum Verdict: Hashable, Sendable {
        case reached
        /// It cannot be reached any more: why, and which container's fault it is.
        case failed(String, container: String)
        case cancelled
    }

    func wait(for service: String, _ condition: Action.Condition) async -> Verdict {
        while true {
            let epoch = await inventory.epoch(of: project)
            let records = await inventory.containers(of: project).filter { $0.service == service && !$0.isOneOff }
            if let verdict = await verdict(records, condition) { return verdict }
            if Task.isCancelled { return .cancelled }
            await inventory.change(of: project, after: epoch)
        }
    }

    /// nil while it is still open.
    private func verdict(_ records: [ContainerRecord], _ condition: Action.Condition) async -> Verdict? {
        guard !records.isEmpty else { return nil }
        var isOpen = false
        for record in records {
            switch await verdict(record, condition) {
            case .reached?: continue
            case nil: isOpen = true
            case let other?: return other
            }
        }
        return isOpen ? nil : .reached
    }

    private func verdict(_ record: ContainerRecord, _ condition: Action.Condition) async -> Verdict? {
        let name = record.name
        let code = record.life.exit?.code ?? 0
        let memory = record.life.exit?.isOutOfMemory == true ? ", out of memory" : ""
        switch (record.life.phase, condition) {
        case (.running, .started), (.paused, .started): return .reached
        case (.exited, .completed):
            return code == 0
                ? .reached
                : .failed(
                    "service \"\(record.service)\" didn't complete successfully: exit \(code)\(memory)",
                    container: name)
        case (.running, .healthy), (.paused, .healthy):
            guard record.healthcheck != nil else {
                return .failed("container \(name) has no healthcheck configured", container: name)
            }
            switch await inventory.health(of: record.id) {
            case .healthy?: return .reached
            case .unhealthy?: return .failed("container \(name) is unhealthy", container: name)
            case .starting?, nil: return nil
            }
        case (.exited, _):
            return .failed("container \(name) exited (\(code))\(memory)", container: name)
        case (.restarting, _) where record.life.reason != nil && record.life.backoff.restarts >= Self.patience:
            return .failed("container \(name) cannot be restarted: \(record.life.reason ?? "")", container: name)
        case (.removing, _): return .failed("container \(name) was removed", container: name)
        case (.creating, _), (.created, _), (.restarting, _), (.running, .completed), (.paused, .completed): return nil
        }
    }

    /// For `--wait`: healthy where there is a check, else running; a job that ended with 0 is done.
    func waitUntilReady(services: Set<String>) async -> Verdict {
        while true {
            let epoch = await inventory.epoch(of: project)
            let records = await inventory.containers(of: project).filter {
                services.contains($0.service) && !$0.isOneOff
            }
            var isOpen = false
            for record in records {
                if record.life.phase == .exited, record.life.exit?.code == 0 { continue }
                switch await verdict(record, record.healthcheck == nil ? .started : .healthy) {
                case .reached?: continue
                case nil: isOpen = true
                case let other?: return other
                }
            }
            if !isOpen { return .reached }
            if Task.isCancelled { return .cancelled }
            await inventory.change(of: project, after: epoch)
        }
    }
}

extension EngineFailure {
    /// Something that was waited for and did not come, with what its container and its health check said last.
    init(
        _ code: String, _ message: String, of record: ContainerRecord?, _ inventory: Inventory,
        _ logTail: (ContainerRecord) async -> [String]
    ) async {
        self.init(code: code, message: message)
        guard let record else { return }
        log = await logTail(record)
        probe = await inventory.lastAnswer(of: record.id)
    }
}
