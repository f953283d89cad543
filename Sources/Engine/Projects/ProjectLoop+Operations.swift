import EngineWire
import Logging
import ProjectModel
import Reconcile

/// Carries out a request in steps: observe, check, store, act.
extension ProjectLoop {
    func carryOut(_ work: Work, _ operation: Operation) async {
        let request = work.request
        if operation.isCancelled {
            operation.finish(.init(status: .cancelled))
        } else {
            isHeld = false
            do {
                operation.finish(try await outcome(of: work, operation))
            } catch {
                operation.finish(.init(status: .failed, errors: [EngineFailure(describing: error)]))
            }
            if operation.isCancelled, !request.dryRun { isHeld = true }
        }
        await parts.operations.remove(operation)
        if !request.dryRun { await parts.vault.release(request.project) }
    }

    /// The plan for a request; changes nothing.
    func plan(_ request: OperationRequest) async throws -> PlanDescription {
        let prepared = try await prepare(Work(request: request))
        let verdict = await verdict(prepared, new: nil, isTrial: true)
        return await description(of: prepared.plan, for: request, verdict)
    }

    /// Includes the images to pull first.
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
            of: project.services.filter { names.contains($0.name) && request.builds?[$0.name] == nil }, in: name,
            override: policy, on: parts.machine)
        return PlanDescription(plan, fetching: pulls, building: request.builds ?? [:], verdict, removing: images)
    }

    private func outcome(of work: Work, _ operation: Operation) async throws -> OperationOutcome {
        let request = work.request
        if let new = work.new { operation.need(imagesOf: [new.service]) }
        if !request.dryRun, request.verb.pullPolicy != nil, let project = request.project {
            operation.need(imagesOf: project.services)
        }
        // Read this first: afterwards the services are unknown.
        let leavingImages = imagesToRemove(request)
        if case .pull(let policy, let ignoreFailures, let dependencies) = request.verb {
            let puller = ImagePuller(
                machine: parts.machine, operation: operation, logins: request.logins ?? RegistryLogins(),
                history: parts.inventory.history)
            let outcome = try await puller.pull(
                request, stored: desired, policy: policy ?? .always, ignoreFailures: ignoreFailures,
                dependencies: dependencies)
            return operation.isCancelled ? OperationOutcome(status: .cancelled) : outcome
        }
        if !request.dryRun, let outcome = await fetchImages(for: work, operation) { return outcome }
        // Problems that remain are reported at the end.
        if !request.dryRun, !work.isAside { _ = await finishInterrupted() }
        let prepared = try await prepare(work)
        let (plan, change) = (prepared.plan, prepared.change)
        for note in change.notes { operation.emit(.warning(note)) }
        let verdict = await verdict(prepared, new: work.new, isTrial: request.dryRun)
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
        try await store(prepared.wanted, prepared.observed.images, because: request.verb.cause)
        if work.isAboutServices {
            reportWhatRuns(prepared.wanted, plan, prepared.observed, request, change, operation)
        }
        if case .kill(let signal, _) = request.verb { try await kill(signal, work, operation) }
        let result = await converge(
            operation, stopTimeout: request.verb.stopTimeout, consent: Set(request.consent), in: change.scope,
            settling: request.verb.settlesDependencies && work.isAboutServices ? Set(change.services) : [],
            making: work.new?.wanted, isAside: work.isAside)
        var outcome = try await finish(work, operation, result)
        if let new = work.new {
            await conclude(new, outcome, operation)
            if outcome.status != .succeeded, !work.isAboutServices { outcome.changes = 0 }
        }
        guard outcome.status == .succeeded, !leavingImages.isEmpty else { return outcome }
        let use = ImageUse(inventory: parts.inventory, machine: parts.machine, operations: parts.operations)
        let (count, failures) = await ImageRemover(machine: parts.machine, use: use, operation: operation)
            .remove(leavingImages)
        return OperationOutcome(
            status: failures.isEmpty ? .succeeded : .failed, errors: failures, changes: outcome.changes + count)
    }

    /// Pulls images that are missing or must be updated; nil when the operation continues.
    private func fetchImages(for work: Work, _ operation: Operation) async -> OperationOutcome? {
        let request = work.request
        let puller = ImagePuller(
            machine: parts.machine, operation: operation, logins: request.logins ?? RegistryLogins(),
            history: parts.inventory.history)
        let obstacles: @Sendable () async -> [EngineFailure] = {
            guard let prepared = try? await self.prepare(work) else { return [] }
            return await self.verdict(prepared, new: work.new, isTrial: true).errors
        }
        var failures: [EngineFailure] = []
        if work.isAboutServices, let project = request.project, let policy = request.verb.pullPolicy {
            failures = await puller.pullMissing(
                project, services: request.verb.named(request.services),
                dependencies: request.verb.drawsInDependencies, override: policy, unless: obstacles)
        }
        if let new = work.new, failures.isEmpty, !operation.isCancelled {
            failures = await puller.pull(
                [new.service], project: name, override: new.pull, isNoted: new.wanted.owner.project != nil,
                unless: obstacles)
        }
        if operation.isCancelled { return OperationOutcome(status: .cancelled) }
        return failures.isEmpty ? nil : OperationOutcome(status: .failed, errors: failures)
    }

    /// The problems of a plan.
    private func verdict(
        _ prepared: Prepared, new: NewContainer?, isTrial: Bool
    ) async -> PreflightInspector.Verdict {
        let wanted = prepared.wanted.completed
        var verdict = await parts.preflight.verdict(
            wanted, prepared.plan.ofServices, prepared.observed, isTrial: isTrial)
        guard let new else { return verdict }
        // Check it as the service that it would be.
        var alone = wanted
        alone.secrets = new.wanted.definitions.secrets
        alone.configs = new.wanted.definitions.configs
        alone.services.removeAll { $0.spec.name == new.service.name }
        // One that is only made needs its ports later.
        let goal: DesiredService.Goal = new.wanted.wish.goal == .created ? .created : .running
        alone.services.append(DesiredService(spec: new.service, goal: goal, scale: 1))
        let replica = Replica.oneOff(service: new.service.name, name: "\(new.wanted.replica)")
        let making = Plan(actions: [
            PlannedAction(number: 1, action: .create(replica, replacing: nil), after: [], reason: .askedFor)
        ])
        var own = await parts.preflight.verdict(alone, making, prepared.observed, isTrial: isTrial)
        if case .free(let name) = new.wanted.owner { own.call(service: name, new.wanted.owner.subject) }
        verdict += own
        return verdict
    }

    /// The images that `down --rmi` removes: those of the named services, from the file or from the desired state.
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

    /// The result of a request; stores nothing yet.
    private func prepare(_ work: Work) async throws -> Prepared {
        let request = work.request
        var wanted = await currentWish()
        var lookAt = wanted
        if let new = work.new { lookAt.singles.append(new.wanted) }
        lookAt = lookAt.completed
        if let project = request.project { lookAt.take(project) }
        let observed = try await observer.observe(lookAt, group)
        var targets: [String: RollbackTarget] = [:]
        if case .rollback(let number) = request.verb {
            targets = try await rollbackTargets(of: request.services, to: number)
        }
        var change = IntentChange()
        do throws(IntentError) {
            if work.isAboutServices || work.new == nil {
                change = try wanted.apply(
                    IntentVerb(request.verb, targets: targets), project: request.project, services: request.services,
                    containers: Set(request.containers ?? []), observed: observed)
            } else {
                change.scope = PlanScope(extents: [:])
            }
        } catch {
            throw EngineFailure(code: .invalid, message: error.description, hint: error.hint)
        }
        if let new = work.new {
            if new.removesOrphans, let project = request.project {
                change.scope = change.scope.union(wanted.removeOrphans(project: project, observed: observed))
            }
            wanted.removal = nil
            wanted.singles.append(new.wanted)
            change.scope.singles.insert(new.wanted.id)
        }
        let plan = Reconcile.plan(desired: wanted.completed, observed: observed, in: change.scope)
        return Prepared(wanted: wanted, plan: plan, observed: observed, change: change)
    }

    /// The current desired state with the containers that belong to no service; `new` is a container that does not
    /// exist yet.
    func currentWish(adding new: DesiredContainer? = nil) async -> Desired {
        var wish = desired ?? Desired(project: name)
        wish.singles = await parts.inventory.singles(of: group)
        if let new, await parts.inventory.container(new.id) == nil { wish.singles.append(new) }
        return wish
    }

    /// `images`: the ids that references name now.
    func store(
        _ all: Desired, _ images: [String: String] = [:], because cause: VersionRow.Cause = .other
    ) async throws {
        let stored = await parts.inventory.singles(of: group)
        for single in all.singles where stored.first(where: { $0.id == single.id })?.wish != single.wish {
            let takesAway = [.stopped, .absent].contains(single.wish.goal)
            try await parts.inventory.update(single.id, volatile: takesAway) { $0.wish = single.wish }
        }
        var wanted = all
        wanted.singles = []
        // A service also gets a new version when only its image changed.
        let versions = wanted.numberVersions(since: desired, images: images, at: parts.machine.now(), because: cause)
        guard wanted != desired ?? Desired(project: name) else { return }
        let before = desired
        desired = wanted  // before the await: other calls during it see the new desired state
        do {
            try await parts.store.save(wanted, versions, takesAway: wanted.onlyTakesAway(from: before))
            if !versions.isEmpty { await parts.inventory.keepImages(try await parts.store.versionImages()) }
        } catch {
            // `stop` and `down` must work on a full disk: they only remove.
            guard wanted.onlyTakesAway(from: before) else {
                desired = before
                throw error
            }
            parts.log.warning("\(description()): the desired state could not be stored: \(error)")
        }
    }

    private func finish(
        _ work: Work, _ operation: Operation, _ result: PlanExecutor.Result
    ) async throws -> OperationOutcome {
        let request = work.request
        if result.wasCancelled || operation.isCancelled {
            return OperationOutcome(status: .cancelled, errors: result.failures, changes: result.done)
        }
        guard result.failures.isEmpty else {
            return OperationOutcome(status: .failed, errors: result.failures, changes: result.done)
        }
        if request.verb.namesWhatRuns { await warnOfObstacles(operation, work.new?.wanted.id) }
        if let wait = request.verb.wait {
            let failures = await waitUntilReady(request, wait.timeout, operation)
            if operation.isCancelled { return OperationOutcome(status: .cancelled, changes: result.done) }
            guard failures.isEmpty else {
                return OperationOutcome(status: .failed, errors: failures, changes: result.done)
            }
        }
        if let desired, desired.removal != nil, await parts.inventory.everyContainer(of: group).isEmpty {
            try? await parts.store.removeProject(name)
            parts.inventory.history.forget(project: name)
            if let images = try? await parts.store.versionImages() { await parts.inventory.keepImages(images) }
            self.desired = nil
        }
        return OperationOutcome(status: .succeeded, changes: result.done)
    }

    /// Warns when everything was created but packets of these containers may be blocked.
    private func warnOfObstacles(_ operation: Operation, _ new: String?) async {
        let containers = await parts.inventory.containers(of: group)
        guard containers.contains(where: { ($0.isUp || $0.id == new) && !$0.endpoints.isEmpty }) else { return }
        for obstacle in await parts.machine.obstacles() {
            operation.emit(.warning(obstacle.message, hint: obstacle.hint))
        }
    }

    private func kill(_ signal: String, _ work: Work, _ operation: Operation) async throws {
        let named = Set(work.request.containers ?? [])
        let number = try EngineFailure.checkingSignal(signal)
        var count = 0
        for record in await parts.inventory.containers(of: group) where record.isUp {
            let isMeant = work.isAboutServices && !record.isOneOff && record.isOf(work.request.services)
            guard isMeant || named.contains(record.id) else { continue }
            count += 1
            operation.object(.container, record.name, "Killing")
            try await parts.runner.kill(record.id, number)
            operation.object(.container, record.name, "Killed", done: true)
        }
        if count == 0 { operation.emit(.warning("no container to kill")) }
    }

    /// Reports the created container to the client. Removes it if the operation failed.
    private func conclude(_ new: NewContainer, _ outcome: OperationOutcome, _ operation: Operation) async {
        guard let record = await parts.inventory.container(new.wanted.id) else { return }
        if outcome.status == .succeeded {
            operation.emit(.created(container: ContainerRow(new: record)))
        } else {
            do {
                try await parts.runner.stop(record.id, timeout: .zero)
                try await parts.runner.remove(record.id, anonymousVolumes: true)
            } catch { parts.log.error("\(record.name) could not be removed: \(error)") }
        }
    }
}

extension ContainerRow {
    /// A container that was just created and may wait at its gate.
    init(new record: ContainerRecord) {
        self.init(
            id: record.id, name: record.name, project: record.project ?? "", service: record.service ?? "", number: nil,
            isOneOff: record.isOneOff, image: record.template.image ?? record.imageID, imageID: record.imageID,
            command: record.arguments, labels: record.labels, state: record.life.phase.shown,
            createdAt: Double(record.createdAt) / 1e9, tty: record.template.tty)
    }
}
