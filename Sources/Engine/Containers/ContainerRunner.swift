import EngineWire
import Glibc
import Logging
import Monitor
import OCI
import ProjectModel
import Reconcile

/// Takes one container through its life: create, start, stop, remove. One call at a time for each container.
final class ContainerRunner: Sendable {
    let inventory: Inventory
    let machine: any Machine
    let network: NetworkSync
    let health: HealthMonitor
    let forwarder: LogForwarder
    let log: Logger
    let locks = KeyedLocks()
    let starts = StartsUnderWay()

    init(
        inventory: Inventory, machine: any Machine, network: NetworkSync, health: HealthMonitor,
        forwarder: LogForwarder, log: Logger
    ) {
        self.inventory = inventory
        self.machine = machine
        self.network = network
        self.health = health
        self.forwarder = forwarder
        self.log = log
    }

    // MARK: Create

    /// Stores the record, then makes what it says; nothing is left of one that could not be made.
    func create(_ draft: ContainerRecord, image: MachineImage) async throws -> ContainerRecord {
        if let other = await inventory.container(named: draft.name) {
            guard other.project == draft.project, try await finishInterrupted(other.id) else {
                throw EngineFailure(
                    code: "conflict",
                    message:
                        "the container name \"\(draft.name)\" is taken by \(other.id.prefix(12)) of project \(other.project)",
                    hint: "remove or rename that container, or give this one another container_name")
            }
        }
        return try await locks.with(draft.id) {
            var record = draft
            try await self.joinNamespaces(&record)
            try await self.borrowVolumes(&record)
            do {
                try await self.makeVolumes(&record)
                record = try await self.inventory.insertAllocating(record) { [machine = self.machine] network in
                    machine.linkName(ofContainer: draft.id, network: network)
                }
                try await self.machine.createContainer(record, image)
                return try await self.inventory.update(record.id) { $0.life.phase = .created } ?? record
            } catch {
                // The next replica of a service takes its anonymous volumes over; a one-off has no next.
                record.life.removesAnonymousVolumes = record.isOneOff
                try? await self.discard(record)
                throw error
            }
        }
    }

    /// Goes on with a creation or a removal that a failure or a crash left in the middle. True when the container is gone then;
    /// false for one that is well.
    func finishInterrupted(_ id: String) async throws -> Bool {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id) else { return true }
            switch record.life.phase {
            case .creating, .removing:
                try await self.discard(record)
                return true
            case .created, .running, .paused, .restarting, .exited: return false
            }
        }
    }

    /// Takes away all there is of a container, its record last: until then somebody knows of the rest.
    private func discard(_ record: ContainerRecord) async throws {
        try await machine.removeContainer(record)
        if record.life.removesAnonymousVolumes == true {
            for (name, _) in record.anonymousVolumes
            where await inventory.users(ofVolume: name).allSatisfy({ $0.id == record.id }) {
                guard let volume = await inventory.volume(name) else { continue }
                try await machine.removeVolume(volume)
                try await inventory.removeVolume(name)
            }
        }
        try await inventory.removeContainer(record.id)
    }

    private func joinNamespaces(_ record: inout ContainerRecord) async throws {
        let wanted: [(String, String?)] = [
            ("network", record.spec.networkMode.flatMap(Self.namespaceOwner)),
            ("pid", Self.namespaceOwner(text: record.spec.pid)), ("ipc", Self.namespaceOwner(text: record.spec.ipc)),
        ]
        if record.spec.networkMode == .host { record.inheritedNames = .init(hostname: machine.hostName) }
        for case (let kind, let owner?) in wanted {
            guard let found = await container(owner, in: record.project) else {
                throw EngineFailure(
                    code: "not_found",
                    message: "\(record.name) shares the \(kind) namespace of \(owner), which has no container")
            }
            record.joined[kind] = found.id
            if kind == "network" {
                record.inheritedNames = .init(hostname: found.hostname, domainname: found.domainname)
            }
        }
    }

    /// What `service:NAME` (its first replica) or `container:NAME` means.
    private func container(_ owner: String, in project: String) async -> ContainerRecord? {
        guard owner.hasPrefix("service:") else { return await inventory.find(String(owner.dropFirst(10))) }
        return await inventory.containers(of: project).filter {
            $0.service == owner.dropFirst(8) && !$0.isOneOff && $0.life.phase != .removing
        }.min { ($0.number ?? 0) < ($1.number ?? 0) }
    }

    /// `volumes_from`: the other's volumes and binds, where the service mounts nothing itself; they come before what the image
    /// declares.
    private func borrowVolumes(_ record: inout ContainerRecord) async throws {
        let own = Set(record.spec.volumes.map(\.target))
        for entry in record.spec.volumesFrom {
            let isContainer = entry.hasPrefix("container:")
            let parts = (isContainer ? entry.dropFirst("container:".count) : entry[...]).split(separator: ":")
            let name = parts.first.map(String.init) ?? ""
            guard let owner = await container("\(isContainer ? "container" : "service"):\(name)", in: record.project)
            else {
                throw EngineFailure(
                    code: "not_found", message: "\(record.name) takes the volumes of \(entry), which has no container")
            }
            for var mount in owner.mounts where !own.contains(mount.target) {
                switch mount.source {
                case .volume, .bind, .image: break
                case .tmpfs: continue  // memory of one container
                }
                if parts.dropFirst().contains("ro") { mount.readOnly = true }
                record.mounts.removeAll { $0.target == mount.target }
                record.mounts.append(mount)
            }
        }
    }

    private static func namespaceOwner(_ mode: NetworkMode) -> String? {
        switch mode {
        case .service(let name): "service:\(name)"
        case .container(let name): "container:\(name)"
        case .none, .host: nil
        }
    }

    private static func namespaceOwner(text: String?) -> String? {
        guard let text, text.hasPrefix("service:") || text.hasPrefix("container:") else { return nil }
        return text
    }

    /// Named volumes that are missing are made; anonymous ones of the replica before it are taken over.
    private func makeVolumes(_ record: inout ContainerRecord) async throws {
        for index in record.mounts.indices {
            guard case .volume(let name, let isAnonymous, let noCopy, let subpath) = record.mounts[index].source,
                !isAnonymous || name.isEmpty  // an anonymous one with a name was borrowed
            else { continue }
            let target = record.mounts[index].target
            let binding = VolumeRecord.Binding(
                project: record.project, service: record.service, place: record.number.map(String.init) ?? record.name,
                target: target)
            let known = isAnonymous ? await inventory.anonymousVolume(binding) : await inventory.volume(name)
            if let known {
                record.mounts[index].source = .volume(
                    name: known.name, isAnonymous: isAnonymous, noCopy: noCopy, subpath: subpath)
                continue
            }
            let fullName = isAnonymous ? machine.newID() : name
            let volume = VolumeRecord(
                name: fullName, project: record.project, key: nil,
                definition: VolumeDefinition(name: fullName), isAnonymous: isAnonymous, createdAt: machine.now(),
                isPopulated: false, binding: isAnonymous ? binding : nil)
            try await inventory.insert(volume)
            do {
                try await machine.createVolume(volume)
            } catch {
                try? await inventory.removeVolume(volume.name)
                throw error
            }
            record.mounts[index].source = .volume(
                name: fullName, isAnonymous: isAnonymous, noCopy: noCopy, subpath: subpath)
        }
    }

    // MARK: Start

    /// Runs a container that is created or has ended. `holdsStreams`: the process waits at its gate for `release`.
    func start(
        _ id: String, rounds: (start: Int, restart: Int)?, holdsStreams: Bool = false, onlyIfRestarting: Bool = false
    ) async throws {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id) else { throw Self.gone(id) }
            switch record.life.phase {
            case .running, .paused: return
            case .creating, .removing: throw Self.gone(record.name)
            case .created, .exited: if onlyIfRestarting { return }
            case .restarting: break
            }
            do {
                try await self.launch(record, rounds: rounds, holdsStreams: holdsStreams)
            } catch {
                await self.failedToStart(record, error)
                throw error
            }
            if !holdsStreams { try await self.attend(id) }
        }
    }

    private func launch(_ record: ContainerRecord, rounds: (start: Int, restart: Int)?, holdsStreams: Bool) async throws
    {
        var record = record
        if !record.ports.isEmpty, !record.endpoints.isEmpty {
            let ports = try await machine.reserve(record.ports, for: record.id)
            record = try await inventory.update(record.id) { $0.ports = ports } ?? record
        }
        guard let image = try await machine.image(record.imageID) else {
            throw EngineFailure(
                code: "image_missing", message: "the image \(record.imageID.prefix(19)) of \(record.name) is gone",
                hint: "pull or import it again, then run `berth up`")
        }
        try await mountVolumes(of: record)
        let surroundings = try await surroundings(of: record)
        let ready = record
        async let named: Void = record.endpoints.isEmpty ? () : network.begin(record.id)
        do {
            try await machine.spawn(ready, image, surroundings)
            try await named
            if !holdsStreams { try await open(ready.id, rounds: rounds) }
        } catch {
            _ = try? await named
            await machine.abandon(ready.id)
            throw error
        }
    }

    /// What volumes are mounted from may have gone with a reboot, and must not be written beside.
    private func mountVolumes(of record: ContainerRecord) async throws {
        for name in record.volumeNames {
            guard let volume = await inventory.volume(name), volume.isMounted else { continue }
            try await machine.createVolume(volume)
        }
    }

    /// Lets a process go that waits at its gate, with all that belongs to a start.
    func release(_ id: String, rounds: (start: Int, restart: Int)?) async throws {
        try await open(id, rounds: rounds)
        try await attend(id)
    }

    /// Opens the gate of a process that was spawned, and stores that it runs.
    private func open(_ id: String, rounds: (start: Int, restart: Int)?) async throws {
        starts.begin(id)
        defer { starts.end(id) }
        try await machine.release(id)
        let now = machine.now()
        let process = await machine.process(of: id)
        try await inventory.update(id, volatile: true) { record in
            record.life.started(at: now, process)
            if let rounds {
                record.startRound = rounds.start
                record.restartRound = rounds.restart
                record.life.backoff.reset()
            }
        }
        await network.end(id)
    }

    /// What accompanies a container that runs: its log is sent on, its hooks run, its health is probed.
    private func attend(_ id: String) async throws {
        guard let record = await inventory.container(id) else { return }
        await forwarder.begin(record)
        for hook in record.spec.postStart { try await run(hook, in: record) }
        await health.begin(record)
    }

    private func failedToStart(_ record: ContainerRecord, _ error: any Error) async {
        await network.end(record.id)
        await machine.releasePorts(of: record.id)
        let reason = EngineFailure(describing: error).message
        _ = try? await inventory.update(record.id, volatile: true) { $0.life.reason = reason }
        await network.settle()
    }

    func run(_ hook: Hook, in record: ContainerRecord) async throws {
        var command = ProbeCommand(arguments: hook.command, timeout: nil)
        command.user = hook.user
        command.workingDirectory = hook.workingDir
        command.environment = hook.environment
        command.privileged = hook.privileged
        let result = try await machine.probe(command, in: record)
        guard result.code == 0 else {
            throw EngineFailure(
                code: "hook_failed",
                message:
                    "hook `\(hook.command.joined(separator: " "))` of \(record.name) ended with code \(result.code)",
                log: result.output.split(separator: "\n").map(String.init))
        }
    }

    private func surroundings(of record: ContainerRecord) async throws -> Surroundings {
        var hosts: [Surroundings.Host] = []
        let qualified = record.domainname.map { ["\(record.hostname).\($0)", record.hostname] } ?? [record.hostname]
        for endpoint in record.endpoints {
            for address in endpoint.addresses { hosts.append(.init(String(address.prefix { $0 != "/" }), qualified)) }
        }
        for extra in record.spec.extraHosts {
            for address in extra.addresses {
                let resolved = address == "host-gateway" ? await gateway(of: record) : address
                hosts.append(.init(resolved, [extra.host]))
            }
        }
        var joined: [String: ContainerRecord] = [:]
        for (kind, id) in record.joined {
            guard let owner = await inventory.container(id) else { throw Self.gone(id) }
            joined[kind] = owner
        }
        return Surroundings(hosts: hosts, joinedNamespaces: joined)
    }

    private func gateway(of record: ContainerRecord) async -> String {
        for endpoint in record.endpoints {
            if let gateway = await inventory.network(endpoint.network)?.gateways.first { return gateway }
        }
        return "127.0.0.1"
    }

    // MARK: Pause, remove

    func pause(_ id: String) async throws {
        // First the record: what the monitor then tells is known to be ours.
        try await inventory.update(id) { record in
            record.life.phase = .paused
            record.life.reason = nil
        }
        do {
            try await machine.pause(id)
        } catch {
            try await inventory.update(id) { $0.life.phase = .running }
            throw error
        }
    }

    func unpause(_ id: String, startRound: Int?) async throws {
        try await machine.resume(id)
        try await inventory.update(id) { record in
            guard record.life.phase == .paused else { return }
            record.life.phase = .running
            record.life.reason = nil
            if let startRound { record.startRound = startRound }
        }
    }

    /// Removes a container that does not run; one that was removed meanwhile is no error.
    func remove(_ id: String, anonymousVolumes: Bool) async throws {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id) else { return }
            guard !record.isUp else {
                throw EngineFailure(
                    code: "conflict", message: "\(record.name) is running", hint: "stop it first, or force")
            }
            let removed = try await self.inventory.update(id) { record in
                record.life.phase = .removing
                if anonymousVolumes { record.life.removesAnonymousVolumes = true }
            }
            await self.health.end(id)
            await self.forwarder.finish(id)
            await self.machine.releasePorts(of: id)
            try await self.discard(removed ?? record)
        }
    }

    private static func gone(_ name: String) -> EngineFailure {
        EngineFailure(code: "not_found", message: "container \(name) is gone", hint: "run `berth up` again")
    }
}
