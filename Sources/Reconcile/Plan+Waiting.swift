import ProjectModel

/// Only the waits for dependencies of `services` whose conditions are not met yet although the services already run.
///
/// `up` may report that services are up only after these waits.
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
