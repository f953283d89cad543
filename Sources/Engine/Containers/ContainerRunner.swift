import EngineWire
import Glibc
import Logging
import Monitor
import OCI
import ProjectModel
import Reconcile

/// Takes one container through its life: create, start, stop, remove. One change at a time for each container; nobody holds that turn
/// while waiting for a process to end.
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
        try await locks.with(id) {
            try await self.open(id, rounds: rounds)
            try await self.attend(id)
        }
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
                record.life.forgetRestarts()
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
        try await locks.with(id) {
            // First the record: what the monitor then tells is known to be ours.
            try await self.inventory.update(id) { record in
                guard record.life.phase == .running else { return }
                record.life.phase = .paused
                record.life.isPausedByOthers = nil
                record.life.reason = nil
            }
            do {
                try await self.machine.pause(id)
            } catch {
                // It may have ended meanwhile.
                try await self.inventory.update(id, volatile: true) { record in
                    if record.life.phase == .paused { record.life.phase = .running }
                }
                throw error
            }
        }
    }

    func unpause(_ id: String, startRound: Int?) async throws {
        try await locks.with(id) {
            try await self.machine.resume(id)
            try await self.inventory.update(id, volatile: true) { record in
                guard record.life.phase == .paused else { return }
                record.life.phase = .running
                record.life.isPausedByOthers = nil
                record.life.reason = nil
                if let startRound { record.startRound = startRound }
            }
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
            let removed = try await self.inventory.update(id, volatile: true) { record in
                record.life.phase = .removing
                if anonymousVolumes { record.life.removesAnonymousVolumes = true }
            }
            await self.health.end(id)
            await self.forwarder.finish(id)
            await self.machine.releasePorts(of: id)
            try await self.discard(removed ?? record)
        }
        await completeSuccessors(of: id)
    }

    private static func gone(_ name: String) -> EngineFailure {
        EngineFailure(code: "not_found", message: "container \(name) is gone", hint: "run `berth up` again")
    }
}
