import Monitor
import Reconcile
import Synchronization

extension SimulatedMachine {
    package func takeOver(_ containers: [ContainerRecord], _ networks: [NetworkRecord]) async throws {
        let holders = Set(containers.filter(\.holdsPorts).map(\.id))
        state.withLock { state in state.world.ports = state.world.ports.filter { holders.contains($0.value) } }
    }

    package func endServices() async {}

    package func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption] {
        state.withLock { state in
            var result: [String: Adoption] = [:]
            for container in containers {
                guard let found = state.world.containers[container.id] else {
                    result[container.id] = .lost(.neverRan)
                    continue
                }
                let process = ProcessIdentity(pid: 1, startTicks: 1, bootID: "simulated")
                switch found.phase {
                case .made: result[container.id] = .lost(.neverRan)
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
