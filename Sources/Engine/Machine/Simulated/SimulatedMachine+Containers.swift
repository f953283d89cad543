import EngineWire
import Monitor
import ProjectModel
import Synchronization

extension SimulatedMachine {
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

    package func attach(_ container: ContainerRecord, _ surroundings: Surroundings) async throws {
        let networks = Set(container.endpoints.map(\.network))
        try await act("attach \(container.name)", chance: \.attachFails) { state in
            guard state.world.containers[container.id] != nil else { return }
            state.world.attach(container.id, networks)
        }
    }

    package func silence(_ container: ContainerRecord) async throws {
        try await act("silence \(container.name)") { _ in }
    }

    package func detach(_ endpoint: ContainerRecord.Endpoint, from container: ContainerRecord) async throws {
        try await act("detach \(container.name)") { state in
            _ = state.world.containers[container.id]?.networks.remove(endpoint.network)
        }
    }

    package func drain(_ container: ContainerRecord, within limit: Duration) async {
        state.withLock { $0.world.journal.append("drain \(container.name)") }
    }

    package func limit(_ container: ContainerRecord, insteadOf old: Resources) async throws {
        try await act("limit \(container.name)", chance: \.attachFails) { state in
            state.world.containers[container.id]?.memory = container.template.resources.memory
        }
    }

    package func spawn(_ container: ContainerRecord, _ image: MachineImage, _ surroundings: Surroundings) async throws {
        try await act("spawn \(container.name)", chance: \.spawnFails) { state in
            if state.faults.failingSpawns > 0, container.successorOf != nil {
                state.faults.failingSpawns -= 1
                throw EngineFailure(code: .simulated, message: "spawn \(container.name): simulated failure")
            }
            // Creates its links again if they are gone.
            state.world.containers[container.id]?.networks = Set(container.endpoints.map(\.network))
            guard state.world.lostNetworks.isDisjoint(with: container.endpoints.map(\.network)) else {
                throw EngineFailure(code: .simulated, message: "\(container.name): a bridge of its networks is gone")
            }
            state.world.spawn(container.id, container.name, isBeside: container.runsBeside == true)
        }
    }

    package func process(of id: String) async -> ProcessIdentity? {
        ProcessIdentity(pid: 1, startTicks: 1, bootID: "simulated")
    }

    package func release(_ id: String) async throws {
        try await act("release \(id.prefix(4))", chance: \.releaseFails) { state in
            guard state.world.release(id, at: state.clock) else {
                throw EngineFailure(code: .monitorLost, message: "nothing waits at the gate of \(id.prefix(12))")
            }
            state.clock += 1_000_000
            let isNext = state.faults.endingRuns > 0
            if isNext { state.faults.endingRuns -= 1 }
            guard isNext || state.random.next() % 1000 < UInt64(state.faults.crashesAtOnce),
                let status = state.end(id, code: 1)
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
}
