import EngineWire
import Linux
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
        package var removeFails = 0
        package var spawnFails = 0
        package var releaseFails = 0
        package var rulesFail = 0
        package var probesFail = 0
        /// A registry takes its time: a pull ends only when it is cancelled.
        package var pullsHang = false
        /// No registry answers.
        package var pullsFail = false
        /// A container has so many files that its removal ends only when this is over.
        package var removalsHang = false
        /// A container ends by itself right after it was started.
        package var crashesAtOnce = 0

        package init() {}
    }

    /// When the engine is killed: after so many more calls, before or after the last of them took effect.
    package struct Crash: Sendable {
        package var afterCalls: Int
        package var takesEffect: Bool
        /// Called in that moment.
        package var then: @Sendable () -> Void

        package init(afterCalls: Int, takesEffect: Bool = false, then: @escaping @Sendable () -> Void = {}) {
            self.afterCalls = afterCalls
            self.takesEffect = takesEffect
            self.then = then
        }
    }

    private struct State {
        var world: SimulatedWorld
        var images: [String: MachineImage] = [:]
        /// Users and groups by the image's id; every name is known to an image that is not in here.
        var accounts: [String: Set<String>] = [:]
        var random: SplitMix64
        var clock: Int64 = 1_700_000_000_000_000_000
        var faults = Faults()
        var crash: Crash?
        var isCrashed = false
    }

    // The mutex guards all of it.
    private let state: Mutex<State>
    package let events: AsyncStream<MachineEvent>
    private let continuation: AsyncStream<MachineEvent>.Continuation

    /// `clock`: nanoseconds since 1970.
    package init(seed: UInt64, world: SimulatedWorld = SimulatedWorld(), clock: Int64? = nil) {
        var initial = State(world: world, random: SplitMix64(state: seed))
        if let clock { initial.clock = clock }
        state = Mutex(initial)
        (events, continuation) = AsyncStream.makeStream(of: MachineEvent.self)
    }

    // MARK: The test's side

    package var world: SimulatedWorld { state.withLock { $0.world } }
    package var isCrashed: Bool { state.withLock { $0.isCrashed } }
    package func setFaults(_ faults: Faults) { state.withLock { $0.faults = faults } }

    /// From the crash on nothing is done any more, and every call fails.
    package func plan(_ crash: Crash) {
        state.withLock { state in
            if !state.isCrashed { state.crash = crash }
        }
    }

    package func addImage(
        _ reference: String, id: String, _ config: ImageConfig.Execution = .init(), platform: String? = nil,
        updated: Int64? = nil
    ) {
        let image = MachineImage(id: id, config: config, platform: platform, updated: updated)
        state.withLock { $0.images[reference] = image }
    }

    /// The users and groups that an image knows by name.
    package func setAccounts(_ names: Set<String>, of image: String) { state.withLock { $0.accounts[image] = names } }

    /// Ends a container's process from outside.
    package func end(_ id: String, code: Int) {
        state.withLock { state in
            guard let status = state.world.end(id, code: code, at: state.clock), !state.isCrashed else { return }
            continuation.yield(.exited(id: id, status))
        }
    }

    /// Kills a container's monitor, and with it its process.
    package func loseMonitor(of id: String) {
        state.withLock { state in
            guard state.world.end(id, code: 255, at: state.clock) != nil, !state.isCrashed else { return }
            continuation.yield(.monitorLost(id: id))
        }
    }

    /// Deletes a bridge from outside.
    package func loseNetwork(_ name: String) {
        state.withLock { _ = $0.world.lostNetworks.insert(name) }
        continuation.yield(.networkChanged)
    }

    private func act(
        _ what: String, chance: KeyPath<Faults, Int>? = nil, _ body: (inout State) throws -> Void
    ) async throws {
        // Others come in between, as they do on a real machine.
        if state.withLock({ $0.random.next() % 4 == 0 }) { await Task.yield() }
        try state.withLock { state in
            let killed = EngineFailure(code: "crashed", message: "the engine was killed")
            guard !state.isCrashed else { throw killed }
            let isLast = state.crash?.afterCalls == 0
            if isLast {
                state.isCrashed = true
                defer { state.crash?.then() }
                if state.crash?.takesEffect == true { try? body(&state) }
                throw killed
            }
            state.crash?.afterCalls -= 1
            if let chance, state.random.next() % 1000 < UInt64(state.faults[keyPath: chance]) {
                throw EngineFailure(code: "simulated", message: "\(what): simulated failure")
            }
            state.clock += 1_000_000
            state.world.journal.append(what)
            try body(&state)
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
        while state.withLock({ $0.faults.pullsHang }) { try await Task.sleep(for: .milliseconds(1)) }
        if !state.withLock({ $0.faults.pullsFail }), let image = try await image(reference) { return image }
        throw EngineFailure(code: "image_missing", message: "no registry in a simulation: \(reference)")
    }

    package func removeImage(_ reference: String, inUse: Set<String>) async throws -> ImageRemoval {
        state.withLock { state in
            guard let image = state.images[reference] else { return .missing }
            let isLast = !state.images.contains { $0.key != reference && $0.value.id == image.id }
            if isLast, inUse.contains(image.id) { return .inUse }
            state.world.journal.append("remove image \(reference)")
            state.images[reference] = nil
            return .removed
        }
    }

    package func check(user: String, groups: [String], in image: MachineImage) async throws {
        guard let known = state.withLock({ $0.accounts[image.id] }) else { return }
        let names = user.split(separator: ":").map(String.init) + groups
        guard let unknown = names.first(where: { UInt32($0) == nil && !known.contains($0) }) else { return }
        throw EngineFailure(code: "invalid", message: "unable to find \(unknown)")
    }

    /// Whatever is asked of it.
    package func limits() async -> PreflightFacts.HostLimits { .init() }
    package func features(for wishes: KernelWishes) async -> PreflightFacts.HostFeatures { .init() }

    package func createNetwork(_ network: NetworkRecord) async throws {
        try await act("create network \(network.name)", chance: \.createFails) { state in
            state.world.networks.insert(network.name)
            state.world.lostNetworks.remove(network.name)
        }
    }

    package func removeNetwork(_ network: NetworkRecord) async throws {
        try await act("remove network \(network.name)", chance: \.removeFails) { state in
            state.world.removeNetwork(network.name)
        }
    }

    package func reattach(_ containers: [ContainerRecord], to network: NetworkRecord) async throws {
        try await act("reattach \(network.name)") { _ in }
    }

    package func apply(_ wanted: NetworkState) async throws -> NetworkFaults {
        let ports = wanted.published.map { "\($0.port.hostPort)/\($0.port.transport)" }
        try await act("apply rules", chance: \.rulesFail) { $0.world.published = Set(ports) }
        return NetworkFaults()
    }

    package func obstacles() async -> [EngineFailure] { [] }

    package func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    {
        try state.withLock { state in
            let others = state.world.ports.filter { $0.value != container }
            var held = others
            let chosen = try ports.map { port in
                let any = 40_000 + port.target % 1000
                let numbers = port.numbers.lowerBound == 0 ? any...(any + 1000) : port.numbers
                guard let number = numbers.first(where: { held[$0] == nil }) else {
                    let owner = held[numbers.lowerBound] ?? ""
                    throw EngineFailure(
                        code: "port_taken", message: "port \(numbers.lowerBound) is held by \(owner.prefix(12))")
                }
                held[number] = container
                return port.at(number)
            }
            state.world.ports = held
            return chosen
        }
    }

    package func probe(_ port: ContainerRecord.Port, count: Int) async throws {}

    package func takeOver(_ containers: [ContainerRecord], _ networks: [NetworkRecord]) async throws {
        let holders = Set(containers.filter(\.holdsPorts).map(\.id))
        state.withLock { state in state.world.ports = state.world.ports.filter { holders.contains($0.value) } }
    }

    package func releasePorts(of container: String) async {
        state.withLock { state in state.world.ports = state.world.ports.filter { $0.value != container } }
    }

    package func damage(of networks: [NetworkRecord]) async throws -> [String: String] {
        state.withLock { state in
            var result: [String: String] = [:]
            for network in networks
            where state.world.lostNetworks.contains(network.name) || !state.world.networks.contains(network.name) {
                result[network.name] = "bridge is gone"
            }
            return result
        }
    }

    package func hostSubnets() async throws -> [String] { [] }

    package func createVolume(_ volume: VolumeRecord) async throws {
        try await act("create volume \(volume.name)", chance: \.createFails) { $0.world.volumes.insert(volume.name) }
    }

    package func removeVolume(_ volume: VolumeRecord) async throws {
        try await act("remove volume \(volume.name)", chance: \.removeFails) { $0.world.removeVolume(volume.name) }
    }

    package func createContainer(_ container: ContainerRecord, _ image: MachineImage) async throws {
        try await act("create \(container.name)", chance: \.createFails) { state in
            state.world.containers[container.id] = .init(
                name: container.name, networks: Set(container.endpoints.map(\.network)),
                volumes: Set(container.volumeNames))
        }
    }

    package func removeContainer(_ container: ContainerRecord) async throws {
        while state.withLock({ $0.faults.removalsHang }) { try await Task.sleep(for: .milliseconds(1)) }
        try await act("remove \(container.name)", chance: \.removeFails) { $0.world.removeContainer(container.id) }
    }

    package func spawn(_ container: ContainerRecord, _ image: MachineImage, _ surroundings: Surroundings) async throws {
        try await act("spawn \(container.name)", chance: \.spawnFails) { state in
            guard state.world.lostNetworks.isDisjoint(with: container.endpoints.map(\.network)) else {
                throw EngineFailure(code: "simulated", message: "\(container.name): a bridge of its networks is gone")
            }
            state.world.spawn(container.id, container.name)
        }
    }

    package func process(of id: String) async -> ProcessIdentity? {
        ProcessIdentity(pid: 1, startTicks: 1, bootID: "simulated")
    }

    package func release(_ id: String) async throws {
        try await act("release \(id.prefix(4))", chance: \.releaseFails) { state in
            guard state.world.release(id, at: state.clock) else {
                throw EngineFailure(code: "monitor_lost", message: "nothing waits at the gate of \(id.prefix(12))")
            }
            state.clock += 1_000_000
            guard state.random.next() % 1000 < UInt64(state.faults.crashesAtOnce),
                let status = state.world.end(id, code: 1, at: state.clock)
            else { return }
            continuation.yield(.exited(id: id, status))
        }
    }

    package func abandon(_ id: String) async {
        state.withLock { state in
            if !state.isCrashed, state.world.containers[id]?.phase == .held {
                state.world.containers[id]?.phase = .made
            }
        }
    }

    package func signal(_ id: String, number: Int32, all: Bool) async throws {
        try await act("signal \(number)") { state in
            guard let status = state.world.end(id, code: 128 + Int(number), at: state.clock) else { return }
            continuation.yield(.exited(id: id, status))
        }
    }

    package func endUnwatched(_ container: ContainerRecord) async {
        state.withLock { state in
            if !state.isCrashed { _ = state.world.end(container.id, code: 255, at: state.clock) }
        }
    }

    package func pause(_ id: String) async throws { try await pass(id, from: .running, to: .paused) }
    package func resume(_ id: String) async throws { try await pass(id, from: .paused, to: .running) }

    private func pass(
        _ id: String, from before: SimulatedWorld.Container.Phase, to after: SimulatedWorld.Container.Phase
    ) async throws {
        try await act("\(after) \(id.prefix(4))") { state in
            guard state.world.containers[id]?.isUp == true else {
                throw EngineFailure(code: "conflict", message: "container \(id.prefix(12)) does not run")
            }
            state.world.containers[id]?.phase = after
        }
    }

    package func shellStop(_ signal: Int32, _ container: ContainerRecord) async -> ShellStop? { nil }
    package func goOn(_ stop: ShellStop, after elapsed: Duration) async -> (ShellStop, isDone: Bool) { (stop, true) }
    package func ignores(_ signal: Int32, _ container: ContainerRecord) async -> Bool { false }

    package func probe(_ command: ProbeCommand, in container: ContainerRecord) async throws -> ProbeResult {
        let runs = state.withLock { state in
            state.world.containers[container.id]?.phase == .running
                && state.random.next() % 1000 >= UInt64(state.faults.probesFail)
        }
        return ProbeResult(code: runs ? 0 : 1, isTimeout: false, output: "")
    }

    package func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption] {
        state.withLock { state in
            var result: [String: Adoption] = [:]
            for container in containers {
                guard let found = state.world.containers[container.id] else {
                    result[container.id] = .lost(reason: "never made")
                    continue
                }
                let process = ProcessIdentity(pid: 1, startTicks: 1, bootID: "simulated")
                switch found.phase {
                case .made: result[container.id] = .lost(reason: "never started")
                case .held: result[container.id] = .alive(MonitorState(phase: .created, process: process))
                case .running:
                    result[container.id] = .alive(
                        MonitorState(phase: .running, process: process, startedAt: found.startedAt))
                case .paused:
                    result[container.id] = .alive(
                        MonitorState(phase: .paused, process: process, startedAt: found.startedAt))
                case .ended(let status): result[container.id] = .ended(status)
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
