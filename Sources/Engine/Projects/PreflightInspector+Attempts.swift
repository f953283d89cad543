import EngineWire
import Linux
import OCI
import ProjectModel
import Reconcile
import Runtime

extension PreflightInspector {
    private static let threads = BlockingPool(name: "preflight", limit: 4)

    /// Checks that work by trying: converts each part of a service for its runtime spec. It reports all problems at
    /// once, in the same words as a later start would.
    func attempts(_ desired: Desired, _ plan: Plan) async -> [EngineFailure] {
        let touched = Self.touched(plan)
        var failures: [EngineFailure] = []
        for service in desired.services where touched.contains(service.spec.name) {
            // Devices and profiles are files, so use a blocking thread.
            failures += await Self.threads.runInfallible {
                var attempt = ServiceAttempt(service: service.spec)
                attempt.confinement()
                attempt.devices()
                attempt.sysctls()
                attempt.interfaces()
                return attempt.failures
            }
        }
        failures += await accounts(desired, plan)
        for case .createNetwork(let key, _) in plan.actions.map(\.action) {
            guard let network = desired.networks[key] else { continue }
            do {
                _ = try await BridgeName(inventory: inventory, machine: machine).wanted(by: network)
            } catch {
                var failure = EngineFailure(describing: error)
                failure.path = AttributePath("networks", key, "driver_opts", BridgeName.option)
                failures.append(failure)
            }
        }
        return failures
    }
}

extension PreflightInspector {
    /// Users and groups that the images of new containers do not know. Reads only images that are already on this
    /// machine.
    private func accounts(_ desired: Desired, _ plan: Plan) async -> [EngineFailure] {
        let created = Set(
            plan.actions.compactMap(\.action.madeReplica?.service))
        return await withTaskGroup(of: (String, [EngineFailure]).self) { group in
            for service in desired.services where created.contains(service.spec.name) {
                group.addTask { (service.spec.name, await accounts(service)) }
            }
            var failures: [(String, [EngineFailure])] = []
            for await result in group { failures.append(result) }
            return failures.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    private func accounts(_ service: DesiredService) async -> [EngineFailure] {
        let spec = service.spec
        guard let reference = service.pinnedImage ?? spec.image, let image = try? await machine.image(reference) else {
            return []
        }
        let path = AttributePath.service(spec.name)
        var wanted = spec.groupAdd.enumerated().map { index, group in
            (path.appending("group_add").appending(index), user: "0", groups: [group])
        }
        let user = spec.user ?? image.config.user ?? ""
        wanted.insert((spec.user == nil ? path.appending("image") : path.appending("user"), user, []), at: 0)
        var failures: [EngineFailure] = []
        for (path, user, groups) in wanted {
            // Numbers need no entry.
            let names = user.split(separator: ":").map(String.init) + groups
            guard names.contains(where: { UInt32($0) == nil }) else { continue }
            do { try await machine.check(user: user, groups: groups, in: image) } catch {
                failures.append(EngineFailure(describing: error).of(spec.name, at: path))
            }
        }
        return failures
    }
}

/// Collects the problems with the parts of one service.
private struct ServiceAttempt {
    let service: Service
    private(set) var failures: [EngineFailure] = []

    init(service: Service) { self.service = service }

    private func path(_ name: String, _ index: Int) -> AttributePath {
        AttributePath.service(service.name, name).appending(index)
    }

    private mutating func attempt(_ path: AttributePath, _ body: () throws -> Void) {
        do { try body() } catch { failures.append(EngineFailure(describing: error).of(service.name, at: path)) }
    }

    mutating func confinement() {
        for (index, option) in service.securityOptions.enumerated() {
            attempt(path("security_opt", index)) {
                if case .profile(let text) = try SecurityOptions([option]).filter {
                    _ = try SeccompProfile(parsing: text)
                }
            }
        }
        let held = CapabilitySet.grantable.members
        for (index, name) in service.capAdd.enumerated() {
            attempt(path("cap_add", index)) { try CapabilityChoice.check(adding: name, held: held) }
        }
        for (index, name) in service.capDrop.enumerated() {
            attempt(path("cap_drop", index)) { _ = try CapabilityChoice.known(name) }
        }
    }

    mutating func devices() {
        for (index, mapping) in service.devices.enumerated() {
            attempt(path("devices", index)) { _ = try HostDevice.devices(mapping) }
        }
        for (index, rule) in service.deviceCgroupRules.enumerated() {
            attempt(path("device_cgroup_rules", index)) { _ = try HostDevice.rule(rule) }
        }
        let limits = service.resources.blkioDevices ?? Resources.BlockDevices()
        let lists = [
            ("weight_device", limits.weights), ("device_read_bps", limits.readBytes),
            ("device_write_bps", limits.writtenBytes), ("device_read_iops", limits.reads),
            ("device_write_iops", limits.writes),
        ]
        for (name, list) in lists {
            for (index, limit) in list.enumerated() {
                let path = AttributePath.service(service.name, "blkio_config", name).appending(index).appending("path")
                attempt(path) { _ = try HostDevice.blockDevice(limit.path) }
            }
        }
    }

    mutating func interfaces() {
        func check(_ text: String) throws {
            // An odd first byte means a group address, which no interface can have.
            if let address = MACAddress(text), address.bytes[0] & 1 == 0, address.bytes.contains(where: { $0 != 0 }) {
                return
            }
            throw EngineFailure(
                code: .invalid, message: "mac_address \"\(text)\" is not the Ethernet address of a single interface",
                hint: "such as 02:42:ac:11:00:02")
        }
        if let text = service.macAddress, !text.isEmpty {
            attempt(.service(service.name, "mac_address")) { try check(text) }
        }
        for attachment in service.networks {
            let path = AttributePath.service(service.name, "networks", attachment.network)
            if let text = attachment.macAddress, !text.isEmpty {
                attempt(path.appending("mac_address")) { try check(text) }
            }
            if let name = attachment.interfaceName {
                attempt(path.appending("interface_name")) { try BridgeName.checkInterfaceName(name) }
            }
            attempt(path.appending("driver_opts")) { _ = try EndpointOptions(attachment.driverOptions) }
        }
    }

    mutating func sysctls() {
        var namespaces = [RuntimeSpec.Namespace(type: "mount")]
        if service.networkMode != .host { namespaces.append(.init(type: "network")) }
        if service.ipc != "host" { namespaces.append(.init(type: "ipc")) }
        if service.uts != "host" { namespaces.append(.init(type: "uts")) }
        let separate = namespaces
        for key in service.sysctls.keys.sorted() {
            attempt(.service(service.name, "sysctls", key)) {
                do throws(RuntimeFailure) {
                    try Sysctl.check(key, try NamespacePlan(separate))
                } catch {
                    throw EngineFailure(
                        code: .unsupported, message: error.message,
                        hint: "remove it; `sysctl -w` on the host sets it for all")
                }
            }
        }
    }
}
