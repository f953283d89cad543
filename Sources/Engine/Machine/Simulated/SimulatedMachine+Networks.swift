import EngineWire
import Reconcile
import Synchronization

extension SimulatedMachine {
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

    package func apply(_ change: NetworkChange) async throws -> NetworkFaults {
        try await act("apply rules", chance: \.rulesFail) { state in
            if change.isWhole { state.world.publishedBy = [:] }
            for (id, container) in change.containers {
                let ports = container?.published.map { "\($0.port.hostPort)/\($0.port.transport)" } ?? []
                state.world.publishedBy[id] = ports.isEmpty ? nil : Set(ports)
            }
            state.world.networkChanges.append(Set(change.containers.keys))
        }
        return NetworkFaults()
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
}
