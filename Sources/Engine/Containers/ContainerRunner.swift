import EngineWire
import Glibc
import Logging
import Monitor
import OCI
import ProjectModel
import Reconcile
import Synchronization

/// Creates, starts, stops and removes containers. Each container has one change at a time, and no change waits for a
/// process to end.
final class ContainerRunner: Sendable {
    let inventory: Inventory
    let machine: any Machine
    let network: NetworkSync
    let health: HealthMonitor
    let forwarder: LogForwarder
    /// Clients that wait for the streams of a container that does not run yet.
    let pending: PendingStreams
    let log: Logger
    /// The last lines that a container wrote.
    let logTail: @Sendable (ContainerRecord) async -> [String]
    let locks = KeyedLocks()
    let starts = StartsUnderWay()
    /// Containers whose process waits at its gate for a start to come. The mutex guards them.
    private let prepared = Mutex<Set<String>>([])
    /// Containers whose process waits at its gate for streams. The mutex guards them.
    private let held = Mutex<Set<String>>([])

    init(
        inventory: Inventory, machine: any Machine, network: NetworkSync, health: HealthMonitor,
        forwarder: LogForwarder, pending: PendingStreams, log: Logger,
        logTail: @escaping @Sendable (ContainerRecord) async -> [String]
    ) {
        self.logTail = logTail
        self.inventory = inventory
        self.machine = machine
        self.network = network
        self.health = health
        self.forwarder = forwarder
        self.pending = pending
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
            if self.isHeld(id) {
                guard !holdsStreams else { return }
                try await self.open(id, rounds: rounds)
                return try await self.attend(id)
            }
            if record.life.phase == .created, record.runsBeside != true,
                let old = await self.inventory.predecessor(of: record)
            {
                try await self.start(record, inPlaceOf: old, rounds: rounds)
                return try await self.attend(id)
            }
            do {
                if try await !self.openPrepared(id, rounds: rounds) {
                    try await self.launch(record, rounds: rounds, holdsStreams: holdsStreams)
                }
            } catch {
                await self.failedToStart(record, error)
                throw error
            }
            guard !holdsStreams else {
                self.held.withLock { _ = $0.insert(id) }
                return
            }
            try await self.attend(id)
        }
    }

    /// Creates the process of a container that will start later, and leaves it at its gate. Ignores a failure here,
    /// because the start fails in the same way and reports it.
    func prepare(_ id: String) async {
        try? await locks.with(id) {
            // A container that joins a namespace needs the process of that namespace's owner. A replacement must have
            // its place first.
            guard let record = await self.inventory.container(id), record.joined.isEmpty,
                [.created, .exited].contains(record.life.phase), record.successorOf == nil, record.isAside != true,
                !self.isHeld(id)
            else { return }
            do {
                try await self.launch(record, rounds: nil, holdsStreams: true)
                self.prepared.withLock { _ = $0.insert(id) }
            } catch {
                await self.network.end(id)
                await self.machine.releasePorts(of: id)
            }
        }
    }

    /// Releases the process that `prepare` created, if no start followed.
    func giveUp(_ id: String) async {
        try? await locks.with(id) {
            guard self.prepared.withLock({ $0.remove(id) }) != nil else { return }
            await self.machine.abandon(id)
            await self.network.end(id)
            await self.machine.releasePorts(of: id)
            await self.network.settle()
        }
    }

    /// Opens the gate of a process that `prepare` created; false when there is none (any more).
    private func openPrepared(_ id: String, rounds: (start: Int, restart: Int)?) async throws -> Bool {
        guard prepared.withLock({ $0.remove(id) }) != nil else { return false }
        do {
            try await open(id, rounds: rounds)
            return true
        } catch {
            await machine.abandon(id)
            guard let failure = error as? EngineFailure, failure.code == .monitorLost else { throw error }
            return false
        }
    }

    func launch(_ record: ContainerRecord, rounds: (start: Int, restart: Int)?, holdsStreams: Bool) async throws {
        var record = try await rejoinLost(record)
        if !record.ports.isEmpty, !record.endpoints.isEmpty, record.runsBeside != true {
            let wanted = record.ports(after: await inventory.predecessor(of: record))
            let ports = try await reservePorts(wanted, of: record)
            record = try await inventory.update(record.id) { $0.ports = ports } ?? record
        }
        guard let image = try await machine.image(record.imageID) else {
            throw EngineFailure(
                code: .imageMissing, message: "the image \(record.imageID.prefix(19)) of \(record.name) is gone",
                hint: "pull or import it again, then run `berth up`")
        }
        var surroundings = try await surroundings(of: record)
        surroundings.volumes = try await mountVolumes(of: record)
        // A DNS name needs an existing network, and a successor got no network when it was created.
        if record.life.phase == .created, record.successorOf != nil { try await machine.attach(record, surroundings) }
        let (ready, around) = (record, surroundings)
        async let named: Void = record.endpoints.isEmpty ? () : network.begin(record.id)
        do {
            try await machine.spawn(ready, image, around)
            try await named
            if !holdsStreams { try await open(ready.id, rounds: rounds) }
        } catch {
            _ = try? await named
            await machine.abandon(ready.id)
            throw error
        }
    }

    func reservePorts(
        _ ports: [ContainerRecord.Port], of record: ContainerRecord
    ) async throws -> [ContainerRecord.Port] {
        do { return try await machine.reserve(ports, for: record.id) } catch let taken as PortTaken {
            throw await taken.failure { id in await self.inventory.container(id)?.name }
        }
    }

    /// The current mount points of the container's volumes, by name.
    private func mountVolumes(of record: ContainerRecord) async throws -> [String: String] {
        var folders: [String: String] = [:]
        for name in Set(record.volumeNames) {
            guard let volume = await inventory.volume(name) else {
                throw EngineFailure(code: .notFound, message: "volume \(name) of \(record.name) is gone")
            }
            folders[name] = try await machine.mountVolume(volume, for: record.id)
        }
        return folders
    }

    /// Releases what a container holds while it runs: its host ports, and the mounts of its volumes.
    func letGo(of id: String) async {
        await machine.releasePorts(of: id)
        for name in Set(await inventory.container(id)?.volumeNames ?? []) {
            if let volume = await inventory.volume(name) { await machine.unmountVolume(volume, for: id) }
        }
    }

    /// Releases a process that waits at its gate, and everything that belongs to a start.
    func release(_ id: String, rounds: (start: Int, restart: Int)?) async throws {
        try await locks.with(id) {
            try await self.open(id, rounds: rounds)
            try await self.attend(id)
        }
    }

    /// Its process exists and waits for streams.
    func isHeld(_ id: String) -> Bool { held.withLock { $0.contains(id) } }

    /// Opens the gate of a created process, and stores that the container runs.
    private func open(_ id: String, rounds: (start: Int, restart: Int)?) async throws {
        held.withLock { _ = $0.remove(id) }
        if let record = await inventory.container(id) { await pending.open(record) }
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

    /// Starts everything that accompanies a running container: log forwarding, hooks, health checks.
    private func attend(_ id: String) async throws {
        guard let record = await inventory.container(id) else { return }
        await forwarder.begin(record)
        for hook in record.template.postStart { try await run(hook, in: record) }
        await health.begin(record)
    }

    private func failedToStart(_ record: ContainerRecord, _ error: any Error) async {
        await network.end(record.id)
        await letGo(of: record.id)
        let failure = EngineFailure(describing: error)
        let reason = StateReason.notStarted(failure.message, code: failure.launchCode)
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
                code: .hookFailed,
                message:
                    "hook `\(hook.command.joined(separator: " "))` of \(record.name) ended with code \(result.code)",
                log: result.output.split(separator: "\n").map(String.init))
        }
    }

    func surroundings(of record: ContainerRecord) async throws -> Surroundings {
        var hosts: [Surroundings.Host] = []
        for endpoint in record.endpoints {
            for address in endpoint.bareAddresses { hosts.append(.init("\(address)", record.hostNames)) }
        }
        for extra in record.template.extraHosts {
            for address in extra.addresses {
                let resolved = address == "host-gateway" ? await gateway(of: record) : address
                hosts.append(.init(resolved, [extra.host]))
            }
        }
        var variables: [String: String] = [:]
        for link in LinkedContainer.hasVariables(record) ? record.template.externalLinks : [] {
            guard let target = await inventory.find(link.target) else { continue }
            let linked = LinkedContainer(target: target, alias: link.alias, owner: record)
            hosts += [linked.host].compactMap(\.self)
            variables.merge(linked.variables) { $1 }
        }
        var joined: [String: ContainerRecord] = [:]
        for (kind, id) in record.joined {
            guard var owner = await inventory.container(id) else { throw Self.gone(id) }
            // The network of a container that has joined another one's is that one's.
            while kind == "network", let next = owner.joined[kind] {
                guard let further = await inventory.container(next) else { throw Self.gone(next) }
                owner = further
            }
            joined[kind] = owner
        }
        return Surroundings(hosts: hosts, joinedNamespaces: joined, variables: variables)
    }

    private func gateway(of record: ContainerRecord) async -> String {
        for endpoint in record.endpoints {
            if let gateway = await inventory.network(endpoint.network)?.gateways.first { return "\(gateway)" }
        }
        return "127.0.0.1"
    }

    // MARK: Pause, remove

    func pause(_ id: String) async throws {
        try await locks.with(id) {
            // Change the record first, so that the monitor's report counts as ours.
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

    /// Removes a stopped container. It is no error if the container is already gone.
    func remove(_ id: String, anonymousVolumes: Bool) async throws {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id) else { return }
            guard !record.isUp else {
                throw EngineFailure(
                    code: .conflict, message: "\(record.name) is running", hint: "stop it first, or use --force")
            }
            self.held.withLock { _ = $0.remove(id) }
            let removed = try await self.inventory.update(id, volatile: true) { record in
                record.life.phase = .removing
                if anonymousVolumes { record.life.removesAnonymousVolumes = true }
            }
            await self.health.end(id)
            await self.forwarder.finish(id)
            await self.letGo(of: id)
            try await self.discard(removed ?? record)
            self.pending.end(id)
        }
        await completeSuccessors(of: id)
    }

    /// Sends the event that it gets a signal.
    func tellKill(_ id: String, _ signal: Int32) async {
        guard let record = await inventory.container(id) else { return }
        inventory.events.publish(record.event("kill", ["signal": "\(signal)"], at: machine.now()))
    }

    static func gone(_ name: String) -> EngineFailure {
        EngineFailure(code: .notFound, message: "container \(name) is gone", hint: "run `berth up` again")
    }
}
