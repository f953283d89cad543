import EngineWire
import Glibc
import Images
import Linux
import OCI
import ProjectModel
import Reconcile
import Runtime

/// Looks up what the checks before a change need to know of this machine, and runs them.
struct PreflightInspector: Sendable {
    let inventory: Inventory
    let machine: any Machine

    /// Errors first: nothing may be changed while there is one. Warnings are told and do not hold the operation up.
    func findings(
        _ desired: Desired, _ plan: Plan, _ observed: Observed
    ) async -> (errors: [EngineFailure], warnings: [String]) {
        guard !plan.isEmpty else { return ([], []) }
        let facts = await facts(desired, plan)
        let findings = preflight(desired: desired, observed: observed, plan: plan, facts: facts)
        var errors = findings.filter { !$0.code.isWarning }.map(EngineFailure.init)
        let warnings = findings.filter(\.code.isWarning).map { finding in
            (finding.service.map { "service \"\($0)\": " } ?? "") + finding.message
                + (finding.hint.map { "; \($0)" } ?? "")
        }
        let platforms = await platforms(desired, plan)
        let logging = Self.logging(desired, plan)
        errors += platforms.errors + logging.errors
        if errors.isEmpty { errors += await takenPorts(desired, plan) }
        return (errors, warnings + platforms.warnings + logging.warnings)
    }

    private static func logging(_ desired: Desired, _ plan: Plan) -> (errors: [EngineFailure], warnings: [String]) {
        let touched = touched(plan)
        var errors: [EngineFailure] = []
        var warnings: [String] = []
        for service in desired.services where touched.contains(service.spec.name) {
            do {
                warnings += try LoggingPlan(service.spec.logging).warnings.map {
                    "service \"\(service.spec.name)\": \($0)"
                }
            } catch {
                var failure = EngineFailure(describing: error)
                failure.message = "service \"\(service.spec.name)\": \(failure.message)"
                errors.append(failure)
            }
        }
        return (errors, warnings)
    }

    /// Images that are here for another platform than the service wants, or than this machine has.
    private func platforms(_ desired: Desired, _ plan: Plan) async -> (errors: [EngineFailure], warnings: [String]) {
        let touched = Self.touched(plan)
        var errors: [EngineFailure] = []
        var warnings: [String] = []
        var images: [String: MachineImage] = [:]
        for service in desired.services where touched.contains(service.spec.name) {
            guard let reference = service.spec.image else { continue }
            if images[reference] == nil { images[reference] = try? await machine.image(reference) }
            guard let image = images[reference], let have = image.platform else { continue }
            let name = "service \"\(service.spec.name)\""
            if let wanted = service.spec.platform, !image.runs(on: wanted) {
                errors.append(
                    EngineFailure(
                        code: "image_missing",
                        message: "\(name): image \(reference) is here for \(have), its platform is \(wanted)",
                        hint: "`berth image pull --platform \(wanted) \(reference)`, or change `platform`"))
            } else if service.spec.platform == nil, !image.runs(on: Platform.host.text) {
                warnings.append(
                    "\(name): image \(reference) is made for \(have), this machine is \(Platform.host.text)")
            }
        }
        return (errors, warnings)
    }

    private func facts(_ desired: Desired, _ plan: Plan) async -> PreflightFacts {
        var facts = PreflightFacts()
        let touched = Self.touched(plan)
        let services = desired.services.filter { touched.contains($0.spec.name) }
        for reference in Set(services.compactMap(\.spec.image)) {
            guard let image = try? await machine.image(reference) else {
                facts.images[reference] = .init(.absent(reason: "it was neither pulled nor loaded"))
                continue
            }
            let test = image.config.healthcheck?.test ?? []
            facts.images[reference] = .init(.present, hasHealthcheck: !test.isEmpty && test != ["NONE"])
        }
        for path in Self.hostPaths(services, desired) where !fileExists(path) { facts.missingPaths.insert(path) }
        await addHeld(to: &facts)
        facts.limits = Self.limits
        return facts
    }

    private func addHeld(to facts: inout PreflightFacts) async {
        for record in await inventory.allContainers() {
            facts.containerNames[record.name] = .init(container: record.id, project: record.project)
            guard record.holdsPorts else { continue }
            for port in record.ports {
                facts.ports.append(
                    .init(
                        address: port.hostIP, number: port.hostPort, transport: port.transport,
                        owner: "container \(record.name)",
                        container: record.id))
            }
        }
        for network in await inventory.allNetworks() {
            for subnet in network.subnets {
                facts.subnets.append(.init(subnet: subnet, owner: "network \(network.name)", network: network.name))
            }
        }
        for subnet in (try? await machine.hostSubnets()) ?? []
        where !facts.subnets.contains(where: { $0.subnet == subnet }) {
            facts.subnets.append(.init(subnet: subnet, owner: "a route of this host"))
        }
    }

    private static func touched(_ plan: Plan) -> Set<String> {
        Set(
            plan.actions.compactMap { planned in
                switch planned.action {
                case .create(let replica, _), .start(let replica, _): replica.service
                default: nil
                }
            })
    }

    /// What the services take from the host's file system.
    private static func hostPaths(_ services: [DesiredService], _ desired: Desired) -> [String] {
        services.flatMap { service -> [String] in
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

    /// Ports that a program outside of berth has: asked by taking them for a moment.
    private func takenPorts(_ desired: Desired, _ plan: Plan) async -> [EngineFailure] {
        let starting = Self.touched(plan)
        let held = Set(
            await inventory.allContainers().filter(\.holdsPorts).flatMap(\.ports).map(\.hostPort))
        var failures: [EngineFailure] = []
        for service in desired.services where starting.contains(service.spec.name) && service.goal == .running {
            for mapping in service.spec.ports {
                guard let published = mapping.published, let number = UInt16(published), !held.contains(number) else {
                    continue
                }
                let port = ContainerRecord.Port(
                    hostIP: mapping.hostIP, hostPort: number, hostPortEnd: number, target: mapping.target,
                    transport: mapping.transport)
                do {
                    _ = try await machine.reserve([port], for: "preflight")
                } catch {
                    var failure = EngineFailure(describing: error)
                    failure.message = "service \"\(service.spec.name)\": \(failure.message)"
                    failures.append(failure)
                }
            }
        }
        await machine.releasePorts(of: "preflight")
        return failures
    }

    private static var limits: PreflightFacts.HostLimits {
        var limits = PreflightFacts.HostLimits()
        limits.cores = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        limits.canRaiseLimits = CapabilitySet.ofThisProcess.contains("CAP_SYS_RESOURCE")
        var files = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 {
            limits.hardLimits["nofile"] = files.rlim_max == rlim_t.max ? -1 : Int64(clamping: files.rlim_max)
        }
        return limits
    }
}

extension EngineFailure {
    init(_ finding: PreflightFinding) {
        let code =
            switch finding.code {
            case .missingImage: "image_missing"
            case .portTaken, .portClash: "port_taken"
            case .containerNameTaken, .containerNameClash, .subnetClash, .networkNotOurs: "conflict"
            case .networkMissing, .volumeMissing, .secretFileMissing, .configFileMissing, .bindSourceMissing:
                "not_found"
            case .limitUnsupported, .externalFileObject: "unsupported"
            default: "invalid"
            }
        let text = finding.service.map { "service \"\($0)\": \(finding.message)" } ?? finding.message
        self.init(code: code, message: text, hint: finding.hint)
    }
}
