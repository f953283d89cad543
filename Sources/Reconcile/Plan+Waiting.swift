import ProjectModel

/// The waits for what `services` depend on and what does not hold yet, although they run already; nothing else.
///
/// Who asks for services to be up is told only then that they are.
package func openWaits(
    of services: Set<String>, desired: Desired, observed: Observed, in scope: PlanScope = .all
) -> Plan {
    var planner = Planner(desired: desired, observed: observed, kept: [], scope: scope)
    planner.planObjects()
    planner.decideServices()
    for service in desired.services where services.contains(service.spec.name) {
        guard service.wantsRunning, !service.isOrphan, service.scale > 0 else { continue }
        _ = planner.readiness(for: service.spec, isRestart: false)
    }
    let waits = planner.draft.finished().actions.filter(\.action.isWait)
    return Plan(
        actions: waits.enumerated().map { offset, wait in
            var wait = wait
            (wait.number, wait.after) = (offset + 1, [])
            return wait
        })
}
