import Builder
import EngineWire
import Glibc
import Images
import JSON
import Linux
import Logging
import Monitor
import NameService
import Networking
import OCI
import ProjectModel
import Reconcile
import Runtime
import Synchronization

/// The real machine: kernel, disk, registries, and the programs beside the engine.
package final class RealMachine: Machine {
    let paths: EnginePaths
    package let images: ImageStore
    /// The build cache, and threads for builds, so that the files of a build step do not delay containers.
    let builds: BuildCache
    let buildPool = BlockingPool(name: "builds", limit: 16)
    /// Copies files of containers on threads of its own, because a client may read slowly.
    let fileThreads = BlockingPool(name: "files", limit: 32)
    let driver: NetworkDriver
    let names: NameKeeper
    let hub: MonitorHub
    let reactor: Reactor
    let watcher: FolderWatcher
    let blocking: BlockingPool
    let log: Logger
    let instance: InstanceName
    let settings: EngineSettings
    /// How to reach registries; it can change while the engine runs.
    private let registryNetwork: Mutex<RegistryNetwork>
    var registries: RegistryNetwork { registryNetwork.withLock { $0 } }
    let initProgram: String
    /// Read once: the places of cgroups, and whether the kernel counts swap, do not change while it runs.
    let cgroups: CgroupMounts
    let limitsSwap: Bool
    let volumeDrivers: [any VolumeDriver]
    let applied = AppliedNetwork()
    /// Commands that were started in containers, until somebody learns of their end.
    let commands = Mutex<[String: MonitorConnection]>([:])
    /// The socket for Docker's clients, which containers may have; nil: there is none, or a service manager owns it.
    // The mutex guards its single assignment.
    let dockerListener = Mutex<KeptSocket?>(nil)
    /// By container: serving its names and giving them up exclude each other.
    let serving = KeyedLocks()
    package let events: AsyncStream<MachineEvent>
    private let continuation: AsyncStream<MachineEvent>.Continuation

    /// The paths of the programs beside the engine.
    package struct Programs: Sendable {
        package var monitor: String
        package var network: String
        /// The engine itself, which is also its unpack worker; nil unpacks in this process.
        package var engine: String?
        /// The first process of containers with `init: true`.
        package var initProcess: String

        package init(monitor: String, network: String, engine: String? = nil, initProcess: String) {
            self.monitor = monitor
            self.network = network
            self.engine = engine
            self.initProcess = initProcess
        }
    }

    package init(
        settings: EngineSettings, programs: Programs, registries: RegistryNetwork, log: Logger
    ) async throws {
        self.settings = settings
        paths = settings.paths
        self.log = log
        registryNetwork = Mutex(registries)
        initProgram = programs.initProcess
        cgroups = (try? CgroupMounts.current()) ?? CgroupMounts(mounts: [])
        limitsSwap = cgroups.accountForSwap
        instance = InstanceName(rootFolder: paths.root)
        blocking = BlockingPool(name: "engine", limit: 8)
        volumeDrivers = [LocalVolumes(paths: paths, blocking: blocking)]
        reactor = try Reactor()
        watcher = try FolderWatcher(reactor: reactor)
        // Threads of its own, so that layers that take minutes do not delay containers.
        images = try ImageStore(
            root: paths.root, blockingOn: BlockingPool(name: "images", limit: 6),
            unpackWorker: programs.engine.map { .process(program: $0) } ?? .inProcess)
        builds = BuildCache(
            root: "\(paths.root)/builds", images: images, pool: buildPool,
            turns: max(2, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        ) {
            Int64(time(nil))
        }
        try await builds.load()
        driver = try await NetworkDriver(instance: instance)
        do { try SecretFolder.prepare(paths.secretsRun) } catch {
            log.warning("secrets are on a disk, because no tmpfs can be mounted on \(paths.secretsRun): \(error)")
        }
        (events, continuation) = AsyncStream.makeStream(of: MachineEvent.self)
        let events = continuation
        hub = try MonitorHub(
            program: programs.monitor, reactor: reactor, blocking: blocking, events: continuation, log: log)
        names = NameKeeper(
            program: programs.network, folder: paths.networkRun,
            onLoss: { [applied] in
                applied.forgetAll()
                events.yield(.nameServiceLost)
            })
        try await watchNetwork()
    }

    /// Takes effect from the next pull on.
    package func use(_ registries: RegistryNetwork) { registryNetwork.withLock { $0 = registries } }

    /// Reports changes that others make to links and rules; several changes in a row become one event.
    private func watchNetwork() async throws {
        let (ticks, tick) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let changes = try await driver.events()
        let (log, continuation) = (log, continuation)
        Task { [weak self] in
            for await change in changes {
                guard case .foreignFirewallChanged(let program) = change else {
                    tick.yield()
                    continue
                }
                log.info("another firewall was changed by \(program)")
                await self?.openForeignFirewalls()
            }
        }
        Task {
            for await _ in ticks {
                try? await Task.sleep(for: .milliseconds(20))
                continuation.yield(.networkChanged)
            }
        }
    }

    // MARK: Time and chance

    package func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    package func sleep(_ duration: Duration) async throws { try await Task.sleep(for: duration) }

    package func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let hex = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - hex.utf8.count) + hex
        }.joined()
    }

    package func bridgeName(ofNetwork id: String) -> String { instance.bridge(ofNetwork: id) }

    package func linkName(ofContainer container: String, network: String) -> String {
        instance.veth(ofContainer: container, network: network)
    }

    package var hostName: String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: &name.nodename) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    // MARK: The kernel

    package func limits() async -> PreflightFacts.HostLimits {
        await blocking.runInfallible { MachineProbe().limits }
    }

    package func features(for wishes: KernelWishes) async -> PreflightFacts.HostFeatures {
        var features = await blocking.runInfallible { MachineProbe().features(for: wishes) }
        for kind in wishes.links where (try? await driver.hasLinks(of: kind)) == false {
            features.unknownLinks.insert(kind)
        }
        for name in wishes.interfaces where (try? await hasInterface(name)) == false {
            guard case .vlan(let base, _)? = ParentLink.vlan(named: name)?.origin,
                (try? await hasInterface(base)) == true
            else {
                features.missingInterfaces.insert(name)
                continue
            }
            if (try? await driver.hasLinks(of: "vlan")) == false { features.unknownLinks.insert("vlan") }
        }
        return features
    }

    // MARK: Volumes

    package func createVolume(_ volume: VolumeRecord) async throws -> String {
        try await volumeDriver(of: volume).create(volume)
    }

    package func mountVolume(_ volume: VolumeRecord, for container: String) async throws -> String {
        try await volumeDriver(of: volume).mount(volume, for: container)
    }

    package func unmountVolume(_ volume: VolumeRecord, for container: String) async {
        do { try await volumeDriver(of: volume).unmount(volume, for: container) } catch {
            log.warning("volume \(volume.name) could not be unmounted: \(error)")
        }
    }

    package func removeVolume(_ volume: VolumeRecord) async throws { try await volumeDriver(of: volume).remove(volume) }

    private func volumeDriver(of volume: VolumeRecord) throws(EngineFailure) -> any VolumeDriver {
        if let driver = volumeDrivers.first(where: { $0.name == volume.driver }) { return driver }
        throw EngineFailure(
            code: .unsupported, message: "volume \(volume.name): there is no driver \"\(volume.driver)\"",
            hint: "use \(volumeDrivers.map(\.name).joined(separator: ", "))")
    }

    // MARK: Containers

    package func createContainer(_ container: ContainerRecord, _ image: MachineImage) async throws {
        let stored = try await storedImage(container)
        _ = try await images.snapshot(for: stored)
        let paths = paths
        try await blocking.run {
            let folder = paths.container(container.id)
            for name in ["upper", "work"] { try makeFolders("\(folder)/\(name)", mode: 0o755) }
            try syscall("chmod", on: folder) { chmod(folder, 0o700) }
            try makeFolders(paths.containerRun(container.id), mode: 0o700)
        }
        // Until it is admitted, its addresses still belong to the container that it replaces.
        if container.needsNamespace, container.successorOf == nil { try await connect(container) }
    }

    func storedImage(_ container: ContainerRecord) async throws -> Image {
        guard let image = try await images.resolve(container.imageID) else {
            throw EngineFailure(code: .imageMissing, message: "the image of \(container.name) is gone")
        }
        return image
    }

    /// Creates its network namespace and endpoints: again after a reboot, and whatever is missing.
    func connect(_ container: ContainerRecord) async throws {
        let namespace = paths.namespace(container.id)
        try await driver.makeNamespace(namespace)
        for endpoint in container.endpoints { try await driver.attach(endpoint.spec(namespace: namespace)) }
    }

    package func attach(_ container: ContainerRecord, _ surroundings: Surroundings) async throws {
        guard container.needsNamespace else { return }
        try await connect(container)
        let paths = paths
        try await blocking.run {
            try EtcFiles(record: container, surroundings: surroundings).write(to: paths.containerRun(container.id))
        }
    }

    package func silence(_ container: ContainerRecord) async throws {
        guard container.needsNamespace else { return }
        for endpoint in container.endpoints { try await driver.silence(hostInterface: endpoint.hostInterface) }
    }

    package func detach(_ endpoint: ContainerRecord.Endpoint, from container: ContainerRecord) async throws {
        await driver.expectRemoval(of: [endpoint.hostInterface])
        try await driver.detach(endpoint.spec(namespace: paths.namespace(container.id)))
    }

    package func drain(_ container: ContainerRecord, within limit: Duration) async {
        guard container.needsNamespace, let pid = container.life.process?.pid else { return }
        let end = ContinuousClock.now + limit
        var pause = Duration.milliseconds(500)
        repeat {
            do { try await Task.sleep(for: pause) } catch { return }
            pause = .milliseconds(50)
            let isOpen = await blocking.runInfallible { InboundConnections.areOpen(inNamespaceOf: pid) }
            if !isOpen { return }
        } while ContinuousClock.now < end
    }

    package func limit(_ container: ContainerRecord, insteadOf old: Resources) async throws {
        let nobody = ContainerUser(uid: 0, gid: 0, additionalGids: [], home: "/")
        let builder = specBuilder(container, Surroundings(), nobody)
        let path = SpecBuilder.cgroup(of: container, instance.suffix)
        let resources = try builder.limits(insteadOf: old)
        try await blocking.run {
            do {
                try Cgroup.make(path, mounts: .current()).apply(resources, isUpdate: true)
            } catch let failure as RuntimeFailure {
                throw EngineFailure(code: .invalid, message: "\(container.name): \(failure)")
            }
        }
    }

    package func reattach(_ containers: [ContainerRecord], to network: NetworkRecord) async throws {
        for container in containers {
            for endpoint in container.endpoints where endpoint.network == network.name {
                try await driver.attach(endpoint.spec(namespace: paths.namespace(container.id)))
            }
        }
    }

    package func removeContainer(_ container: ContainerRecord) async throws {
        if let connection = hub.connection(container.id) {
            try? connection.send(.abandon)
        } else if container.life.phase == .creating {
            await endStep(container.id)
        }
        await driver.expectRemoval(of: container.endpoints.map(\.hostInterface))
        if container.needsNamespace { try await retire(container.id) }
        // This frees its address at once, and a parent interface that only one can use.
        for endpoint in container.endpoints where endpoint.link.sharesSubnet {
            try await driver.detach(endpoint.spec(namespace: paths.namespace(container.id)))
        }
        let paths = paths
        let (cgroups, cgroup) = (cgroups, SpecBuilder.cgroup(of: container, instance.suffix))
        try await blocking.run {
            // The monitor removes it, unless the monitor was killed.
            try Cgroup(folders: cgroups.mounts.map { $0.mountpoint + cgroup }, mounts: cgroups).remove()
            // The links end with their namespace; then the kernel's delays for several containers overlap.
            if container.needsNamespace { try NetworkNamespace(path: paths.namespace(container.id)).remove() }
            try removeTree(paths.secrets(container.id))
            try removeTree(paths.containerRun(container.id))
            try removeTree(paths.container(container.id))
        }
    }

    // MARK: Adoption

    /// Ends the helper processes, when there are no containers.
    package func endServices() async { await names.end() }

    package func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption] {
        await withTaskGroup(of: (String, Adoption).self) { group in
            for container in containers { group.addTask { (container.id, await self.adopt(container)) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private func adopt(_ container: ContainerRecord) async -> Adoption {
        do {
            switch try await hub.adopt(container.id, in: paths.monitor(container.id)) {
            case .state(let state): return .alive(state)
            case .silent:
                log.warning(
                    "\(container.name): its monitor does not answer yet; the engine adopts the container when it does")
                return .silent
            case .none: break
            }
        } catch {
            log.warning("\(container.name): its monitor does not answer: \(error)")
        }
        return await blocking.runInfallible { [paths] in Self.remains(of: container, paths) }
    }

    /// What is left of a container without a monitor.
    private static func remains(of container: ContainerRecord, _ paths: EnginePaths) -> Adoption {
        if let bytes = try? readFile(paths.exitFile(container.id)),
            let status = try? decodeJSON(ExitStatus.self, from: bytes), status.at >= container.life.startedAt ?? 0
        {
            return .ended(status)
        }
        let isSameBoot = container.life.process?.bootID == (try? currentBootID())
        guard isSameBoot, let process = container.life.process else {
            return .lost(.machineRestarted)
        }
        // Without a monitor nobody keeps the log or the exit status, so end such a container.
        if let handle = try? ProcessHandle(pid: process.pid, startTicks: process.startTicks, bootID: process.bootID) {
            try? handle.signal(SIGKILL)
        }
        return .lost(.monitorLost)
    }
}

extension ContainerRecord {
    /// It has a network namespace of its own: not the host's, not another container's.
    var needsNamespace: Bool { template.networkMode != .host && joined["network"] == nil }
}
