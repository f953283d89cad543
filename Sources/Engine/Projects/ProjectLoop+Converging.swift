import EngineWire
import Logging
import ProjectModel
import Reconcile

/// Converges a project: plans, acts, and observes again, until observed and desired state agree.
extension ProjectLoop {
    // MARK: Converging

    /// `scope`: the services that may change; others wait for the next verb without service names. `followsImages`:
    /// replace containers whose reference names another image by now. Only a verb may set it: after a pull or an
    /// import, healing must not replace running containers. `new` is created once. `isAside`: see `Work`. `settling`:
    /// services whose dependencies must be ready even though the services already run.
    func converge(
        _ operation: Operation, stopTimeout: Duration?, consent: Set<String>, followsImages: Bool = true,
        in scope: PlanScope = .all, settling: Set<String> = [], making new: DesiredContainer? = nil,
        isAside: Bool = false
    ) async -> PlanExecutor.Result {
        var total = PlanExecutor.Result()
        var waited: Set<Action> = []
        let ledger = UpdateLedger()
        var earlier: [EngineFailure] = []
        for round in 0..<8 {
            total.failures = earlier
            if !isAside { total.failures += await finishInterrupted() }
            let wish = await currentWish(adding: round == 0 ? new : nil)
            if self.desired == nil, wish.singles.isEmpty { break }
            let desired = wish.completed
            var observed: Observed
            do { observed = try await observer.observe(desired, group) } catch {
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
                        because: "services that wait for others are not started yet",
                        in: PlanScope(extents: Dictionary(uniqueKeysWithValues: extents)))
                }
                plan = openWaits(of: settling, desired: desired, observed: observed, in: scope)
                // Do not wait again for an optional dependency that failed once.
                plan.actions.removeAll { waited.contains($0.action) }
            }
            if plan.isEmpty { break }
            waited.formUnion(plan.actions.lazy.map(\.action).filter(\.isWait))
            let performer = ActionPerformer(
                desired: desired, runner: parts.runner, objects: parts.objects, operation: operation, ledger: ledger,
                stopTimeout: stopTimeout, logTail: parts.logTail)
            let executor = PlanExecutor(
                limit: operation.parallelism, isCancelled: { operation.isCancelled },
                preparation: .init(begin: performer.prepare, giveUp: performer.giveUp), perform: performer.perform)
            let result = await executor.run(plan)
            total.done += result.done
            total.failures += result.failures
            total.wasCancelled = result.wasCancelled
            let hasNewFailures = total.failures.count > earlier.count
            if hasNewFailures, !result.wasCancelled, await holdBack(ledger, isRecovering: !earlier.isEmpty),
                earlier.isEmpty
            {
                // Containers that stopped with one that came back must run again, and replaced ones must be restored.
                earlier = total.failures
                continue
            }
            if hasNewFailures || result.wasCancelled {
                // Successors are no longer needed. If one cannot be removed now, the next verb reports it.
                if !isAside { _ = await finishInterrupted() }
                break
            }
        }
        return total
    }

    /// Notes the services whose new containers gave their places back to the old ones.
    /// - Returns: Whether there are any.
    private func holdBack(_ ledger: UpdateLedger, isRecovering: Bool) async -> Bool {
        let consequences = ledger.consequences
        guard !consequences.isEmpty, var wanted = desired else { return false }
        var cause = VersionRow.Cause.other
        for index in wanted.services.indices {
            let service = wanted.services[index].spec.name
            guard let consequence = consequences[service] else { continue }
            if consequence == .rollback, !isRecovering,
                let targets = try? await rollbackTargets(of: [service], to: nil)
            {
                let nothing = Observed()
                _ = try? wanted.apply(.rollback(targets), project: nil, services: [service], observed: nothing)
                cause = .failedUpdate
            } else {
                wanted.services[index].isUpdatePaused = true
            }
        }
        do { try await store(wanted, because: cause) } catch {
            parts.log.warning("\(description()): the state of a paused update could not be stored: \(error)")
        }
        return true
    }

    /// Leaves out actions that would delete volume data without the user's consent.
    private static func plan(
        _ desired: Desired, _ observed: Observed, _ consent: Set<String>, _ scope: PlanScope
    ) -> Plan {
        let plan = Reconcile.plan(desired: desired, observed: observed, in: scope)
        let kept = Set(plan.namesNeedingConsent).subtracting(consent)
        return kept.isEmpty ? plan : Reconcile.plan(desired: desired, observed: observed, keeping: kept, in: scope)
    }

    /// Services outside of `scope` that an earlier verb left waiting for others, with everything that they need.
    private static func leftWaiting(_ desired: Desired, _ observed: Observed, _ scope: PlanScope) -> Set<String> {
        guard let touched = scope.extents, touched.count < desired.services.count, desired.removal == nil else {
            return []
        }
        var observed = observed
        observed.images = [:]
        var desired = desired
        desired.singles = []
        let left = Reconcile.plan(desired: desired, observed: observed).servicesBehindWaits.subtracting(touched.keys)
        return DependencyGraph(services: desired.services.map(\.spec)).closure(of: left)
    }

    /// Removes containers that a failure left half created, half removed, or as unused successors, before planning:
    /// they hold names and networks.
    func finishInterrupted() async -> [EngineFailure] {
        var failures: [EngineFailure] = []
        for record in await parts.inventory.everyContainer(of: group) {
            let isWhole = record.life.phase != .creating && record.life.phase != .removing
            let isJoined = record.unjoinedEndpoints.isEmpty
            if isWhole, isJoined, await !parts.inventory.isHidden(record) { continue }
            do { _ = try await parts.runner.finishInterrupted(record.id) } catch {
                var failure = EngineFailure(describing: error)
                failure.message = "container \(record.name) could not be removed: \(failure.message)"
                failures.append(failure)
            }
        }
        return failures
    }

    // MARK: Healing

    func healNow(_ reason: String, _ operation: Operation, _ scope: PlanScope) async {
        guard !isHeld, !operation.isCancelled else { return }
        let result = await converge(operation, stopTimeout: nil, consent: [], followsImages: false, in: scope)
        operation.finish(.init(status: result.failures.isEmpty ? .succeeded : .failed, errors: result.failures))
        if result.done > 0 {
            parts.log.notice("\(description()): healed after: \(reason)", metadata: ["actions": "\(result.done)"])
        }
        guard !result.failures.isEmpty else {
            healingFailures = 0
            return
        }
        for failure in result.failures { parts.log.error("\(description()): \(failure.message)") }
        healingFailures += 1
        let delay = Duration.seconds(min(60, 1 << min(healingFailures, 6)))
        healRetry?.cancel()
        healRetry = Task {
            do { try await parts.machine.sleep(delay) } catch { return }
            self.heal(because: "the last attempt failed")
        }
    }

    /// The desired state of a container, for the restart decision.
    func goal(of owner: Owner) -> DesiredService.Goal? { desired?.goal(of: owner) }
}
