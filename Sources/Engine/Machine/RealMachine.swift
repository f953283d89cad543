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

/// The machine itself: kernel, disk, registry and the programs beside the engine.
package final class RealMachine: Machine {
    let paths: EnginePaths
    package let images: ImageStore
    let driver: NetworkDriver
    let names: NameKeeper
    let hub: MonitorHub
    let reactor: Reactor
    let watcher: FolderWatcher
    let blocking: BlockingPool
    let log: Logger
    let instance: InstanceName
    let settings: EngineSettings
    let registries: RegistryNetwork
    let initProgram: String
    /// Asked once: the kernel's way of counting does not change while it runs.
    let limitsSwap: Bool
    let applied = AppliedNetwork()
    /// By container: its names are either being served or being given up.
    let serving = KeyedLocks()
    package let events: AsyncStream<MachineEvent>
    private let continuation: AsyncStream<MachineEvent>.Continuation

    /// Where the programs beside the engine are.
    package struct Programs: Sendable {
        package var monitor: String
        package var network: String
        /// The engine's own, which is also its unpack worker; nil unpacks in this process.
        package var engine: String?
        /// The first process of containers that ask for one.
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
        self.registries = registries
        initProgram = programs.initProcess
        limitsSwap = (try? CgroupMounts.current().accountForSwap) ?? false
        instance = InstanceName(rootFolder: paths.root)
        blocking = BlockingPool(name: "engine", limit: 8)
        reactor = try Reactor()
        watcher = try FolderWatcher(reactor: reactor)
        // Threads of its own: layers that take minutes must not keep containers waiting.
        images = try ImageStore(
            root: paths.root, blockingOn: BlockingPool(name: "images", limit: 6),
            unpackWorker: programs.engine.map { .process(program: $0) } ?? .inProcess)
        driver = try await NetworkDriver(instance: instance)
        do { try SecretFolder.prepare(paths.secretsRun) } catch {
            log.warning("secrets are copied to a disk: memory cannot be mounted on \(paths.secretsRun): \(error)")
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

    /// Passes on what others do to links and rules; several changes in a row are one event.
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
        return withUnsafeBytes(of: &name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    // MARK: Images

    package func image(_ reference: String) async throws -> MachineImage? {
        guard let (image, updated) = try await images.resolveWithAge(reference) else { return nil }
        return MachineImage(
            id: "\(image.id)", config: image.config.config ?? .init(), platform: image.platform.normalized.text,
            updated: updated)
    }

    package func removeImage(_ reference: String, inUse: Set<String>) async throws -> ImageRemoval {
        do {
            _ = try await images.remove(reference, inUse: Set(inUse.compactMap { Digest($0) }))
            return .removed
        } catch ImageError.inUse {
            return .inUse
        } catch ImageError.notFound {
            return .missing
        }
    }

    package func check(user: String, groups: [String], in image: MachineImage) async throws {
        guard let stored = try await images.resolve(image.id) else { return }
        let lower = try await images.snapshot(for: stored).lower
        try await blocking.run {
            do {
                _ = try lookUpUser(user, groups: groups, in: lower)
            } catch let error as UserLookupError {
                throw EngineFailure(
                    code: "invalid", message: error.description, hint: "a number works without an entry in the image")
            }
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
        return features
    }

    // MARK: Volumes

    package func createVolume(_ volume: VolumeRecord) async throws {
        try Self.checkName(of: volume)
        let path = paths.volume(volume.name)
        try await blocking.run {
            // 0755 below a folder that only root enters: what is inside has the owners the image gave it.
            try makeFolders(path, mode: 0o755)
            if let device = volume.definition.driverOptions["device"] {
                try VolumeMount(options: volume.definition.driverOptions, device: device).mount(at: path)
            }
        }
    }

    /// Whoever named it: its folder is below that of all volumes, and removing it touches nothing else.
    private static func checkName(of volume: VolumeRecord) throws {
        guard !isPlainName(volume.name) else { return }
        throw EngineFailure(
            code: "invalid", message: "\"\(volume.name)\" cannot be the name of a volume",
            hint: "letters, digits, _, . and - name one")
    }

    package func removeVolume(_ volume: VolumeRecord) async throws {
        try Self.checkName(of: volume)
        let path = paths.volume(volume.name)
        let folder = String(path.dropLast("/_data".count))
        try await blocking.run {
            if volume.isMounted { VolumeMount.unmount(path) }
            try removeTree(folder)
        }
    }

    // MARK: Containers

    package func createContainer(_ container: ContainerRecord, _ image: MachineImage) async throws {
        let stored = try await storedImage(container)
        _ = try await images.snapshot(for: stored)
        let paths = paths
        try await blocking.run {
            let folder = paths.container(container.id)
            for name in ["upper", "work", "bundle/rootfs"] { try makeFolders("\(folder)/\(name)", mode: 0o755) }
            try syscall("chmod", on: folder) { chmod(folder, 0o700) }
            try makeFolders(paths.containerRun(container.id), mode: 0o700)
        }
        // The addresses of one that takes another's place are still the other's.
        if container.needsNamespace, container.successorOf == nil { try await connect(container) }
    }

    func storedImage(_ container: ContainerRecord) async throws -> Image {
        guard let image = try await images.resolve(container.imageID) else {
            throw EngineFailure(code: "image_missing", message: "the image of \(container.name) is gone")
        }
        return image
    }

    /// Network namespace and endpoints; made again after a reboot, repaired when something is missing.
    func connect(_ container: ContainerRecord) async throws {
        let namespace = paths.namespace(container.id)
        try await driver.makeNamespace(namespace)
        for endpoint in container.endpoints { try await driver.attach(endpoint.spec(namespace: namespace)) }
    }

    package func reattach(_ containers: [ContainerRecord], to network: NetworkRecord) async throws {
        for container in containers {
            for endpoint in container.endpoints where endpoint.network == network.name {
                try await driver.attach(endpoint.spec(namespace: paths.namespace(container.id)))
            }
        }
    }

    package func removeContainer(_ container: ContainerRecord) async throws {
        if let connection = hub.connection(container.id) { try? connection.send(.abandon) }
        await driver.expectRemoval(of: container.endpoints.map(\.hostInterface))
        if container.needsNamespace { try await retire(container.id) }
        let paths = paths
        try await blocking.run {
            // The links end with their namespace; the kernel's waits for several containers overlap.
            if container.needsNamespace { try NetworkNamespace(path: paths.namespace(container.id)).remove() }
            try removeTree(paths.secrets(container.id))
            try removeTree(paths.containerRun(container.id))
            try removeTree(paths.container(container.id))
        }
    }

    // MARK: Adoption

    /// Ends what serves containers beside the engine, when there are none.
    package func endServices() async { await names.end() }

    package func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption] {
        await adoptExecs()
        return await withTaskGroup(of: (String, Adoption).self) { group in
            for container in containers { group.addTask { (container.id, await self.adopt(container)) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// Folders of commands that a former engine ran: those that ended go now, the others when they do.
    private func adoptExecs() async {
        let under = paths.exec("")
        let ids = await blocking.runInfallible { (try? folderEntries(under)) ?? [] }
        for id in ids {
            let folder = paths.exec(id)
            if let connection = try? await hub.adoptExec(id, in: folder) {
                cleanUp(connection, folder)
            } else {
                await blocking.runInfallible { try? removeTree(folder) }
            }
        }
    }

    private func adopt(_ container: ContainerRecord) async -> Adoption {
        do {
            switch try await hub.adopt(container.id, in: paths.monitor(container.id)) {
            case .state(let state): return .alive(state)
            case .silent:
                log.warning("\(container.name): its monitor does not answer; it is taken over when it does")
                return .silent
            case .none: break
            }
        } catch {
            log.warning("\(container.name): its monitor does not answer: \(error)")
        }
        return await blocking.runInfallible { [paths] in Self.remains(of: container, paths) }
    }

    /// What became of a container without a monitor.
    private static func remains(of container: ContainerRecord, _ paths: EnginePaths) -> Adoption {
        if let bytes = try? readFile(paths.exitFile(container.id)),
            let status = try? decodeJSON(ExitStatus.self, from: bytes), status.at >= container.life.startedAt ?? 0
        {
            return .ended(status)
        }
        let isSameBoot = container.life.process?.bootID == (try? currentBootID())
        guard isSameBoot, let process = container.life.process else {
            return .lost(reason: "the machine was restarted")
        }
        // Without a monitor nobody keeps the log or the exit status: such a container is ended.
        if let handle = try? ProcessHandle(pid: process.pid, startTicks: process.startTicks, bootID: process.bootID) {
            try? handle.signal(SIGKILL)
        }
        return .lost(reason: "unknown: monitor lost")
    }
}

extension ContainerRecord {
    /// It has a network namespace of its own: not the host's, not another container's.
    var needsNamespace: Bool { spec.networkMode != .host && joined["network"] == nil }
}
