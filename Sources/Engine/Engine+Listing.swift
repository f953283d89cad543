import EngineWire
import Glibc
import Linux
import Monitor
import Networking
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
        var answer = EngineVersion(
            version: WireVersion.product, wire: WireVersion.supported, kernel: kernel,
            cgroup: fileExists("/sys/fs/cgroup/cgroup.controllers") ? "v2" : "v1", root: parts.paths.root,
            run: parts.paths.run,
            processID: Int(getpid()))
        answer.dockerSocket = settings.dockerSocket
        answer.dockerHosts = settings.dockerHosts.filter { $0 != .systemd }.map { "\($0)" }
        answer.readOnlySocket = settings.readOnlySocket
        answer.hasMutualTLS = settings.hasMutualTLS
        return answer
    }

    package func projects() async -> [ProjectRow] {
        await gate.wait(for: .known)
        var states: [String: [String: Int]] = [:]
        var files: [String: [String]] = [:]
        for record in await parts.inventory.allContainers() where !record.isOneOff {
            guard let project = record.project else { continue }
            states[project, default: [:]][record.life.phase.shown.rawValue, default: 0] += 1
            files[project] = record.definitions.configFiles
        }
        for record in await parts.inventory.allContainers() {
            // docker compose made this container over the API. It only appears in lists under its project.
            guard record.project == nil, let project = record.labels["com.docker.compose.project"],
                record.labels["com.docker.compose.oneoff"] != "True"
            else { continue }
            states[project, default: [:]][record.life.phase.shown.rawValue, default: 0] += 1
            let list = record.labels["com.docker.compose.project.config_files"] ?? ""
            files[project] = files[project] ?? list.split(separator: ",").map(String.init)
        }
        return states.keys.sorted().map {
            ProjectRow(name: $0, states: states[$0] ?? [:], configFiles: files[$0] ?? [])
        }
    }

    /// The stored description of a project, so that verbs work without its file.
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
        guard let project = record.project else { return await row(record, nil) }
        return await row(record, desired(of: project))
    }

    func find(_ name: String) async throws -> ContainerRecord {
        guard let record = await parts.inventory.find(name) else {
            throw EngineFailure(code: .notFound, message: "no such container: \(name)")
        }
        return record
    }

    func row(_ record: ContainerRecord, _ desired: Desired?) async -> ContainerRow {
        let isUp = record.isUp
        var row = ContainerRow(
            id: record.id, name: record.name, project: record.project ?? "", service: record.service ?? "",
            number: record.number, isOneOff: record.isOneOff, image: record.template.image ?? record.imageID,
            imageID: record.imageID,
            command: record.arguments, labels: record.labels, state: record.life.phase.shown,
            createdAt: seconds(record.createdAt))
        row.reason = record.reasonText
        row.health = await parts.inventory.health(of: record.id).flatMap { ContainerRow.Health(rawValue: $0.rawValue) }
        row.exitCode = record.life.exit?.code
        row.startedAt = record.life.startedAt.map(seconds)
        row.finishedAt = record.life.finishedAt.map(seconds)
        row.processID = isUp ? record.life.process.map { Int($0.pid) } : nil
        row.networks = record.endpoints.map {
            .init(
                name: $0.network, addresses: $0.bareAddresses.map(\.description),
                macAddress: $0.macAddress?.description)
        }
        row.ports = isUp ? record.ports.flatMap(Self.published) : []
        row.exposed = Array(Set(record.template.expose).union((record.image.exposedPorts ?? [:]).keys)).sorted()
        row.mounts = record.mounts.map(Self.mount)
        if case .replica(_, let service, _) = record.owner {
            row.isOrphan = desired?.service(service)?.isOrphan ?? true
        }
        row.tty = record.template.tty
        row.takesInput = record.template.stdinOpen
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
                name: record.name, driver: record.driver, mountpoint: record.mountpoint ?? "",
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
                throw EngineFailure(code: .notFound, message: "no such volume: \(name)")
            }
        }
        for name in names { try await parts.objects.removeVolume(name) }
        return names
    }

    package func networks(of project: String?) async -> [NetworkRow] {
        var rows: [NetworkRow] = []
        for record in await parts.inventory.allNetworks() where project == nil || record.project == project {
            // The network of builds belongs to nobody; list it only while a build step uses it.
            if record.name == StepRunner.network, await parts.inventory.users(ofNetwork: record.name).isEmpty {
                continue
            }
            rows.append(await row(record))
        }
        return rows
    }

    func row(_ record: NetworkRecord) async -> NetworkRow {
        var row = NetworkRow(
            name: record.name, driver: record.definition.driverName, bridge: record.realisation.interface,
            subnets: record.subnets.map(\.description), gateways: record.gateways.map(\.description),
            isInternal: record.definition.isInternal,
            labels: record.definition.labels, project: record.project, key: record.key,
            createdAt: seconds(record.createdAt),
            users: await parts.inventory.users(ofNetwork: record.name).map(\.name))
        row.id = record.id
        row.options = record.definition.driverOptions
        return row
    }

    /// Containers of a project that docker compose made over the Docker Engine API: berth shows them and leaves them alone.
    package func foreignContainers(of project: String) async -> [ContainerRow] {
        await gate.wait(for: .known)
        var rows: [ContainerRow] = []
        for record in await parts.inventory.allContainers()
        where record.project == nil && record.labels["com.docker.compose.project"] == project {
            guard ![.creating, .removing].contains(record.life.phase) else { continue }
            var row = await row(record, nil)
            row.project = project
            row.service = record.labels["com.docker.compose.service"] ?? ""
            row.number = record.labels["com.docker.compose.container-number"].flatMap { Int($0) }
            row.isOneOff = record.labels["com.docker.compose.oneoff"] == "True"
            rows.append(row)
        }
        return rows
    }

    /// By name, id, or the beginning of an id.
    package func network(_ text: String) async throws -> NetworkRow { await row(try await findNetwork(text)) }

    private func findNetwork(_ text: String) async throws -> NetworkRecord {
        guard let record = await parts.inventory.findNetwork(text) else {
            throw EngineFailure(code: .notFound, message: "no such network: \(text)")
        }
        return record
    }

    package func removeNetworks(_ names: [String], force: Bool) async throws -> [String] {
        await gate.wait(for: .ready)
        if !force { for name in names { _ = try await findNetwork(name) } }
        for name in names {
            guard let record = await parts.inventory.findNetwork(name) else { continue }
            let users = await parts.inventory.users(ofNetwork: record.name)
            // As in Docker, stopped containers do not keep a network, unless a running container uses it too.
            if users.allSatisfy({ [.created, .exited].contains($0.life.phase) }) {
                for user in users { try await parts.runner.lose(network: record.name, user.id) }
            }
            try await parts.objects.removeNetwork(record.name)
        }
        return names
    }
}

extension ContainerRecord.Life.Phase {
    /// The state in the words of `ps`.
    package var shown: ContainerRow.State {
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
    /// The desired project, for verbs that run without a file.
    init(_ desired: Desired) {
        self.init(
            name: desired.project, workingDirectory: desired.workingDirectory, configFiles: desired.configFiles,
            environmentFiles: desired.environmentFiles, services: desired.services.filter { !$0.isOrphan }.map(\.spec),
            disabledServices: desired.disabledServices, networks: desired.networks, volumes: desired.volumes,
            secrets: desired.secrets, configs: desired.configs)
    }
}
