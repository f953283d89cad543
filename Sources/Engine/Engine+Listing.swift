import EngineWire
import Glibc
import Linux
import Monitor
import OCI
import ProjectModel
import Reconcile

extension Engine {
    package func version() -> EngineVersion {
        var name = utsname()
        uname(&name)
        let kernel = withUnsafePointer(to: &name.release) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
        }
        return EngineVersion(
            version: WireVersion.product, wire: WireVersion.supported, kernel: kernel,
            cgroup: fileExists("/sys/fs/cgroup/cgroup.controllers") ? "v2" : "v1", root: parts.paths.root,
            run: parts.paths.run,
            processID: Int(getpid()))
    }

    package func projects() async -> [ProjectRow] {
        await gate.wait(for: .known)
        var states: [String: [String: Int]] = [:]
        var files: [String: [String]] = [:]
        for record in await parts.inventory.allContainers() where !record.isOneOff {
            states[record.project, default: [:]][record.life.phase.shown.rawValue, default: 0] += 1
            files[record.project] = record.definitions.configFiles
        }
        return states.keys.sorted().map {
            ProjectRow(name: $0, states: states[$0] ?? [:], configFiles: files[$0] ?? [])
        }
    }

    /// What is stored of a project, so that verbs work without its file.
    package struct StoredProject: Encodable, Sendable {
        package var project: Project?
        package var containers: [ContainerRow]
    }

    package func project(_ name: String) async throws -> StoredProject {
        StoredProject(
            project: await desired(of: name).map(Project.init), containers: await containers(of: name, all: true))
    }

    package func containers(of project: String, all: Bool) async -> [ContainerRow] {
        await gate.wait(for: .known)
        let desired = await desired(of: project)
        var rows: [ContainerRow] = []
        for record in await parts.inventory.containers(of: project)
        where ![.creating, .removing].contains(record.life.phase) {
            let isShown = [.running, .paused, .restarting].contains(record.life.phase) && !record.isOneOff
            guard all || isShown else { continue }
            rows.append(await row(record, desired))
        }
        return rows
    }

    package func container(_ name: String) async throws -> ContainerRow {
        await gate.wait(for: .known)
        let record = try await find(name)
        return await row(record, desired(of: record.project))
    }

    func find(_ name: String) async throws -> ContainerRecord {
        guard let record = await parts.inventory.find(name) else {
            throw EngineFailure(code: "not_found", message: "no such container: \(name)")
        }
        return record
    }

    func row(_ record: ContainerRecord, _ desired: Desired?) async -> ContainerRow {
        let isUp = record.isUp
        var row = ContainerRow(
            id: record.id, name: record.name, project: record.project, service: record.service, number: record.number,
            isOneOff: record.isOneOff, image: record.spec.image ?? record.imageID, imageID: record.imageID,
            command: record.arguments, labels: record.labels, state: record.life.phase.shown,
            createdAt: seconds(record.createdAt))
        row.reason = record.life.reason
        row.health = await parts.inventory.health(of: record.id).flatMap { ContainerRow.Health(rawValue: $0.rawValue) }
        row.exitCode = record.life.exit?.code
        row.startedAt = record.life.startedAt.map(seconds)
        row.finishedAt = record.life.finishedAt.map(seconds)
        row.processID = isUp ? record.life.process.map { Int($0.pid) } : nil
        row.networks = record.endpoints.map {
            .init(
                name: $0.network, addresses: $0.addresses.map { String($0.prefix { $0 != "/" }) },
                macAddress: $0.macAddress)
        }
        row.ports = isUp ? record.ports.flatMap(Self.published) : []
        row.exposed = Array(Set(record.spec.expose).union((record.image.exposedPorts ?? [:]).keys)).sorted()
        row.mounts = record.mounts.map(Self.mount)
        row.isOrphan = !record.isOneOff && (desired?.service(record.service)?.isOrphan ?? true)
        row.tty = record.spec.tty
        if isUp, !record.endpoints.isEmpty { row.warnings = await warnings(record) }
        return row
    }

    private func warnings(_ record: ContainerRecord) async -> [EngineFailure]? {
        var warnings: [EngineFailure] = []
        if var fault = await parts.network.faults[record.id] {
            fault.message = "container \(record.name): \(fault.message)"
            warnings.append(fault)
        }
        warnings += await parts.machine.obstacles()
        return warnings.isEmpty ? nil : warnings
    }

    private func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }

    private static func published(_ port: ContainerRecord.Port) -> [ContainerRow.PublishedPort] {
        (port.hostIP.map { [$0] } ?? ["0.0.0.0", "::"]).map {
            .init(hostIP: $0, hostPort: port.hostPort, target: port.target, transport: port.transport)
        }
    }

    private static func mount(_ mount: ContainerRecord.Mount) -> ContainerRow.Mount {
        switch mount.source {
        case .volume(let name, _, _, _):
            .init(kind: "volume", source: name, target: mount.target, readOnly: mount.readOnly)
        case .bind(let path, _, _, _, _):
            .init(kind: "bind", source: path, target: mount.target, readOnly: mount.readOnly)
        case .tmpfs: .init(kind: "tmpfs", source: "", target: mount.target, readOnly: mount.readOnly)
        case .image(let reference, _): .init(kind: "image", source: reference, target: mount.target, readOnly: true)
        }
    }

    // MARK: Volumes and networks

    package func volumes(of project: String?) async -> [VolumeRow] {
        var rows: [VolumeRow] = []
        for record in await parts.inventory.allVolumes() where project == nil || record.project == project {
            var row = VolumeRow(
                name: record.name, driver: record.definition.driver ?? "local",
                mountpoint: parts.paths.volume(record.name),
                labels: record.definition.labels, project: record.project, key: record.key,
                createdAt: seconds(record.createdAt), isAnonymous: record.isAnonymous,
                users: await parts.inventory.users(ofVolume: record.name).map(\.name))
            row.options = record.definition.driverOptions
            rows.append(row)
        }
        return rows
    }

    package func removeVolumes(_ names: [String], force: Bool) async throws -> [String] {
        await gate.wait(for: .ready)
        for name in names where !force {
            guard await parts.inventory.volume(name) != nil else {
                throw EngineFailure(code: "not_found", message: "no such volume: \(name)")
            }
        }
        for name in names { try await parts.objects.removeVolume(name) }
        return names
    }

    package func networks(of project: String?) async -> [NetworkRow] {
        var rows: [NetworkRow] = []
        for record in await parts.inventory.allNetworks() where project == nil || record.project == project {
            rows.append(await row(record))
        }
        return rows
    }

    func row(_ record: NetworkRecord) async -> NetworkRow {
        var row = NetworkRow(
            name: record.name, driver: record.definition.driver ?? "bridge", bridge: record.bridge,
            subnets: record.subnets, gateways: record.gateways, isInternal: record.definition.isInternal,
            labels: record.definition.labels, project: record.project, key: record.key,
            createdAt: seconds(record.createdAt),
            users: await parts.inventory.users(ofNetwork: record.name).map(\.name))
        row.id = record.id
        row.options = record.definition.driverOptions
        return row
    }

    /// By name, id, or the beginning of an id.
    package func network(_ text: String) async throws -> NetworkRow { await row(try await findNetwork(text)) }

    private func findNetwork(_ text: String) async throws -> NetworkRecord {
        guard let record = await parts.inventory.findNetwork(text) else {
            throw EngineFailure(code: "not_found", message: "no such network: \(text)")
        }
        return record
    }

    package func removeNetworks(_ names: [String], force: Bool) async throws -> [String] {
        await gate.wait(for: .ready)
        if !force { for name in names { _ = try await findNetwork(name) } }
        for name in names {
            guard let record = await parts.inventory.findNetwork(name) else { continue }
            try await parts.objects.removeNetwork(record.name)
        }
        return names
    }
}

extension ContainerRecord.Life.Phase {
    /// As people know it.
    var shown: ContainerRow.State {
        switch self {
        case .creating, .created: .created
        case .running: .running
        case .paused: .paused
        case .restarting: .restarting
        case .exited: .exited
        case .removing: .removing
        }
    }
}

extension Project {
    /// The project as it is wanted now: what verbs without a file work on.
    init(_ desired: Desired) {
        self.init(
            name: desired.project, workingDirectory: desired.workingDirectory, configFiles: desired.configFiles,
            environmentFiles: desired.environmentFiles, services: desired.services.filter { !$0.isOrphan }.map(\.spec),
            disabledServices: desired.disabledServices, networks: desired.networks, volumes: desired.volumes,
            secrets: desired.secrets, configs: desired.configs)
    }
}
