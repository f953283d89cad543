import Console
import EngineClient
import EngineWire
import Linux
import ProjectModel

/// `up` in the foreground: shows the operation and the containers' output together, until all have ended or Ctrl-C.
final class AttachedUp {
    enum Abort: Equatable {
        case never
        /// When a container ends; the exit code is that service's, or that of the first container to end.
        case onExit(codeOf: String?)
        case onFailure
    }

    struct Choice {
        /// The services of this `up`, including dependencies.
        let selected: [String]
        let shown: [String]
        let abort: Abort
        let timeout: Duration?
        let printing: LogPrinter.Options
        let isColoured: Bool
    }

    private enum Phase { case running, stopping }

    /// `--watch`: starts the watch once everything runs.
    var watch: (() throws -> Void)?
    private var watcher: Watcher?

    private final class Watcher {
        let task: ChildTask
        init(_ task: consuming ChildTask) { self.task = task }
    }

    private let session: Session
    private let project: Project
    private let choice: Choice
    private let consent: Session.Consent
    private let since: Double
    private let printer: LogPrinter
    private var reporter: any ProgressReporter
    private var request: OperationRequest
    private var operation: RunningOperation
    private var logs: EngineStream<LogLine>?
    private var phase = Phase.running
    /// The time of the newest line of each container, and the same at the last reconnection: everything up to there was
    /// shown.
    private var newest: [String: Int64] = [:]
    private var shownBefore: [String: Int64] = [:]
    /// The output ended after the operation: nothing more will come.
    private var outputIsOver = false
    private var shownHeader = false
    /// Ends of containers that did not start again, in order. Another terminal may have replaced them.
    private var endings: [(label: String, code: Int)] = []
    private var status: ExitStatus?
    private var presses = 0

    init(
        session: Session, project: Project, request: OperationRequest, choice: Choice, consent: Session.Consent
    ) throws {
        self.session = session
        self.project = project
        self.request = request
        self.choice = choice
        self.consent = consent
        since = session.now
        printer = LogPrinter(
            stdout: session.stdout, stderr: session.stderr,
            style: choice.isColoured ? session.style : Style(isColoured: false), options: choice.printing,
            services: project.services.map(\.name), labels: Self.labels(of: choice.shown, in: project))
        reporter = session.makeReporter()
        operation = RunningOperation(
            try session.engine.operation(session.signed(request), in: project.name), in: session, reporter: reporter)
    }

    /// The names to put before the lines.
    static func labels(of services: [String], in project: Project) -> [String] {
        services.flatMap { name -> [String] in
            let service = project.service(name)
            if let own = service?.containerName { return [own] }
            return (1...max(1, service?.scale ?? 1)).map { "\(name)-\($0)" }
        }
    }

    func run() throws {
        let signals = try CaughtSignals(CaughtSignals.ending)
        defer {
            reporter.finish()
            watcher?.task.terminate()
        }
        while true {
            if operation.isFinished, try !goOn() { break }
            try step(signals)
        }
        printer.finish()
        if let status { throw status }
        // Everything ended by itself: a success only if nothing failed.
        if let failed = endings.first(where: { $0.code != 0 }) { throw ExitStatus.container(failed.code) }
    }

    private func step(_ signals: borrowing CaughtSignals) throws {
        var ready = [Readiness(signals.raw, for: .reading)]
        if !operation.isFinished { ready.append(Readiness(operation.descriptor, for: .reading)) }
        if let logs { ready.append(Readiness(logs.descriptor, for: .reading)) }
        let animates = reporter.isAnimated && !operation.isFinished
        try waitForReadiness(&ready, timeout: animates ? .milliseconds(100) : nil)
        while let signal = signals.next() { try take(signal) }
        var index = 1
        if !operation.isFinished {
            if ready[index].isReadable {
                try operation.read()
                if operation.isFinished { reporter.finish() }
                try openLogs()
            } else if animates {
                reporter.tick()
            }
            index += 1
        }
        if index < ready.count, ready[index].isReadable { try readLogs() }
    }

    /// Decides what to do after the end of an operation; false when everything is over.
    private func goOn() throws -> Bool {
        let outcome = try session.unwrap(operation.outcome)
        if outcome.status == .needsConsent {
            request.consent = try session.obtainConsent(to: outcome.consent, consent)
            request.key = session.makeKey()
            try start(request)
            return true
        }
        if phase == .running {
            switch outcome.status {
            case .failed:
                logs = nil
                _ = try session.conclude(operation, outcome)
            case .cancelled:
                // Ctrl-C during the start: stop what already runs, as after any Ctrl-C.
                if status != nil {
                    try stop()
                    return true
                }
            case .succeeded, .needsConsent: break
            }
            if outcome.status == .succeeded, logs == nil, !outputIsOver { try openLogs() }
            if outcome.status == .succeeded, let watch { try begin(watch) }
            return logs != nil
        }
        if outcome.status == .failed { _ = try session.conclude(operation, outcome) }
        // The end of the output has the last lines and codes; it comes when the last container is gone.
        return logs != nil
    }

    /// A copy of this process watches the files, while this one shows output.
    private func begin(_ watch: () throws -> Void) throws {
        self.watch = nil
        let session = session
        watcher = Watcher(try ChildTask { session.runAsChild(watch) })
    }

    /// `keepsReporter`: the operation is about the same objects as the one before, so its progress continues there.
    private func start(_ request: OperationRequest, keepsReporter: Bool = false) throws {
        if !keepsReporter {
            reporter.finish()
            reporter = session.makeReporter()
        }
        operation = RunningOperation(
            try session.engine.operation(session.signed(request), in: project.name), in: session, reporter: reporter)
    }

    private func openLogs() throws {
        guard logs == nil, phase == .running else { return }
        // A failed operation has no output, and reports its own failure.
        if let outcome = operation.outcome, outcome.status != .succeeded { return }
        // Even if nothing is shown, the stream reports when all containers have ended.
        let services = choice.abort == .never && !choice.shown.isEmpty ? choice.shown : choice.selected
        do throws(EngineFailure) {
            logs = try session.engine.logs(
                LogRequest(services: services, follow: true, since: since, expectsStart: true), of: project.name)
            shownBefore = newest
        } catch {
            // The project is not stored yet; the next event tries again.
            if error.code != .notFound || operation.isFinished { throw error }
            return
        }
        guard !shownHeader, !choice.shown.isEmpty else { return }
        shownHeader = true
        reporter.suspend()
        session.stdout.line(
            "Attaching to \(Self.labels(of: choice.shown, in: project).sorted().joined(separator: ", "))")
    }

    private func readLogs() throws {
        guard let lines = try logs?.nextBatch() else {
            logs = nil
            // Before that it may only mean that nothing ran yet.
            outputIsOver = operation.isFinished || phase != .running
            return
        }
        let fresh = lines.filter { $0.time > shownBefore[$0.container] ?? 0 }
        for line in lines { newest[line.container] = max(line.time, newest[line.container] ?? 0) }
        let shown = fresh.filter { choice.shown.contains(service(of: $0)) }
        if !shown.isEmpty {
            reporter.suspend()
            printer.print(shown)
        }
        for line in fresh {
            endings.removeAll { $0.label == line.label }
            guard case .exited(let code, willRestart: false, _) = line.event else { continue }
            endings.append((line.label, code))
            try note(service(of: line), code)
        }
    }

    private func service(of line: LogLine) -> String {
        project.services.first { $0.containerName == line.label }?.name ?? LogPrinter.service(ofLabel: line.label)
    }

    private func note(_ service: String, _ code: Int) throws {
        switch choice.abort {
        case .never: return
        case .onFailure where code == 0: return
        case .onExit(let wanted?): if service == wanted { status = .container(code) }
        case .onExit, .onFailure: if status == nil { status = .container(code) }
        }
        guard phase == .running else { return }
        reporter.suspend()
        session.stderr.line(session.errorStyle(.boldRed, "Aborting on container exit..."))
        // The chosen service has not ended yet; its code comes while it is being stopped.
        if status == nil { status = .failure }
        try stop()
    }

    private func take(_ signal: CInt) throws {
        presses += 1
        if CaughtSignals.leaving.contains(signal) || presses > 2 { throw ExitStatus.interrupted }
        if phase == .running || presses == 1 { status = .interrupted }
        reporter.suspend()
        if presses == 1 {
            session.stdout.line("Gracefully Stopping... press Ctrl+C again to force")
            // Cancel a start in progress first; `goOn` then stops what runs.
            if operation.isFinished { try stop() } else if phase == .running { try operation.cancel(force: false) }
        } else {
            session.stdout.line("Forcing...")
            // Kill what is being stopped at once, and also what would be stopped later.
            if !operation.isFinished { try operation.cancel(force: true) }
            try stop(timeout: .zero, keepsReporter: true)
        }
    }

    private func stop() throws { try stop(timeout: choice.timeout) }

    private func stop(timeout: Duration?, keepsReporter: Bool = false) throws {
        phase = .stopping
        watch = nil
        watcher?.task.terminate()
        watcher = nil
        try start(
            OperationRequest(key: session.makeKey(), verb: .stop(timeout: timeout), services: choice.selected),
            keepsReporter: keepsReporter)
    }
}
