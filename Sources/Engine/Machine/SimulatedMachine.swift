import EngineWire
import Monitor
import OCI
import ProjectModel
import Reconcile
import Synchronization

/// A machine that exists only in memory, for trying out the loop: it can fail, be slow and lose things, and replays from a seed.
package final class SimulatedMachine: Machine {
    /// What may go wrong, each with a chance in a thousand for every call.
    package struct Faults: Hashable, Sendable {
        package var createFails = 0
        package var spawnFails = 0
        package var releaseFails = 0
        /// A container ends by itself right after it was started.
        package var crashesAtOnce = 0

        package init() {}
    }

    package struct World: Hashable, Sendable {
        package var networks: Set<String> = []
        package var volumes: Set<String> = []
        /// Containers that exist, and whether their process runs.
        package var containers: [String: Bool] = [:]
        package var published: Set<String> = []
        /// Volumes whose data was lost, ever.
        package var removedVolumes: [String] = []
        /// Everything that was done, in order.
        package var journal: [String] = []

        package init() {}
    }

    private struct State {
        var world = World()
        var images: [String: MachineImage] = [:]
        var random: SplitMix64
        var clock: Int64 = 1_700_000_000_000_000_000
        var faults = Faults()
        /// Calls after which the machine answers nothing but errors: a crash of the engine at this point.
        var callsLeft: Int?
        var isCrashed = false
        var atCrash: (@Sendable () -> Void)?
        var lostNetworks: Set<String> = []
    }

    // The mutex guards all of it.
    private let state: Mutex<State>
    package let events: AsyncStream<MachineEvent>
    private let continuation: AsyncStream<MachineEvent>.Continuation

    package init(seed: UInt64, world: World = World()) {
        var initial = State(random: SplitMix64(state: seed))
        initial.world = world
        state = Mutex(initial)
        (events, continuation) = AsyncStream.makeStream(of: MachineEvent.self)
    }

    // MARK: The test's side

    package var world: World { state.withLock { $0.world } }
    package func setFaults(_ faults: Faults) { state.withLock { $0.faults = faults } }
    /// The engine is killed after so many more calls: `atCrash` is called in that moment, and nothing is done any more.
    package func crash(afterCalls count: Int, _ atCrash: @escaping @Sendable () -> Void = {}) {
        state.withLock { state in
            guard !state.isCrashed else { return }
            state.callsLeft = count
            state.atCrash = atCrash
        }
    }

    package func addImage(
        _ reference: String, id: String, _ config: ImageConfig.Execution = .init(), platform: String? = nil,
        updated: Int64? = nil
    ) {
        let image = MachineImage(id: id, config: config, platform: platform, updated: updated)
        state.withLock { $0.images[reference] = image }
    }

    /// Ends a container's process from outside.
    package func end(_ id: String, code: Int) {
        let at = now()
        let ran = state.withLock { $0.world.containers.updateValue(false, forKey: id) ?? false }
        if ran {
            continuation.yield(.exited(id: id, ExitStatus(code: code, signal: nil, isOutOfMemory: false, at: at)))
        }
    }

    /// Deletes a bridge from outside.
    package func loseNetwork(_ name: String) {
        state.withLock { _ = $0.lostNetworks.insert(name) }
        continuation.yield(.networkChanged)
    }

    private func act(_ what: String, chance: KeyPath<Faults, Int>? = nil, _ body: (inout World) -> Void) throws {
        try state.withLock { state in
            if let left = state.callsLeft {
                guard left > 0 else {
                    if !state.isCrashed { state.atCrash?() }
                    state.isCrashed = true
                    throw EngineFailure(code: "crashed", message: "the engine was killed")
                }
                state.callsLeft = left - 1
            }
            if let chance, state.random.next() % 1000 < UInt64(state.faults[keyPath: chance]) {
                throw EngineFailure(code: "simulated", message: "\(what): simulated failure")
            }
            state.clock += 1_000_000
            state.world.journal.append(what)
            body(&state.world)
        }
    }

    // MARK: Machine

    package func now() -> Int64 { state.withLock { $0.clock } }
    /// A second passes in a hundredth of one: what happens meanwhile is still noticed. Who was killed never wakes up.
    package func sleep(_ duration: Duration) async throws {
        try await Task.sleep(for: duration / 100)
        let (seconds, attoseconds) = duration.components
        let isCrashed = state.withLock { state in
            state.clock += seconds * 1_000_000_000 + attoseconds / 1_000_000_000
            return state.isCrashed
        }
        if isCrashed { throw CancellationError() }
    }

    package func newID() -> String {
        state.withLock { state in
            (0..<4).map { _ in
                let hex = String(state.random.next(), radix: 16)
                return String(repeating: "0", count: 16 - hex.utf8.count) + hex
            }.joined()
        }
    }

    package func bridgeName(ofNetwork id: String) -> String { "sim-\(id.prefix(8))" }
    package func linkName(ofContainer container: String, network: String) -> String { "simv\(container.prefix(8))" }

    package var hostName: String { "simulation" }
    package func hasInterface(_ name: String) async throws -> Bool { false }

    package func image(_ reference: String) async throws -> MachineImage? {
        state.withLock { state in state.images[reference] ?? state.images.values.first { $0.id == reference } }
    }

    package func pull(
        _ reference: String, platform: String?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullStep) -> Void
    ) async throws -> MachineImage {
        state.withLock { $0.world.journal.append("pull \(reference)") }
        if let image = try await image(reference) { return image }
        throw EngineFailure(code: "image_missing", message: "no registry in a simulation: \(reference)")
    }

    /// Whatever is asked of it.
    package func limits() async -> PreflightFacts.HostLimits { .init() }
    package func features(for wishes: KernelWishes) async -> PreflightFacts.HostFeatures { .init() }

    package func createNetwork(_ network: NetworkRecord) async throws {
        try act("create network \(network.name)", chance: \.createFails) { $0.networks.insert(network.name) }
        state.withLock { _ = $0.lostNetworks.remove(network.name) }
    }

    package func removeNetwork(_ network: NetworkRecord) async throws {
        try act("remove network \(network.name)") { $0.networks.remove(network.name) }
    }

    package func reattach(_ containers: [ContainerRecord], to network: NetworkRecord) async throws {
        try act("reattach \(network.name)") { _ in }
    }

    package func apply(_ wanted: NetworkState) async throws {
        let ports = wanted.published.map { "\($0.port.hostPort)/\($0.port.transport)" }
        try act("apply rules") { $0.published = Set(ports) }
    }

    package func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    {
        ports.map { port in
            var port = port
            if port.hostPort == 0 { port.hostPort = 40_000 + port.target % 1000 }
            return port
        }
    }

    package func releasePorts(of container: String) async {}

    package func damage(of networks: [NetworkRecord]) async throws -> [String: String] {
        state.withLock { state in
            var result: [String: String] = [:]
            for network in networks where state.lostNetworks.contains(network.name) {
                result[network.name] = "bridge is gone"
            }
            return result
        }
    }

    package func hostSubnets() async throws -> [String] { [] }

    package func createVolume(_ volume: VolumeRecord) async throws {
        try act("create volume \(volume.name)", chance: \.createFails) { $0.volumes.insert(volume.name) }
    }

    package func removeVolume(_ volume: VolumeRecord) async throws {
        try act("remove volume \(volume.name)") { world in
            world.volumes.remove(volume.name)
            world.removedVolumes.append(volume.name)
        }
    }

    package func createContainer(_ container: ContainerRecord, _ image: MachineImage) async throws {
        try act("create \(container.name)", chance: \.createFails) { $0.containers[container.id] = false }
    }

    package func removeContainer(_ container: ContainerRecord) async throws {
        try act("remove \(container.name)") { _ = $0.containers.removeValue(forKey: container.id) }
    }

    package func spawn(_ container: ContainerRecord, _ image: MachineImage, _ surroundings: Surroundings) async throws {
        try act("spawn \(container.name)", chance: \.spawnFails) { _ in }
    }

    package func process(of id: String) async -> ProcessIdentity? {
        ProcessIdentity(pid: 1, startTicks: 1, bootID: "simulated")
    }

    package func release(_ id: String) async throws {
        try act("release \(id.prefix(4))", chance: \.releaseFails) { $0.containers[id] = true }
        let crashes = state.withLock { $0.random.next() % 1000 < UInt64($0.faults.crashesAtOnce) }
        if crashes { end(id, code: 1) }
    }

    package func abandon(_ id: String) async {}

    package func signal(_ id: String, number: Int32, all: Bool) async throws {
        try act("signal \(number)") { _ in }
        end(id, code: 128 + Int(number))
    }

    package func endUnwatched(_ container: ContainerRecord) async {
        state.withLock { state in
            if !state.isCrashed { state.world.containers[container.id] = false }
        }
    }

    package func pause(_ id: String) async throws { try act("pause") { _ in } }
    package func resume(_ id: String) async throws { try act("resume") { _ in } }
    package func ignores(_ signal: Int32, _ container: ContainerRecord) async -> Bool { false }

    package func probe(_ command: ProbeCommand, in container: ContainerRecord) async throws -> ProbeResult {
        let runs = state.withLock { $0.world.containers[container.id] ?? false }
        return ProbeResult(code: runs ? 0 : 1, isTimeout: false, output: "")
    }

    package func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption] {
        state.withLock { state in
            var result: [String: Adoption] = [:]
            for container in containers {
                switch state.world.containers[container.id] {
                case true?:
                    result[container.id] = .alive(
                        MonitorState(
                            phase: .running, process: ProcessIdentity(pid: 1, startTicks: 1, bootID: "simulated")))
                case false?:
                    result[container.id] = .ended(
                        ExitStatus(code: 0, signal: nil, isOutOfMemory: false, at: state.clock))
                case nil: result[container.id] = .lost(reason: "never made")
                }
            }
            return result
        }
    }
}

/// A small generator whose whole state is its seed (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
package struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    package var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
