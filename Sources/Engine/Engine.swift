import EngineWire
import Glibc
import Linux
import Logging
import Networking
import ProjectModel
import Reconcile

/// One engine: its projects and everything that they share. The HTTP routes call it.
package actor Engine {
    nonisolated let parts: EngineParts
    nonisolated let settings: EngineSettings
    /// Tells when the engine may have become idle.
    package nonisolated let quiet: Quiet
    let gate = StartGate()
    nonisolated let execs = ExecTable()
    nonisolated let buildShells = BuildShells()
    private let health: HealthMonitor
    /// The loops of projects, and of containers that belong to no project.
    private var loops: [Subject: ProjectLoop] = [:]
    private var supervisor: Supervisor?
    private var supervision: Task<Void, Never>?
    private var remounting: Task<Void, Never>?
    private var collecting: Task<Void, Never>?

    package init(
        settings: EngineSettings, store: Store, content: Store.Content, machine: any Machine,
        resolver: @escaping @Sendable () -> ResolverConfiguration, log: Logger
    ) {
        let quiet = Quiet()
        self.quiet = quiet
        self.settings = settings
        let paths = settings.paths
        let inventory = Inventory(
            store: store, content: content, addressPools: settings.addressPools,
            networkDefaults: settings.networkDefaults, quiet: quiet,
            events: EventBus { machine.now() })
        let network = NetworkSync(
            inventory: inventory, machine: machine, upstreams: settings.resolver(of: resolver), log: log)
        health = HealthMonitor(inventory: inventory, machine: machine, log: log)
        let forwarder = LogForwarder(
            paths: paths, inventory: inventory, machine: machine, defaults: settings.defaults, log: log)
        let logTail: @Sendable (ContainerRecord) async -> [String] = { record in
            await LogReader.tail(paths.log(record.id), lines: 10)
        }
        let pending = PendingStreams { try await machine.stream(of: $0) }
        let runner = ContainerRunner(
            inventory: inventory, machine: machine, network: network, health: health, forwarder: forwarder,
            pending: pending, log: log, logTail: logTail)
        let objects = ObjectStore(inventory: inventory, machine: machine, network: network)
        parts = EngineParts(
            paths: paths, store: store, inventory: inventory, vault: SecretVault(folder: paths.vault), machine: machine,
            network: network, runner: runner,
            objects: objects,
            preflight: PreflightInspector(
                inventory: inventory, machine: machine, sockets: DockerSocketBind(own: settings.dockerSocket)),
            operations: RunningOperations(quiet: quiet), log: log,
            logTail: logTail)
        for (name, desired) in content.desired {
            loops[.project(name)] = ProjectLoop(of: .project(name), desired: desired, parts: parts)
        }
        for group in Set(content.containers.map(\.group)) where loops[group] == nil {
            loops[group] = ProjectLoop(of: group, parts: parts)
        }
    }

    /// Call this before an engine that starts accepts requests.
    package nonisolated func willStart() { gate.close() }

    /// Adopts what a former engine left, then keeps every project in its desired state. Requests that arrive meanwhile get their
    /// answers as soon as possible.
    package func start() async {
        willStart()
        await parts.vault.setReferences { await self.heldSecrets() }
        await parts.vault.sweep()
        let adopter = Adopter(parts: parts, health: health)
        let supervisor = Supervisor(
            parts: parts, health: health, isReady: { [gate] in await gate.wait(for: .ready) },
            loop: { await self.loops[$0] })
        self.supervisor = supervisor
        await adopter.look(reportingTo: supervisor)
        await adopter.takeOver()
        supervision = Task { await supervisor.run() }
        gate.reach(.known)
        await adopter.mend(with: supervisor)
        gate.reach(.ready)
        // Do not wait: a server that does not answer must not block the engine.
        remounting = Task { await self.remountVolumes() }
        let moments = quiet.listen()
        collecting = Task { await self.collectImages(after: moments) }
        quiet.note()  // so that it removes what a crash left behind
        for loop in loops.values { await loop.heal(because: "the engine started") }
    }

    /// Mounts of volumes disappear with a reboot, or when somebody unmounts them.
    private func remountVolumes() async {
        for volume in await parts.inventory.allVolumes() where volume.isMounted {
            do { try await parts.inventory.make(volume, on: parts.machine) } catch {
                parts.log.error("volume \(volume.name) could not be mounted: \(error)")
            }
        }
    }

    /// The desired state of a project; nil before its first `up`. The call creates nothing.
    func desired(of project: String) async -> Desired? { await loops[.project(project)]?.desired }

    /// The loop for `group`; creates it if there is none.
    func loop(_ group: Subject) -> ProjectLoop {
        if let loop = loops[group] { return loop }
        let loop = ProjectLoop(of: group, parts: parts)
        loops[group] = loop
        return loop
    }

    /// Forgets the loops of containers that are gone.
    func forgetLoops() async {
        for case .container(let id) in loops.keys where await parts.inventory.container(id) == nil {
            loops[.container(id)] = nil
        }
    }

    func allLoops() -> [ProjectLoop] { Array(loops.values) }

    private func heldSecrets() async -> Set<String> {
        var names: Set<String> = []
        for loop in loops.values {
            names.formUnion(SecretVault.names(in: await loop.desired?.secrets.values.map(\.self) ?? []))
        }
        for record in await parts.inventory.allContainers() {
            names.formUnion(SecretVault.names(in: record.definitions.secrets.values))
        }
        return names
    }

    // MARK: Operations

    package func submit(_ request: OperationRequest, to project: String) async throws -> Operation {
        await gate.wait(for: .ready)
        try Self.check(project)
        var request = request
        if let project = request.project {
            request.project = try await parts.vault.hold(project, storing: !request.dryRun)
        }
        return await loop(.project(project)).submit(Work(request: request))
    }

    package func plan(_ request: OperationRequest, for project: String) async throws -> PlanDescription {
        await gate.wait(for: .ready)
        try Self.check(project)
        var request = request
        if let project = request.project { request.project = try await parts.vault.hold(project, storing: false) }
        let loop = loops[.project(project)] ?? ProjectLoop(of: .project(project), parts: parts)
        return try await loop.plan(request)
    }

    package func cancel(operation id: String, force: Bool) throws {
        guard let operation = parts.operations.find(id) else {
            throw EngineFailure(code: .notFound, message: "operation \(id) is not running")
        }
        operation.cancel(force: force)
    }

    /// Names become parts of paths and interface names, so accept only what Compose allows.
    static func check(_ project: String) throws {
        let isValid = project.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        guard isValid, let first = project.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "_") else {
            throw EngineFailure(
                code: .invalid,
                message:
                    "invalid project name \"\(project)\": must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number"
            )
        }
    }

    // MARK: Idleness

    /// Call this before an idle engine ends: afterwards none of its processes run.
    package func endServices() async { await parts.machine.endServices() }

    /// Containers that outlive the engine have mounted its Docker socket, so the socket must stay for the next engine.
    package var leavesDockerSocket: Bool {
        get async {
            let binds = DockerSocketBind(own: settings.dockerSocket)
            return await parts.inventory.allContainers().contains { $0.isUp && binds.isUsed(by: $0) }
        }
    }

    /// There are no containers and no operations.
    package var isIdle: Bool {
        get async {
            guard parts.operations.isEmpty else { return false }
            return await parts.inventory.allContainers().isEmpty
        }
    }
}
