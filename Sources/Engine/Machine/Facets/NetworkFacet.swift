import EngineWire
import Reconcile

/// Networks, and what lets packets and names through them.
package protocol NetworkFacet: Sendable {
    /// - Throws: `EngineFailure` for one that cannot be made.
    func createNetwork(_ network: NetworkRecord) async throws
    func removeNetwork(_ network: NetworkRecord) async throws
    /// Links running containers to a bridge that was made again.
    func reattach(_ containers: [ContainerRecord], to network: NetworkRecord) async throws
    /// Rules, published ports and names become as the change says, and are repaired where others changed them. What cannot be made of
    /// one container is left out and told; all the rest is in force.
    func apply(_ change: NetworkChange) async throws -> NetworkFaults
    /// What the kernel lacks of each network, by name; absent when it is whole.
    func damage(of networks: [NetworkRecord]) async throws -> [String: String]
}
