import Console
import EngineClient
import EngineWire
import Linux

/// An operation of the engine and its events.
final class RunningOperation {
    private let session: Session
    private let stream: EngineStream<ProgressEvent>
    private let reporter: any ProgressReporter
    private(set) var id: String?
    private(set) var outcome: OperationOutcome?
    private(set) var plan: PlanDescription?
    private(set) var created: ContainerRow?
    private(set) var images: [ImageRow] = []
    /// The number of events about objects; none means that there was nothing to do.
    private(set) var objectEvents = 0
    private var cancelWanted: Bool?
    /// Somebody cancelled it; it may have ended before.
    var wasCancelled: Bool { cancelWanted != nil }

    init(_ stream: EngineStream<ProgressEvent>, in session: Session, reporter: any ProgressReporter) {
        self.stream = stream
        self.session = session
        self.reporter = reporter
    }

    var descriptor: CInt { stream.descriptor }
    var isFinished: Bool { outcome != nil }

    /// Reads the events that have arrived; waits if there are none.
    func read() throws {
        guard let events = try stream.nextBatch() else {
            throw EngineFailure(
                code: .engineLost, message: "the engine ended during the operation",
                hint: "run the same command again: it continues from the current state")
        }
        for event in events { try take(event) }
    }

    private func take(_ event: ProgressEvent) throws {
        switch event {
        case .started(let operation):
            id = operation
            if let force = cancelWanted { try cancel(force: force) }
        case .planned(let plan): self.plan = plan
        case .created(let container): created = container
        case .object: objectEvents += 1
        case .images(let images): self.images = images
        case .finished(let outcome): self.outcome = outcome
        case .warning(let message, let hint, let path?):
            reporter.suspend()
            if session.showInFile(warning: message, hint: hint, path: path) { return }
        case .warning, .transfer: break
        }
        reporter.show(event)
    }

    /// Steps in progress finish, and no new ones begin; with `force` they are not waited for either.
    func cancel(force: Bool) throws {
        cancelWanted = force
        guard let id, outcome == nil else { return }
        do throws(EngineFailure) { try session.engine.cancel(operation: id, force: force) } catch {
            // It has just ended; its outcome is on the way.
            if error.code != .notFound { throw error }
        }
    }
}

extension Session {
    /// Sends `request` and follows it to its end; asks for consent before data are lost.
    ///
    /// Ctrl-C cancels, a second one forces, a third one leaves; Ctrl-\ and a closed terminal leave at once. Shows
    /// failures, then throws a status.
    @discardableResult
    func perform(
        _ request: OperationRequest, in project: String, consent: Consent = .ask, quiet: Bool = false,
        parallelism: Int? = nil
    ) throws -> OperationResult {
        var request = request
        request.parallelism = try parallelism ?? self.parallelism()
        while true {
            let reporter = makeReporter(quiet: quiet)
            let operation = RunningOperation(
                try engine.operation(signed(request), in: project), in: self, reporter: reporter)
            try follow(operation, reporter: reporter)
            let outcome = try unwrap(operation.outcome)
            guard outcome.status == .needsConsent else { return try conclude(operation, outcome) }
            request.consent = try obtainConsent(to: outcome.consent, consent)
            request.key = makeKey()
        }
    }

    /// The same for a verb on one container, given by name or id.
    @discardableResult
    func perform(_ request: OperationRequest, onContainer name: String) throws -> OperationResult {
        let reporter = makeReporter(quiet: false)
        let operation = RunningOperation(
            try engine.operation(request, onContainer: name), in: self, reporter: reporter)
        try follow(operation, reporter: reporter)
        return try conclude(operation, try unwrap(operation.outcome))
    }

    struct OperationResult {
        let outcome: OperationOutcome
        let plan: PlanDescription?
        let created: ContainerRow?
        let objectEvents: Int
    }

    enum Consent {
        case ask
        /// `-y`.
        case given
    }

    /// Reads events until the operation has ended; passes Ctrl-C on.
    func follow(_ operation: RunningOperation, reporter: any ProgressReporter) throws {
        try follow(operation, reporter: reporter, signals: try CaughtSignals(CaughtSignals.ending), mayLeave: true)
    }

    /// The same with signals that the caller continues to catch. With `mayLeave`, the operation continues in the engine
    /// when the terminal closes; without it, it is cancelled.
    func follow(
        _ operation: RunningOperation, reporter: any ProgressReporter, signals: borrowing CaughtSignals, mayLeave: Bool
    ) throws {
        defer { reporter.finish() }
        var presses = 0
        while !operation.isFinished {
            var ready = [Readiness(operation.descriptor, for: .reading), Readiness(signals.raw, for: .reading)]
            try waitForReadiness(&ready, timeout: reporter.isAnimated ? .milliseconds(100) : nil)
            while let signal = signals.next() {
                guard CaughtSignals.ending.contains(signal) else { continue }
                presses += 1
                if presses > 2 || mayLeave && CaughtSignals.leaving.contains(signal) { throw ExitStatus.interrupted }
                reporter.suspend()
                stderr.line(presses == 1 ? "Cancelling... press Ctrl+C again to force" : "Forcing...")
                try operation.cancel(force: presses > 1)
            }
            if ready[0].isReadable { try operation.read() } else { reporter.tick() }
        }
    }

    /// Shows what failed or was cancelled.
    func conclude(_ operation: RunningOperation, _ outcome: OperationOutcome) throws -> OperationResult {
        switch outcome.status {
        case .succeeded, .needsConsent: break
        case .failed:
            if global.dryRun, let plan = operation.plan { stdout.write(PlanText.text(plan, style: style)) }
            show(outcome.errors)
            if outcome.errors.isEmpty { show(EngineFailure(code: .failed, message: "the operation failed")) }
            if outcome.changes > 0, outcome.errors.allSatisfy({ $0.hint == nil }) {
                show(
                    hint:
                        "everything created so far stays: `berth ps -a` shows it, `berth up` continues, `berth down` removes it"
                )
            }
            throw ExitStatus.failure
        case .cancelled:
            let changes = outcome.changes == 1 ? "1 change was made" : "\(outcome.changes) changes were made"
            stderr.line(
                outcome.changes == 0
                    ? "Cancelled; nothing was changed."
                    : "Cancelled; \(changes): `berth ps -a` shows what exists, `berth up` continues, `berth down` removes it."
            )
            throw ExitStatus.interrupted
        }
        if global.dryRun { stdout.write(PlanText.text(operation.plan ?? PlanDescription(actions: []), style: style)) }
        return OperationResult(
            outcome: outcome, plan: operation.plan, created: operation.created, objectEvents: operation.objectEvents)
    }

    private func show(hint: String) {
        guard progress != .json else { return }
        stderr.line(errorStyle(.cyan, "hint:") + " \(hint)")
    }

    func unwrap(_ outcome: OperationOutcome?) throws -> OperationOutcome {
        guard let outcome else { throw ExitStatus.failure }
        return outcome
    }

    /// The names of objects whose data may be deleted.
    func obtainConsent(to names: [String], _ consent: Consent) throws -> [String] {
        if consent == .given { return names }
        for name in names {
            let question =
                "Volume \"\(name)\" exists but doesn't match configuration in compose file. Recreate (data will be lost)?"
            guard Terminal.isTerminal(Terminal.stdin) else {
                throw CommandFailure(
                    "\(question) There is no terminal to ask; nothing was changed.",
                    hint: "answer yes with -y, or restore the volume's old settings in the file")
            }
            guard confirm(question) else {
                throw CommandFailure(
                    "\"\(name)\" is kept; nothing was changed",
                    hint: "restore the volume's old settings in the file, or give it another name there")
            }
        }
        return names
    }
}
