import EngineWire
import Monitor
import ProjectModel
import Reconcile

/// Waits until services are as a dependent or `--wait` needs them, and reports progress to an operation.
///
/// Changes and the task's cancellation wake it; a timer only repeats reports.
struct ServiceWaiter: Sendable {
    let inventory: Inventory
    let machine: any Machine
    let project: String
    /// Gets the progress reports.
    let operation: Operation
    let logTail: @Sendable (ContainerRecord) async -> [String]
    /// Whether a container counts. One that a person stopped separately does not.
    let isAwaited: @Sendable (ContainerRecord) -> Bool

    enum Need: Hashable, Sendable {
        case started, healthy, completed
        /// For `--wait`: healthy if there is a check, otherwise running; a job that ended with 0 is done.
        case ready
    }

    enum Verdict: Hashable, Sendable {
        case reached
        /// The need cannot be met any more: the reason, and the responsible container; nil when there is none.
        case failed(String, container: String?)
        case cancelled
    }

    /// Returns once every replica of the services meets its need, or one cannot meet it any more.
    func wait(for needs: [String: Need]) async -> Verdict {
        var report = WaitReport(operation: operation, began: machine.now())
        while true {
            let epoch = await inventory.currentEpoch()
            var records: [ContainerRecord] = []
            for service in needs.keys.sorted() {
                records += await inventory.containers(of: project, service: service).filter { !$0.isOneOff }
            }
            var isOpen = false
            report.beginRound()
            for record in records {
                guard let need = record.service.flatMap({ needs[$0] }), isAwaited(record) else { continue }
                let wait = await progress(of: record, Self.resolved(need, record), &report)
                switch await verdict(record, need, wait) {
                case .reached?: report.reached(record)
                case nil:
                    isOpen = true
                    report.waits(for: record, wait, at: machine.now())
                case let other?: return other
                }
            }
            if let gone = needs.keys.sorted().first(where: { Self.isMissing($0, needs, records) }) {
                return .failed("service \"\(gone)\" no longer has a container", container: nil)
            }
            if !isOpen { return .reached }
            if Task.isCancelled { return .cancelled }
            await inventory.change(
                of: .project(project), after: epoch, atMost: report.isBehind ? .seconds(1) : .seconds(5), on: machine)
        }
    }

    /// `--wait` accepts a service that is scaled to zero.
    private static func isMissing(_ service: String, _ needs: [String: Need], _ records: [ContainerRecord]) -> Bool {
        needs[service] != .ready && !records.contains { $0.service == service }
    }

    private static func resolved(_ need: Need, _ record: ContainerRecord) -> Need {
        guard need == .ready else { return need }
        return record.healthcheck == nil ? .started : .healthy
    }

    /// nil while it is undecided.
    private func verdict(_ record: ContainerRecord, _ need: Need, _ wait: WaitProgress) async -> Verdict? {
        let name = record.name
        let code = record.life.exit?.code ?? 0
        let memory = record.life.exit?.isOutOfMemory == true ? ", out of memory" : ""
        if need == .ready, record.life.phase == .exited, record.life.exit?.code == 0 { return .reached }
        switch (record.life.phase, Self.resolved(need, record)) {
        case (.running, .started), (.paused, .started): return .reached
        case (.exited, .completed):
            return code == 0
                ? .reached
                : .failed(
                    "\(record.owner.subject) didn't complete successfully: exit \(code)\(memory)",
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
        case (.restarting, _):
            guard let restart = wait.restart, restart.isHopeless(record.life) else { return nil }
            return .failed("container \(name) \(restart.sentence)", container: name)
        case (.removing, _): return .failed("container \(name) was removed", container: name)
        case (.creating, _), (.created, _), (_, .completed), (_, .ready): return nil
        }
    }

    /// The current state of `record` for a progress report.
    private func progress(of record: ContainerRecord, _ need: Need, _ report: inout WaitReport) async -> WaitProgress {
        let goal: WaitProgress.Goal =
            switch need {
            case .healthy: .healthy
            case .completed: .completed
            case .started, .ready: .running
            }
        var wait = WaitProgress(goal: goal, elapsed: Double(machine.now() - report.began) / 1e9)
        if record.life.phase == .paused { wait.isPaused = true }
        if need == .healthy { wait.probe = await inventory.lastAnswer(of: record.id) }
        let count = report.restarts(of: record)
        guard count > 0 else { return wait }
        if let told = report.toldRestart(of: record), told.count == count {
            wait.restart = told
            return wait
        }
        let end = record.life.restarts?.lastEnd
        wait.restart = WaitProgress.Restart(
            count: count, limit: Self.patience(with: record, need), code: end?.code,
            isOutOfMemory: end?.isOutOfMemory ?? false, reason: end == nil ? record.reasonText : nil,
            log: await logTail(record).suffix(3))
        return wait
    }

    /// After this many failed restarts in a row, waiting gives up. A job with a restart policy is meant to be retried,
    /// so it gets more of them; a policy with a limit of its own is followed to that limit.
    private static func patience(with record: ContainerRecord, _ need: Need) -> Int? {
        if case .onFailure(let maximum?) = record.template.restart, maximum > 0 { return nil }
        return need == .completed ? 10 : 4
    }
}

extension WaitProgress.Restart {
    /// It failed again after that many restarts: since the wait began, or in a row that began earlier.
    fileprivate func isHopeless(_ life: ContainerRecord.Life) -> Bool {
        guard let limit else { return false }
        return count > limit || life.backoff.restarts > limit
    }

    fileprivate var sentence: String {
        guard let code else { return "cannot be restarted: \(reason ?? "for an unknown reason")" }
        let times = count == 1 ? "once more" : "again after \(count - 1) restart\(count == 2 ? "" : "s")"
        return "ended \(times), exit \(code)" + (isOutOfMemory ? ", out of memory" : "")
    }
}

extension EngineFailure {
    /// A wait that failed, with the last output of the container and of its health check.
    init(
        _ code: Code, _ message: String, of record: ContainerRecord?, _ inventory: Inventory,
        _ logTail: (ContainerRecord) async -> [String]
    ) async {
        self.init(code: code, message: message)
        guard let record else { return }
        switch record.life.phase {
        case .exited: exitCode = record.life.exit?.code
        case .restarting: exitCode = record.life.restarts?.lastEnd?.code
        default: break
        }
        log = await logTail(record)
        probe = await inventory.lastAnswer(of: record.id)
        if record.life.phase == .restarting {
            let name = record.service ?? record.name
            hint =
                "its restart policy keeps restarting it: `berth logs \(name)` shows its output, "
                + "`berth stop \(name)` ends it"
        }
    }
}
