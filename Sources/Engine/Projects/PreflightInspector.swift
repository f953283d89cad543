import EngineWire
import Images
import Linux
import OCI
import ProjectModel
import Reconcile

/// Collects the facts about this machine that the checks before a change need, and runs the checks.
struct PreflightInspector: Sendable {
    let inventory: Inventory
    let machine: any Machine
    /// Where binds of Docker's socket lead to.
    let sockets: DockerSocketBind

    /// Why a plan cannot be carried out, and warnings about it.
    struct Verdict: Sendable {
        /// If there are any, nothing may change.
        var errors: [EngineFailure] = []
        /// Shown to the user; the operation continues.
        var warnings: [EngineFailure] = []

        /// Replaces the service `service` by `subject` in the texts, for a container that is in no file.
        mutating func call(service: String, _ subject: String) {
            func renamed(_ failure: EngineFailure) -> EngineFailure {
                var failure = failure
                let prefix = "service \"\(service)\""
                if failure.message.hasPrefix(prefix) {
                    failure.message = subject + failure.message.dropFirst(prefix.count)
                }
                failure.path = nil
                return failure
            }
            errors = errors.map(renamed)
            warnings = warnings.map(renamed)
        }

        static func += (left: inout Verdict, right: Verdict) {
            left.errors += right.errors
            left.warnings += right.warnings
        }
    }

    /// `isTrial`: nothing was or will be pulled for this plan. So an image that could be pulled does not count as
    /// missing.
    func verdict(
        _ desired: Desired, _ plan: Plan, _ observed: Observed, isTrial: Bool = false
    ) async -> Verdict {
        guard !plan.isEmpty else { return Verdict() }
        let facts = await facts(desired, plan, isTrial: isTrial)
        let findings = preflight(desired: desired, observed: observed, plan: plan, facts: facts)
        var verdict = Verdict()
        verdict.errors = findings.filter { !$0.code.isWarning }.map(EngineFailure.init)
        verdict.warnings = findings.filter(\.code.isWarning).map(EngineFailure.init)
        verdict += await platforms(desired, plan, isTrial: isTrial)
        verdict += Self.logging(desired, plan)
        verdict.errors += await attempts(desired, plan)
        verdict.errors += await takenPorts(desired, plan)
        return verdict
    }

    /// Local images for another platform than the service asks for, or than this machine has.
    private func platforms(_ desired: Desired, _ plan: Plan, isTrial: Bool) async -> Verdict {
        let touched = Self.touched(plan)
        var verdict = Verdict()
        var images: [String: MachineImage] = [:]
        for service in desired.services where touched.contains(service.spec.name) {
            guard let reference = service.spec.image else { continue }
            if images[reference] == nil { images[reference] = try? await machine.image(reference) }
            guard let image = images[reference], let have = image.platform else { continue }
            let name = service.spec.name
            if let wanted = service.spec.platform, !image.runs(on: wanted) {
                if isTrial, service.spec.isFetched(in: desired.project) { continue }
                verdict.errors.append(
                    EngineFailure(
                        code: .imageMissing,
                        message: "the local image \(reference) is for \(have), but its platform is \(wanted)",
                        hint: "`berth image pull --platform \(wanted) \(reference)`, or change `platform`"
                    ).of(name, at: .service(name, "platform")))
            } else if service.spec.platform == nil, !image.runs(on: Platform.host.text) {
                verdict.warnings.append(
                    EngineFailure(
                        code: .unsupported,
                        message: "image \(reference) is for \(have), but this machine is \(Platform.host.text)"
                    ).of(name, at: .service(name, "image")))
            }
        }
        return verdict
    }

    private func facts(_ desired: Desired, _ plan: Plan, isTrial: Bool) async -> PreflightFacts {
        var facts = PreflightFacts()
        let touched = Self.touched(plan)
        let services = desired.services.filter { touched.contains($0.spec.name) }
        for service in services {
            guard let reference = service.spec.image, facts.images[reference] == nil else { continue }
            guard let image = try? await machine.image(reference) else {
                facts.images[reference] = .init(
                    isTrial && service.spec.isFetched(in: desired.project)
                        ? .pullable : .absent(reason: "the image was neither pulled nor loaded"))
                continue
            }
            let test = image.config.healthcheck?.test ?? []
            facts.images[reference] = .init(.present, hasHealthcheck: !test.isEmpty && test != ["NONE"])
        }
        (facts.missingPaths, facts.silentPaths) = await HostPaths.look(at: Self.hostPaths(services, desired, plan))
        facts.missingPaths = sockets.missing(facts.missingPaths)
        await addHeld(to: &facts, services, desired, plan)
        for name in Self.strangers(services) where await inventory.find(name) == nil {
            facts.missingContainers.insert(name)
        }
        facts.limits = await machine.limits()
        facts.features = await machine.features(for: Self.wishes(services, desired, plan))
        return facts
    }

    /// Names, ports and subnets that are in use. Looks up only those that the plan needs, so the cost does not grow
    /// with other containers.
    private func addHeld(
        to facts: inout PreflightFacts, _ services: [DesiredService], _ desired: Desired, _ plan: Plan
    ) async {
        for replica in plan.actions.compactMap(\.action.madeReplica) {
            guard let name = desired.service(replica.service)?.spec.replicaName(replica, in: desired.project),
                let record = await inventory.container(named: name)
            else { continue }
            facts.containerNames[name] = .init(container: record.id, project: record.project)
        }
        let ranges = services.flatMap(\.spec.ports).compactMap(\.publishedRange)
        for record in await inventory.containers(publishing: ranges) where record.holdsPorts {
            for port in record.ports {
                facts.ports.append(
                    .init(
                        address: port.hostIP, number: port.hostPort, transport: port.transport,
                        owner: "container \(record.name)",
                        container: record.id))
            }
        }
        guard Self.makesNetworks(plan) else { return }
        for network in await inventory.allNetworks() {
            for subnet in network.subnets {
                facts.subnets.append(
                    .init(subnet: "\(subnet)", owner: "network \(network.name)", network: network.name))
            }
        }
        for subnet in ((try? await machine.hostSubnets()) ?? []).map(\.description)
        where !facts.subnets.contains(where: { $0.subnet == subnet }) {
            facts.subnets.append(.init(subnet: subnet, owner: "a route of this host"))
        }
    }

    static func touched(_ plan: Plan) -> Set<String> {
        Set(
            plan.actions.compactMap { planned in
                switch planned.action {
                case .create(let replica, _), .createNext(let replica, _, _), .start(let replica, _),
                    .attach(let replica, _, _, _),
                    .update(let replica, _):
                    replica.service
                default: nil
                }
            })
    }

    /// The host paths that the services use.
    private static func hostPaths(_ services: [DesiredService], _ desired: Desired, _ plan: Plan) -> [String] {
        let volumes = createdVolumes(desired, plan).compactMap(\.bindSource)
        return volumes
            + services.flatMap { service -> [String] in
                let binds = service.spec.volumes.compactMap { volume -> String? in
                    guard case .bind(let source, _, _, _, _) = volume.kind else { return nil }
                    return source
                }
                let objects =
                    service.spec.secrets.map { desired.secrets[$0.source] }
                    + service.spec.configs.map { desired.configs[$0.source] }
                return binds
                    + objects.compactMap { object in
                        guard case .file(let path)? = object?.source else { return nil }
                        return path
                    }
            }
    }

    private static func createdVolumes(_ desired: Desired, _ plan: Plan) -> [VolumeDefinition] {
        plan.actions.compactMap { planned in
            guard case .createVolume(let key, _) = planned.action else { return nil }
            return desired.volumes[key]
        }
    }

    private static func wishes(_ services: [DesiredService], _ desired: Desired, _ plan: Plan) -> KernelWishes {
        var wishes = KernelWishes()
        for service in services {
            if let platform = service.spec.platform { wishes.platforms.insert(platform) }
            wishes.sysctls.formUnion(service.spec.sysctls.keys)
        }
        wishes.fileSystems = Set(createdVolumes(desired, plan).compactMap { $0.driverOptions["type"] })
        for planned in plan.actions {
            guard case .createNetwork(let key, _) = planned.action, let kind = desired.networks[key]?.kind else {
                continue
            }
            // A VLAN interface is created only if it does not exist; the check of the interface covers that.
            wishes.links.formUnion(kind.linkKinds.filter { $0 != "vlan" })
            if let parent = kind.parent { wishes.interfaces.insert(parent) }
        }
        return wishes
    }

    private static func makesNetworks(_ plan: Plan) -> Bool {
        plan.actions.contains { planned in
            guard case .createNetwork = planned.action else { return false }
            return true
        }
    }

    /// Containers of any project that services refer to by name or id.
    private static func strangers(_ services: [DesiredService]) -> Set<String> {
        var names: Set<String> = []
        for service in services.map(\.spec) {
            if case .container(let name) = service.networkMode { names.insert(name) }
            for value in [service.pid, service.ipc].compactMap(\.self) + service.volumesFrom
            where value.hasPrefix("container:") {
                names.insert(String(value.dropFirst("container:".count).prefix { $0 != ":" }))
            }
        }
        return names
    }

    /// Ports that programs other than berth use. Tests each port by binding it for a moment. The plan itself checks
    /// ports of berth's own containers.
    private func takenPorts(_ desired: Desired, _ plan: Plan) async -> [EngineFailure] {
        let starting = Self.touched(plan)
        var failures: [EngineFailure] = []
        for service in desired.services where starting.contains(service.spec.name) && service.goal == .running {
            guard service.spec.networkMode == nil else { continue }
            for (index, mapping) in service.spec.ports.enumerated() {
                guard let range = mapping.publishedRange else { continue }
                let port = ContainerRecord.Port(
                    hostIP: mapping.hostIP, first: range.lowerBound, last: range.upperBound, target: mapping.target,
                    transport: mapping.transport)
                do {
                    // Another check reports more replicas than ports.
                    try await machine.probe(port, count: max(1, min(service.scale, range.count)))
                } catch {
                    let name = service.spec.name
                    let path = AttributePath.service(name, "ports").appending(index)
                    let failure: EngineFailure
                    if let taken = error as? PortTaken {
                        failure = await taken.failure { [inventory] in await inventory.container($0)?.name }
                    } else {
                        failure = EngineFailure(describing: error)
                    }
                    failures.append(failure.of(name, at: path))
                }
            }
        }
        return failures
    }
}

extension Service {
    /// Its image is pulled or built when it is missing.
    fileprivate func isFetched(in project: String) -> Bool {
        hasBuild || hasNamedImage(in: project) && pullPolicy != .never && pullPolicy != .build
    }
}
