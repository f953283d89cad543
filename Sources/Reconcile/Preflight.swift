import ProjectModel

/// Problems that `plan` would run into, found before the first change: errors and warnings, by service, in the order of checks.
///
/// It checks only what the plan creates or starts; what already runs needs no check.
package func preflight(desired: Desired, observed: Observed, plan: Plan, facts: PreflightFacts) -> [PreflightFinding] {
    let check = Preflight(desired: desired, observed: observed, plan: plan, facts: facts)
    var findings = check.cycles()
    for service in check.touched {
        findings += check.image(of: service)
        findings += check.health(service)
        findings += check.names(of: service)
        findings += check.ports(of: service)
        findings += check.files(of: service)
        findings += check.addresses(of: service)
        findings += check.owners(of: service)
        findings += check.limits(of: service)
        findings += check.features(of: service)
    }
    findings += check.networks()
    findings += check.volumes()
    findings += check.abilities()
    return findings
}

/// The input of the checks.
struct Preflight {
    let desired: Desired
    let observed: Observed
    let facts: PreflightFacts
    let graph: DependencyGraph
    let services: [String: DesiredService]
    /// Services in which the plan creates or starts a container, by name.
    let touched: [DesiredService]
    /// What the plan does.
    let effects: PlanEffects
    let containersByID: [String: ObservedContainer]
    /// Services that should have containers, sorted by name: by `container_name`, and by fixed host port.
    let namers: [String: [DesiredService]]
    let publishers: [UInt16: [DesiredService]]

    init(desired: Desired, observed: Observed, plan: Plan, facts: PreflightFacts) {
        self.desired = desired
        self.observed = observed
        self.facts = facts
        services = Dictionary(desired.services.map { ($0.spec.name, $0) }) { first, _ in first }
        graph = DependencyGraph(services: desired.services.filter { $0.goal != .absent }.map(\.spec))
        let effects = PlanEffects(of: plan)
        self.effects = effects
        touched = desired.services.filter { effects.touched.contains($0.spec.name) }
        containersByID = Dictionary(observed.containers.map { ($0.id, $0) }) { first, _ in first }
        var namers: [String: [DesiredService]] = [:]
        var publishers: [UInt16: [DesiredService]] = [:]
        for service in desired.services where service.goal != .absent && !service.isOrphan && service.scale > 0 {
            if let name = service.spec.containerName { namers[name, default: []].append(service) }
            let fixed = service.spec.ports.compactMap(\.publishedRange).filter { $0.count == 1 }.map(\.lowerBound)
            for number in Set(fixed) { publishers[number, default: []].append(service) }
        }
        self.namers = namers
        self.publishers = publishers
    }

    func isCreated(_ service: DesiredService) -> Bool { effects.created[service.spec.name] != nil }

    /// If two services want the same thing, report it once: for the later one, or for the one that the plan touches.
    func isReported(with service: DesiredService, _ other: DesiredService) -> Bool {
        other.spec.name != service.spec.name
            && (other.spec.name < service.spec.name || !effects.touched.contains(other.spec.name))
    }

    func cycles() -> [PreflightFinding] {
        graph.cycles.filter { !effects.touched.isDisjoint(with: $0) }.map { cycle in
            PreflightFinding(
                .dependencyCycle, service: cycle.first,
                at: cycle.count > 1 ? .service(cycle[0], "depends_on", cycle[1]) : nil,
                "dependency cycle detected: \(cycle.joined(separator: " -> "))",
                hint: "remove one of these from depends_on")
        }
    }

    /// A shared namespace needs an owner.
    func owners(of service: DesiredService) -> [PreflightFinding] {
        guard isCreated(service) else { return [] }
        return service.spec.joins.compactMap { join in
            let isMade = effects.created[join.service] != nil
            let isThere = observed.containers.contains {
                $0.service == join.service && !effects.removed.contains($0.id)
            }
            guard !isMade, !isThere else { return nil }
            return PreflightFinding(
                .namespaceOwnerMissing, service: service.spec.name, at: .service(service.spec.name, join.field),
                "\(join.field) is service:\(join.service), which has no container",
                hint: "start \(join.service) too: `berth up \(join.service) \(service.spec.name)`")
        }
    }
}

/// What a plan does, by kind of object.
struct PlanEffects {
    /// Names of services in which it creates or starts a container.
    private(set) var touched: Set<String> = []
    /// Replicas that it creates, by service and number.
    private(set) var created: [String: [Replica]] = [:]
    /// Ids of containers that it stops or removes; what they hold becomes free.
    private(set) var leaving: Set<String> = []
    private(set) var removed: Set<String> = []
    /// Full names.
    private(set) var removedNetworks: Set<String> = []
    private(set) var removedVolumes: Set<String> = []
    /// Keys, in the plan's order.
    private(set) var createdNetworks: [String] = []
    private(set) var createdVolumes: [String] = []

    init(of plan: Plan) {
        for action in plan.actions.map(\.action) {
            switch action {
            case .create(let replica, _), .createNext(let replica, _, _):
                created[replica.service, default: []].append(replica)
                touched.insert(replica.service)
            case .start(let replica, _), .attach(let replica, _, _, _), .update(let replica, _):
                touched.insert(replica.service)
            case .stop(_, let id): leaving.insert(id)
            case .remove(_, let id, _):
                leaving.insert(id)
                removed.insert(id)
            case .removeNetwork(let name): removedNetworks.insert(name)
            case .removeVolume(let name): removedVolumes.insert(name)
            case .createNetwork(let key, _): createdNetworks.append(key)
            case .createVolume(let key, _): createdVolumes.append(key)
            case .repairNetwork, .pause, .unpause, .detach, .wait, .withdraw, .watch, .admit, .rest: break
            }
        }
    }
}
