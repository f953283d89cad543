import EngineWire
import Monitor
import ProjectModel
import Reconcile

/// Waits for what a dependent, or `--wait`, needs of services, and tells an operation how that stands.
///
/// Woken by changes and by its task's cancellation; a timer only repeats what is told.
struct ServiceWaiter: Sendable {
    let inventory: Inventory
    let machine: any Machine
    let project: String
    /// Where it is told what is waited for.
    let operation: Operation
    let logTail: @Sendable (ContainerRecord) async -> [String]
    /// Whether a container counts: one that a person keeps down by itself does not.
    let isAwaited: @Sendable (ContainerRecord) -> Bool

    enum Need: Hashable, Sendable {
        case started, healthy, completed
        /// For `--wait`: healthy where there is a check, else running; a job that ended with 0 is done.
        case ready
    }

    enum Verdict: Hashable, Sendable {
        case reached
        /// It cannot be reached any more: why, and which container's fault it is; nil when there is none.
        case failed(String, container: String?)
        case cancelled
    }

    /// Returns once every replica of the services has what is needed of it, or one cannot get there any more.
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
                return .failed("service \"\(gone)\" has no container any more", container: nil)
            }
            if !isOpen { return .reached }
            if Task.isCancelled { return .cancelled }
            await inventory.change(
                of: .project(project), after: epoch, atMost: report.isBehind ? .seconds(1) : .seconds(5), on: machine)
        }
    }

    /// `--wait` is about what there is: a service may be scaled to nothing.
    private static func isMissing(_ service: String, _ needs: [String: Need], _ records: [ContainerRecord]) -> Bool {
        needs[service] != .ready && !records.contains { $0.service == service }
    }

    private static func resolved(_ need: Need, _ record: ContainerRecord) -> Need {
        guard need == .ready else { return need }
        return record.healthcheck == nil ? .started : .healthy
    }

    /// nil while it is still open.
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

    /// How it stands with `record`, as it is told.
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

    /// So many restarts in a row that did not help are no passing trouble any more. A job that has a restart policy is meant to be
    /// tried again, so it gets more of them; a policy that has an end of its own is followed to that.
    private static func patience(with record: ContainerRecord, _ need: Need) -> Int? {
        if case .onFailure(let maximum?) = record.template.restart, maximum > 0 { return nil }
        return need == .completed ? 10 : 4
    }
}

extension WaitProgress.Restart {
    /// It has just failed again after as many restarts as are waited out: since the waiting began, or in a row that began before.
    fileprivate func isHopeless(_ life: ContainerRecord.Life) -> Bool {
        guard let limit else { return false }
        return count > limit || life.backoff.restarts > limit
    }

    fileprivate var sentence: String {
        guard let code else { return "cannot be restarted: \(reason ?? "nobody knows why")" }
        let times = count == 1 ? "once more" : "again after \(count - 1) restart\(count == 2 ? "" : "s")"
        return "ended \(times), exit \(code)" + (isOutOfMemory ? ", out of memory" : "")
    }
}

extension EngineFailure {
    /// Something that was waited for and did not come, with what its container and its health check said last.
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
                "its restart policy keeps starting it: `berth logs \(name)` shows its output, "
                + "`berth stop \(name)` ends it"
        }
    }
}
