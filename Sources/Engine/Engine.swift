import EngineWire
import Glibc
import Linux
import Logging
import Networking
import ProjectModel
import Reconcile

/// One engine: its projects and everything they share. What the HTTP routes call.
package actor Engine {
    let parts: EngineParts
    let real: RealMachine?
    /// When the engine may be at rest.
    package nonisolated let quiet: Quiet
    let gate = StartGate()
    private let health: HealthMonitor
    private var loops: [String: ProjectLoop] = [:]
    private var supervisor: Supervisor?
    private var supervision: Task<Void, Never>?
    private var remounting: Task<Void, Never>?
    private var collecting: Task<Void, Never>?

    /// Wires an engine on `machine`; `real` is the same machine when streams and images are to be had from it.
    package init(
        settings: EngineSettings, store: Store, content: Store.Content, machine: any Machine, real: RealMachine?,
        resolver: @escaping @Sendable () -> ResolverConfiguration, log: Logger
    ) {
        let quiet = Quiet()
        self.quiet = quiet
        let paths = settings.paths
        let inventory = Inventory(
            store: store, content: content, addressPools: settings.addressPools, quiet: quiet)
        let network = NetworkSync(
            inventory: inventory, machine: machine, upstreams: settings.resolver(of: resolver), log: log)
        health = HealthMonitor(inventory: inventory, machine: machine, log: log)
        let forwarder = LogForwarder(
            paths: paths, inventory: inventory, watcher: real?.watcher, host: machine.hostName, log: log)
        let runner = ContainerRunner(
            inventory: inventory, machine: machine, network: network, health: health, forwarder: forwarder, log: log)
        let objects = ObjectStore(inventory: inventory, machine: machine, network: network)
        self.real = real
        parts = EngineParts(
            paths: paths, store: store, inventory: inventory, vault: SecretVault(folder: paths.vault), machine: machine,
            network: network, runner: runner,
            objects: objects, preflight: PreflightInspector(inventory: inventory, machine: machine),
            operations: RunningOperations(quiet: quiet), log: log,
            logTail: { record in await LogReader.tail(paths.log(record.id), lines: 10) })
        for (name, desired) in content.desired { loops[name] = ProjectLoop(name: name, desired: desired, parts: parts) }
    }

    /// To be called before anybody can ask an engine that is about to start.
    package nonisolated func willStart() { gate.close() }

    /// Adopts what a former engine left, then keeps every project as it is wanted. What is asked of it meanwhile is answered as
    /// soon as that is possible.
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
        // Not waited for: a server that does not answer must not keep the engine from its work.
        remounting = Task { await self.remountVolumes() }
        if real != nil {
            let moments = quiet.listen()
            collecting = Task { await self.collectImages(after: moments) }
            quiet.note()  // what a crash left
        }
        for loop in loops.values { await loop.heal(because: "the engine started") }
    }

    /// What volumes are mounted from elsewhere goes with a reboot, or by somebody's hand.
    private func remountVolumes() async {
        for volume in await parts.inventory.allVolumes() where volume.isMounted {
            do { try await parts.machine.createVolume(volume) } catch {
                parts.log.error("volume \(volume.name) could not be mounted: \(error)")
            }
        }
    }

    /// What is wanted of a project; nil for one that nobody has brought up. To ask leaves nothing behind.
    func desired(of project: String) async -> Desired? { await loops[project]?.desired }

    /// Owns `project` from now on.
    private func loop(_ project: String) -> ProjectLoop {
        if let loop = loops[project] { return loop }
        let loop = ProjectLoop(name: project, desired: nil, parts: parts)
        loops[project] = loop
        return loop
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
        return await loop(project).submit(request)
    }

    package func plan(_ request: OperationRequest, for project: String) async throws -> PlanDescription {
        await gate.wait(for: .ready)
        try Self.check(project)
        var request = request
        if let project = request.project { request.project = try await parts.vault.hold(project, storing: false) }
        let loop = loops[project] ?? ProjectLoop(name: project, desired: nil, parts: parts)
        return try await loop.plan(request)
    }

    package func cancel(operation id: String, force: Bool) throws {
        guard let operation = parts.operations.find(id) else {
            throw EngineFailure(code: "not_found", message: "operation \(id) is not under way")
        }
        operation.cancel(force: force)
    }

    /// Names become parts of paths and interface names: nothing else than Compose allows gets in.
    private static func check(_ project: String) throws {
        let isValid = project.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        guard isValid, let first = project.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "_") else {
            throw EngineFailure(
                code: "invalid",
                message:
                    "invalid project name \"\(project)\": must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number"
            )
        }
    }

    // MARK: One-offs

    package func run(_ request: RunRequest, in project: String) async throws -> Operation {
        await gate.wait(for: .ready)
        try Self.check(project)
        var request = request
        request.project = try await parts.vault.hold(request.project)
        return await OneOffRunner(parts: parts, loop: loop(project)).begin(request)
    }

    // MARK: Idleness

    /// To be called before an idle engine leaves: nothing of it stays then.
    package func endServices() async { await real?.endServices() }

    /// Nothing is left to look after: no container, no operation.
    package var isIdle: Bool {
        get async {
            guard parts.operations.isEmpty else { return false }
            return await parts.inventory.allContainers().isEmpty
        }
    }
}
