import Console
import EngineClient
import EngineWire
import FileWatch
import Linux
import ProjectModel

/// `develop.watch`: follows files and brings their changes to containers, until a signal comes.
///
/// It copies files itself, at once. Copies of this process do everything that takes longer, one at a time for each
/// service.
final class WatchSession {
    private let session: Session
    private let project: Project
    private let rules: [WatchPlan.Rule]
    private let options: WatchWork.Options
    private let replicas: WatchedReplicas
    private let tree: TreeWatch
    /// Editors write a file in several steps, and a checkout changes many files, so changes in quick succession count
    /// as one.
    private var quiet = QuietPeriod(pause: .milliseconds(20), limit: .seconds(1))
    private var containers: EngineStream<[ContainerRow]>?
    /// When to try the engine again after the connection was lost.
    private var retry: Double?
    private var tasks: [String: Running] = [:]
    /// Work for services whose previous work is still running.
    private var waiting: [String: WatchPlan.Work] = [:]

    private final class Running {
        let task: ChildTask
        init(_ task: consuming ChildTask) { self.task = task }
    }

    /// If not every folder can be watched: seconds between two full scans.
    private static let scanInterval = 1.0
    private var nextScan: Double?

    init(_ session: Session, _ project: Project, _ rules: WatchRules, _ options: WatchWork.Options) throws {
        self.session = session
        self.project = project
        self.rules = rules.rules
        self.options = options
        replicas = WatchedReplicas(session, project: project.name, services: Set(rules.rules.map(\.service)))
        let filters = rules.rules.map(\.filter)
        do throws(SyscallError) {
            tree = try TreeWatch(filters.map(\.root)) { path in filters.allSatisfy { $0.skipsAll(in: path) } }
        } catch {
            throw CommandFailure(
                "files cannot be watched: \(error)",
                hint:
                    "this user has reached the limit of inotify instances: sudo sysctl fs.inotify.max_user_instances=1024"
            )
        }
    }

    func run() throws {
        let signals = try CaughtSignals(CaughtSignals.ending)
        defer { endTasks() }
        followContainers()
        noteUnwatched()
        session.say(watch: "Watch enabled")
        while true {
            try step(signals)
            if let signal = signals.next(), CaughtSignals.ending.contains(signal) { throw ExitStatus.interrupted }
        }
    }

    private func step(_ signals: borrowing CaughtSignals) throws {
        var ready = [Readiness(signals.raw, for: .reading), Readiness(tree.descriptor, for: .reading)]
        if let containers { ready.append(Readiness(containers.descriptor, for: .reading)) }
        let running = tasks.sorted { $0.key < $1.key }
        for (_, task) in running { ready.append(Readiness(task.task.pollable, for: .reading)) }
        try waitForReadiness(&ready, timeout: timeout)
        if ready[1].isReadable, tree.takeEvents() { quiet.note(at: .seconds(now)) }
        if containers != nil, ready[2].isReadable { readContainers() }
        if let retry, now >= retry { followContainers() }
        if let nextScan, now >= nextScan {
            self.nextScan = now + Self.scanInterval
            tree.lookAtAll()
            handleChanges()
        }
        if quiet.rest(at: .seconds(now)) == .zero { handleChanges() }
        for (service, task) in running where task.task.hasEnded { finish(service) }
    }

    private var now: Double { CallingProcess.monotonic }

    private var timeout: Duration? {
        let current = now
        let times = [
            quiet.rest(at: .seconds(current)), retry.map { .seconds(max(0, $0 - current)) },
            nextScan.map { .seconds(max(0, $0 - current)) },
        ]
        // Rounded up, because a shorter wait would wake too early.
        return times.compactMap { $0 }.min().map { $0 + .milliseconds(1) }
    }

    // MARK: Files

    private func handleChanges() {
        quiet.end()
        let plan = WatchPlan(tree.takeChanges(), rules)
        noteUnwatched()
        for (service, work) in plan.work.sorted(by: { $0.key < $1.key }) {
            if !work.copies.isEmpty {
                let count = work.copies.count
                session.say(
                    watch:
                        "Syncing service \"\(service)\" after \(count) change\(count == 1 ? " was" : "s were") detected"
                )
                replicas.copy(work.copies, to: service)
            }
            if work.rebuilds || work.restarts || !work.commands.isEmpty { begin(work, for: service) }
        }
    }

    private func noteUnwatched() {
        guard tree.hasUnwatchedFolders else {
            nextScan = nil
            return
        }
        guard nextScan == nil else { return }
        nextScan = now + Self.scanInterval
        let failure = EngineFailure(
            code: .noSpace,
            message:
                "this user has reached the limit of inotify watches: berth compares all files every second instead",
            hint: "sudo sysctl fs.inotify.max_user_watches=1048576")
        session.warn(failure)
    }

    // MARK: Containers

    /// Reads the current containers, and waits for changes of them from now on.
    private func followContainers() {
        retry = nil
        do {
            let stream = try session.engine.containerChanges(of: project.name)
            containers = stream
            if let rows = try stream.next() { take(rows) }
        } catch {
            lostEngine()
        }
    }

    private func readContainers() {
        do {
            guard let batches = try containers?.nextBatch() else { return lostEngine() }
            if let rows = batches.last { take(rows) }
        } catch {
            lostEngine()
        }
    }

    private func lostEngine() {
        containers = nil
        retry = now + 0.3
    }

    private func take(_ rows: [ContainerRow]) {
        let news = replicas.update(rows)
        for (_, rows) in Dictionary(grouping: news.new, by: \.service) {
            replicas.catchUp(rows, with: initialCopies(of: rows[0].service))
        }
        for (_, rows) in Dictionary(grouping: news.restarted, by: \.service) { replicas.catchUp(rows) }
    }

    /// All files of the service's rules with `initial_sync`.
    private func initialCopies(of service: String) -> [WatchPlan.Copy] {
        var copies: [WatchPlan.Copy] = []
        for rule in rules where rule.service == service && rule.rule.initialSync && rule.rule.action.copies {
            guard let target = rule.rule.target else { continue }
            for path in tree.files(below: rule.filter.root) where rule.filter.accepts(path) {
                guard let place = rule.filter.target(of: path, below: target) else { continue }
                copies.append(WatchPlan.Copy(target: place, source: path))
            }
        }
        return copies
    }

    // MARK: Work

    private func begin(_ work: WatchPlan.Work, for service: String) {
        guard tasks[service] == nil else {
            waiting[service, default: WatchPlan.Work()].merge(work)
            return
        }
        let hooks = work.commands.compactMap { project.service(service)?.watch[$0].exec }
        let task = WatchWork(
            session: session, project: project, options: options, service: service, rebuilds: work.rebuilds,
            restarts: work.restarts, commands: hooks)
        do throws(SyscallError) {
            tasks[service] = Running(try ChildTask { session.runAsChild { try task.run() } })
        } catch {
            session.warn("service \"\(service)\" could not be updated: \(error)")
        }
    }

    private func finish(_ service: String) {
        tasks[service] = nil
        if let next = waiting.removeValue(forKey: service) { begin(next, for: service) }
    }

    /// A Ctrl-C from the terminal also reached them; those that do not end are told to.
    private func endTasks() {
        let end = now + 0.3
        while now < end, tasks.values.contains(where: { !$0.task.hasEnded }) {
            var ready = tasks.values.filter { !$0.task.hasEnded }.map { Readiness($0.task.pollable, for: .reading) }
            try? waitForReadiness(&ready, timeout: .milliseconds(50))
        }
        for running in tasks.values { running.task.terminate() }
        tasks = [:]
    }
}

extension Session {
    /// The exit status of the copy of this process that `ChildTask` creates. Shows failures.
    func runAsChild(_ body: () throws -> Void) -> CInt {
        endOnSignals()
        do {
            try body()
            return ExitStatus.success.code
        } catch {
            return report(error).code
        }
    }
}
