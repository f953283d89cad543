import EngineWire
import Logging
import Monitor
import ProjectModel
import Reconcile

/// Owns one project: its desired state, the operations on it one after the other, and its healing between them.
actor ProjectLoop {
    let name: String
    let parts: EngineParts
    private let observer: ProjectObserver
    private(set) var desired: Desired?
    private var operations: [String: Operation] = [:]
    private var recentKeys: [String] = []
    /// What is under way, and behind it what waits; healing only begins when there is nothing.
    private var turns: [Turn] = []
    private var isTakingTurns = false
    /// A person cancelled: nothing is healed until the next verb.
    private var isHeld = false
    /// What healing still has to look after once no verb waits: a verb cut a healing short, or services that the last verb was not
    /// about still wait for others since an earlier one.
    private var unhealed: (reason: String, scope: PlanScope)?
    private var healingFailures = 0
    private var healRetry: Task<Void, Never>?

    /// One piece of work; one after the other.
    private struct Turn {
        enum Kind {
            case healing(String, PlanScope)
            /// May wait for something that never comes.
            case waiting
            /// Ends by itself, soon.
            case steady
        }

        let kind: Kind
        let operation: Operation
        let body: @Sendable (isolated ProjectLoop) async -> Void
    }

    init(name: String, desired: Desired?, parts: EngineParts) {
        self.name = name
        self.desired = desired
        self.parts = parts
        observer = ProjectObserver(inventory: parts.inventory, machine: parts.machine)
    }

    // MARK: Operations

    /// Begins an operation, or joins the one with the same key.
    func submit(_ request: OperationRequest) -> Operation {
        if let known = operations[request.key] { return known }
        let operation = Operation(
            id: String(parts.machine.newID().prefix(16)), key: request.key, project: name,
            parallelism: request.parallelism)
        remember(operation)
        if !request.dryRun { supersede(by: request.verb) }
        parts.operations.add(operation)
        let kind: Turn.Kind = request.dryRun || request.verb.supersedes ? .steady : .waiting
        enqueue(Turn(kind: kind, operation: operation) { await $0.carryOut(request, operation) })
        _ = operation.onCancel { Task { await self.drop(request, operation) } }
        return operation
    }

    /// Gives up what stands before a verb and could hold it up: a stop must not wait for an `up`, under way or still in the queue,
    /// that waits for a service that never becomes healthy; and no verb for a healing, since it plans anew what is still to be done.
    private func supersede(by verb: Verb) {
        for turn in turns {
            switch turn.kind {
            case .healing(let reason, let scope):
                turn.operation.cancel(force: false)
                healLater(because: reason, in: scope)
            case .waiting: if verb.supersedes { turn.operation.cancel(force: false) }
            case .steady: break
            }
        }
    }

    private func enqueue(_ turn: Turn) {
        turns.append(turn)
        guard !isTakingTurns else { return }
        isTakingTurns = true
        Task { await self.takeTurns() }
    }

    private func takeTurns() async {
        while let turn = turns.first {
            await turn.body(self)
            turns.removeFirst()
            if let unhealed { heal(because: unhealed.reason, in: unhealed.scope) }
        }
        isTakingTurns = false
    }

    /// A cancelled operation that has not begun need not wait for its turn to say so.
    private func drop(_ request: OperationRequest, _ operation: Operation) async {
        guard let index = turns.dropFirst().firstIndex(where: { $0.operation === operation }) else { return }
        turns.remove(at: index)
        await carryOut(request, operation)
    }

    private func remember(_ operation: Operation) {
        operations[operation.key] = operation
        recentKeys.append(operation.key)
        if recentKeys.count > 64 { operations[recentKeys.removeFirst()] = nil }
    }

    private func carryOut(_ request: OperationRequest, _ operation: Operation) async {
        if operation.isCancelled {
            operation.finish(.init(status: .cancelled))
        } else {
            isHeld = false
            do {
                operation.finish(try await outcome(of: request, operation))
            } catch {
                operation.finish(.init(status: .failed, errors: [EngineFailure(describing: error)]))
            }
            if operation.isCancelled, !request.dryRun { isHeld = true }
        }
        await parts.operations.remove(operation)
        if !request.dryRun { await parts.vault.release(request.project) }
    }

    /// What would be done, without doing it.
    func plan(_ request: OperationRequest) async throws -> PlanDescription {
        let (wanted, plan, observed, _) = try await prepare(request)
        let verdict = await parts.preflight.verdict(wanted, plan, observed, isTrial: true)
        return await description(of: plan, for: request, verdict)
    }

    /// With what would be fetched before.
    private func description(
        of plan: Plan, for request: OperationRequest, _ verdict: PreflightInspector.Verdict,
        removing images: [String] = []
    ) async -> PlanDescription {
        guard let project = request.project, let policy = request.verb.pullPolicy else {
            return PlanDescription(plan, fetching: [], verdict, removing: images)
        }
        let names = project.selection(
            of: request.verb.named(request.services), dependencies: request.verb.drawsInDependencies)
        let pulls = await PullNeed.all(
            of: project.services.filter { names.contains($0.name) }, in: name, override: policy, on: parts.machine)
        return PlanDescription(plan, fetching: pulls, verdict, removing: images)
    }

    private func outcome(of request: OperationRequest, _ operation: Operation) async throws -> OperationOutcome {
        if !request.dryRun, request.verb.pullPolicy != nil, let project = request.project {
            operation.need(imagesOf: project.services)
        }
        // Before it is carried out: afterwards nobody knows of the services any more.
        let leavingImages = imagesToRemove(request)
        if case .pull(let policy, let ignoreFailures, let dependencies) = request.verb {
            let puller = ImagePuller(
                machine: parts.machine, operation: operation, logins: request.logins ?? RegistryLogins())
            let outcome = try await puller.pull(
                request, stored: desired, policy: policy ?? .always, ignoreFailures: ignoreFailures,
                dependencies: dependencies)
            return operation.isCancelled ? OperationOutcome(status: .cancelled) : outcome
        }
        if !request.dryRun, let project = request.project, let policy = request.verb.pullPolicy {
            let puller = ImagePuller(
                machine: parts.machine, operation: operation, logins: request.logins ?? RegistryLogins())
            let failures = await puller.pullMissing(
                project, services: request.verb.named(request.services),
                dependencies: request.verb.drawsInDependencies, override: policy
            ) {
                guard let (wanted, plan, observed, _) = try? await self.prepare(request) else { return [] }
                return await self.parts.preflight.verdict(wanted, plan, observed, isTrial: true).errors
            }
            if operation.isCancelled { return OperationOutcome(status: .cancelled) }
            guard failures.isEmpty else { return OperationOutcome(status: .failed, errors: failures) }
        }
        // What it leaves is told at the end.
        if !request.dryRun { _ = await finishInterrupted() }
        let (wanted, plan, observed, change) = try await prepare(request)
        for note in change.notes { operation.emit(.warning(note)) }
        let verdict = await parts.preflight.verdict(wanted, plan, observed, isTrial: request.dryRun)
        if request.dryRun {
            operation.emit(
                .planned(await description(of: plan, for: request, verdict, removing: leavingImages)))
        }
        for warning in verdict.warnings {
            operation.emit(.warning(warning.message, hint: warning.hint, path: warning.path))
        }
        guard verdict.errors.isEmpty else { return OperationOutcome(status: .failed, errors: verdict.errors) }
        if request.dryRun { return OperationOutcome(status: .succeeded) }
        let consent = Set(plan.namesNeedingConsent).subtracting(request.consent).subtracting(request.refused)
        guard consent.isEmpty else { return OperationOutcome(status: .needsConsent, consent: consent.sorted()) }
        try await store(wanted)
        reportWhatRuns(wanted, plan, observed, request, change, operation)
        if case .kill(let signal, _) = request.verb { try await kill(signal, request, operation) }
        let result = await converge(
            operation, stopTimeout: request.verb.stopTimeout, consent: Set(request.consent), in: change.scope,
            settling: request.verb.settlesDependencies ? Set(change.services) : [])
        let outcome = try await finish(request, operation, result)
        guard outcome.status == .succeeded, !leavingImages.isEmpty else { return outcome }
        let use = ImageUse(inventory: parts.inventory, machine: parts.machine, operations: parts.operations)
        let (count, failures) = await ImageRemover(machine: parts.machine, use: use, operation: operation)
            .remove(leavingImages)
        return OperationOutcome(
            status: failures.isEmpty ? .succeeded : .failed, errors: failures, changes: outcome.changes + count)
    }

    /// What `down --rmi` takes along: the images of the services that it names, as the file has them or as they were wished.
    private func imagesToRemove(_ request: OperationRequest) -> [String] {
        guard case .down(let options) = request.verb, let removal = options.images else { return [] }
        let filed = request.project?.services ?? []
        let known = Set(filed.map(\.name))
        let wished = desired?.services.filter {
            !known.contains($0.spec.name) && (options.removeOrphans || !$0.isOrphan)
        }
        let services = (filed + (wished?.map(\.spec) ?? [])).filter {
            request.services.isEmpty || request.services.contains($0.name)
        }
        return ImageRemover.references(removal, of: services, project: name)
    }

    /// The desired state that the request leads to, and what has to be done for it; nothing is stored yet.
    private func prepare(_ request: OperationRequest) async throws -> (Desired, Plan, Observed, IntentChange) {
        var wanted = desired ?? Desired(project: name)
        var lookAt = wanted
        if let project = request.project { lookAt.take(project) }
        let observed = try await observer.observe(lookAt)
        do throws(IntentError) {
            let change = try wanted.apply(
                IntentVerb(request.verb), project: request.project, services: request.services, observed: observed)
            return (wanted, Reconcile.plan(desired: wanted, observed: observed, in: change.scope), observed, change)
        } catch {
            throw EngineFailure(code: "invalid", message: error.description, hint: error.hint)
        }
    }

    private func store(_ wanted: Desired) async throws {
        guard wanted != desired else { return }
        let before = desired
        desired = wanted  // before the await: whoever enters there sees the new wish
        do {
            try await parts.store.save(wanted, takesAway: wanted.onlyTakesAway(from: before))
        } catch {
            // `stop` and `down` must work on a full disk: they only take away.
            guard wanted.onlyTakesAway(from: before) else {
                desired = before
                throw error
            }
            parts.log.warning("project \(name): the wish could not be stored: \(error)")
        }
    }

    // MARK: Converging

    /// `scope`: what may be touched; the rest is left to the next verb without names.
    /// `followsImages`: containers whose reference names another image by now are replaced. Only a verb may ask for that: a pull
    /// or an import must not make the healing replace what runs.
    /// `settling`: services whose dependencies are waited for although they run already.
    private func converge(
        _ operation: Operation, stopTimeout: Duration?, consent: Set<String>, followsImages: Bool = true,
        in scope: PlanScope = .all, settling: Set<String> = []
    ) async -> PlanExecutor.Result {
        var total = PlanExecutor.Result()
        var waited: Set<Action> = []
        for _ in 0..<5 {
            total.failures = await finishInterrupted()
            guard let desired else { break }
            var observed: Observed
            do { observed = try await observer.observe(desired) } catch {
                total.failures.append(EngineFailure(describing: error))
                break
            }
            if !followsImages { observed.images = [:] }
            var plan = Self.plan(desired, observed, consent, scope)
            if plan.isEmpty {
                let left = Self.leftWaiting(desired, observed, scope)
                if !left.isEmpty {
                    let extents = left.map { ($0, PlanScope.Extent.whole) }
                    healLater(
                        because: "services that wait for others are still to be started",
                        in: PlanScope(extents: Dictionary(uniqueKeysWithValues: extents)))
                }
                plan = openWaits(of: settling, desired: desired, observed: observed, in: scope)
                // What was waited for once, in vain where it was optional, is not waited for again.
                plan.actions.removeAll { waited.contains($0.action) }
            }
            if plan.isEmpty { break }
            waited.formUnion(plan.actions.lazy.map(\.action).filter(\.isWait))
            let performer = ActionPerformer(
                desired: desired, runner: parts.runner, objects: parts.objects, operation: operation,
                stopTimeout: stopTimeout, logTail: parts.logTail)
            let executor = PlanExecutor(
                limit: operation.parallelism, isCancelled: { operation.isCancelled }, perform: performer.perform)
            let result = await executor.run(plan)
            total.done += result.done
            total.failures += result.failures
            total.wasCancelled = result.wasCancelled
            if !total.failures.isEmpty || result.wasCancelled {
                // What was made to take the place of others is for nothing; what cannot be taken away now is told the next time.
                _ = await finishInterrupted()
                break
            }
        }
        return total
    }

    /// Without what would lose data of volumes that nobody agreed to lose.
    private static func plan(
        _ desired: Desired, _ observed: Observed, _ consent: Set<String>, _ scope: PlanScope
    ) -> Plan {
        let plan = Reconcile.plan(desired: desired, observed: observed, in: scope)
        let kept = Set(plan.namesNeedingConsent).subtracting(consent)
        return kept.isEmpty ? plan : Reconcile.plan(desired: desired, observed: observed, keeping: kept, in: scope)
    }

    /// Services outside of `scope` whose start an earlier verb left waiting for others, with all that they need.
    private static func leftWaiting(_ desired: Desired, _ observed: Observed, _ scope: PlanScope) -> Set<String> {
        guard let touched = scope.extents, touched.count < desired.services.count, desired.removal == nil else {
            return []
        }
        var observed = observed
        observed.images = [:]
        let left = Reconcile.plan(desired: desired, observed: observed).servicesBehindWaits.subtracting(touched.keys)
        return DependencyGraph(services: desired.services.map(\.spec)).closure(of: left)
    }

    /// Containers that a failure left half made or half removed, or made to take the place of another, hold names and networks: they
    /// go before anything is planned.
    private func finishInterrupted() async -> [EngineFailure] {
        var failures: [EngineFailure] = []
        for record in await parts.inventory.everyContainer(of: name) {
            let isWhole = record.life.phase != .creating && record.life.phase != .removing
            if isWhole, await !parts.inventory.isSuccessor(record) { continue }
            do { _ = try await parts.runner.finishInterrupted(record.id) } catch {
                var failure = EngineFailure(describing: error)
                failure.message = "container \(record.name) could not be taken away: \(failure.message)"
                failures.append(failure)
            }
        }
        return failures
    }

    private func finish(
        _ request: OperationRequest, _ operation: Operation, _ result: PlanExecutor.Result
    ) async throws -> OperationOutcome {
        if result.wasCancelled || operation.isCancelled {
            return OperationOutcome(status: .cancelled, errors: result.failures, changes: result.done)
        }
        guard result.failures.isEmpty else {
            return OperationOutcome(status: .failed, errors: result.failures, changes: result.done)
        }
        if request.verb.namesWhatRuns { await warnOfObstacles(operation) }
        if let wait = request.verb.wait {
            let failures = await waitUntilReady(request, wait.timeout, operation)
            if operation.isCancelled { return OperationOutcome(status: .cancelled, changes: result.done) }
            guard failures.isEmpty else {
                return OperationOutcome(status: .failed, errors: failures, changes: result.done)
            }
        }
        if let desired, desired.removal != nil, await parts.inventory.everyContainer(of: name).isEmpty {
            try? await parts.store.removeProject(name)
            self.desired = nil
        }
        return OperationOutcome(status: .succeeded, changes: result.done)
    }

    /// Everything was made, and yet packets of this project's containers may not get through.
    private func warnOfObstacles(_ operation: Operation) async {
        let containers = await parts.inventory.containers(of: name)
        guard containers.contains(where: { $0.isUp && !$0.endpoints.isEmpty }) else { return }
        for obstacle in await parts.machine.obstacles() {
            operation.emit(.warning(obstacle.message, hint: obstacle.hint))
        }
    }

    private func kill(_ signal: String, _ request: OperationRequest, _ operation: Operation) async throws {
        let number = try EngineFailure.checkingSignal(signal)
        var count = 0
        for record in await parts.inventory.containers(of: name)
        where record.isUp {
            guard request.services.isEmpty || request.services.contains(record.service) else { continue }
            count += 1
            operation.object(.container, record.name, "Killing")
            try await parts.runner.kill(record.id, number)
            operation.object(.container, record.name, "Killed", done: true)
        }
        if count == 0 { operation.emit(.warning("no container to kill")) }
    }

    // MARK: Healing

    /// Something changed by itself: converge again once nothing else is under way.
    func heal(because reason: String) { heal(because: reason, in: .all) }

    private func healLater(because reason: String, in scope: PlanScope) {
        unhealed = (reason, unhealed?.scope.union(scope) ?? scope)
    }

    private func heal(because reason: String, in scope: PlanScope) {
        guard turns.isEmpty, !isHeld, desired != nil else { return }
        unhealed = nil
        let operation = Operation(id: "heal", key: "heal", project: name)
        enqueue(
            Turn(kind: .healing(reason, scope), operation: operation) { await $0.healNow(reason, operation, scope) })
    }

    private func healNow(_ reason: String, _ operation: Operation, _ scope: PlanScope) async {
        guard !isHeld, desired != nil, !operation.isCancelled else { return }
        let result = await converge(operation, stopTimeout: nil, consent: [], followsImages: false, in: scope)
        operation.finish(.init(status: result.failures.isEmpty ? .succeeded : .failed, errors: result.failures))
        if result.done > 0 {
            parts.log.notice("project \(name): healed after: \(reason)", metadata: ["actions": "\(result.done)"])
        }
        guard !result.failures.isEmpty else {
            healingFailures = 0
            return
        }
        for failure in result.failures { parts.log.error("project \(name): \(failure.message)") }
        healingFailures += 1
        let delay = Duration.seconds(min(60, 1 << min(healingFailures, 6)))
        healRetry?.cancel()
        healRetry = Task {
            do { try await parts.machine.sleep(delay) } catch { return }
            self.heal(because: "the last attempt failed")
        }
    }

    /// What is wanted of a service, for the restart decision.
    func goal(of service: String) -> DesiredService.Goal? {
        guard desired?.removal == nil else { return .absent }
        return desired?.service(service)?.goal
    }
}
