import EngineWire
import Glibc
import Linux
import Monitor
import OCI
import ProjectModel
import Reconcile
import Synchronization

/// A machine in memory, for tests of the engine: it can fail, be slow and lose objects, and a seed replays it.
package final class SimulatedMachine: Machine {
    /// The faults that may happen, each with a chance in a thousand for every call.
    package struct Faults: Hashable, Sendable {
        package var createFails = 0
        package var removeFails = 0
        package var attachFails = 0
        package var spawnFails = 0
        /// How many of the next spawns fail.
        package var failingSpawns = 0
        /// How many of the next containers end by themselves right after their start.
        package var endingRuns = 0
        package var releaseFails = 0
        package var rulesFail = 0
        package var probesFail = 0
        /// A pull ends only when it is cancelled.
        package var pullsHang = false
        /// No registry answers.
        package var pullsFail = false
        /// The removal of a container ends only when this is false again.
        package var removalsHang = false
        /// Sending any signal except SIGKILL fails.
        package var signalsFail = false
        /// Processes ignore every signal except SIGKILL.
        package var processesAreDeaf = false
        /// A container ends by itself right after it was started.
        package var crashesAtOnce = 0

        package init() {}
    }

    /// When the engine is killed: after this many more calls, before or after the last one took effect.
    package struct Crash: Sendable {
        package var afterCalls: Int
        package var takesEffect: Bool
        /// Runs at that moment.
        package var then: @Sendable () -> Void

        package init(afterCalls: Int, takesEffect: Bool = false, then: @escaping @Sendable () -> Void = {}) {
            self.afterCalls = afterCalls
            self.takesEffect = takesEffect
            self.then = then
        }
    }

    struct State {
        var world: SimulatedWorld
        var images: [String: MachineImage] = [:]
        /// Users and groups by the image's id. An image that is missing here knows every name.
        var accounts: [String: Set<String>] = [:]
        var random: SplitMix64
        var clock: Int64 = 1_700_000_000_000_000_000
        var faults = Faults()
        var crash: Crash?
        var isCrashed = false
        var waits = 0
        /// The machine's ends of streams, by container or command.
        var streams: [String: [Stream]] = [:]

        /// Ends a container's process and the commands in it; nil when none ran.
        mutating func end(_ id: String, code: Int, signal: Int32? = nil) -> ExitStatus? {
            guard let status = world.end(id, code: code, signal: signal, at: clock) else { return nil }
            for ended in [id] + world.commands.filter({ $0.value.container == id }).keys {
                for stream in streams.removeValue(forKey: ended) ?? [] { stream.end(status.code) }
            }
            return status
        }
    }

    // The mutex guards everything.
    let state: Mutex<State>
    package let events: AsyncStream<MachineEvent>
    let continuation: AsyncStream<MachineEvent>.Continuation

    /// `clock`: nanoseconds since 1970.
    package init(seed: UInt64, world: SimulatedWorld = SimulatedWorld(), clock: Int64? = nil) {
        var initial = State(world: world, random: SplitMix64(state: seed))
        if let clock { initial.clock = clock }
        state = Mutex(initial)
        (events, continuation) = AsyncStream.makeStream(of: MachineEvent.self)
    }

    // MARK: The test's side

    package var world: SimulatedWorld { state.withLock { $0.world } }
    /// How often the engine waited for time to pass.
    package var waits: Int { state.withLock { $0.waits } }
    package var isCrashed: Bool { state.withLock { $0.isCrashed } }
    package func setFaults(_ faults: Faults) { state.withLock { $0.faults = faults } }

    /// From the crash on, every call fails and changes nothing.
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
            guard let status = state.end(id, code: code), !state.isCrashed else { return }
            continuation.yield(.exited(id: id, status))
        }
    }

    /// Kills a container's monitor together with its process.
    package func loseMonitor(of id: String) {
        state.withLock { state in
            guard state.end(id, code: 255) != nil, !state.isCrashed else { return }
            continuation.yield(.monitorLost(id: id))
        }
    }

    /// Deletes a bridge from outside.
    package func loseNetwork(_ name: String) {
        state.withLock { _ = $0.world.lostNetworks.insert(name) }
        continuation.yield(.networkChanged)
    }

    /// Runs `body`, unless the engine was killed or a fault happens by chance.
    func act(
        _ what: String, chance: KeyPath<Faults, Int>? = nil, _ body: (inout State) throws -> Void
    ) async throws {
        // Lets other tasks run in between, as on a real machine.
        if state.withLock({ $0.random.next() % 4 == 0 }) { await Task.yield() }
        try state.withLock { state in
            let killed = EngineFailure(code: .crashed, message: "the engine was killed")
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
                throw EngineFailure(code: .simulated, message: "\(what): simulated failure")
            }
            state.clock += 1_000_000
            state.world.journal.append(what)
            try body(&state)
        }
    }

    // MARK: Machine

    package func now() -> Int64 { state.withLock { $0.clock } }

    /// A second takes a hundredth of a second, which is enough for other events to happen meanwhile. A killed engine
    /// never wakes up.
    package func sleep(_ duration: Duration) async throws {
        state.withLock { $0.waits += 1 }
        var left = duration
        while left > .zero {
            // Sleep in steps: on a busy processor time passes more slowly, for this sleep as for every other task.
            let step = min(left, .milliseconds(250))
            left -= step
            try await Task.sleep(for: step / 100)
            let isCrashed = state.withLock { state in
                state.clock += step.components.attoseconds / 1_000_000_000
                return state.isCrashed
            }
            if isCrashed { throw CancellationError() }
        }
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
