import EngineWire
import Reconcile

/// Networks, firewall rules, published ports and names.
package protocol NetworkFacet: Sendable {
    /// - Throws: `EngineFailure` for a network that cannot be created.
    func createNetwork(_ network: NetworkRecord) async throws
    func removeNetwork(_ network: NetworkRecord) async throws
    /// Links running containers to a bridge that was created again.
    func reattach(_ containers: [ContainerRecord], to network: NetworkRecord) async throws
    /// Applies the change to rules, published ports and names, and repairs what others changed. If something fails for
    /// one container, it reports this and applies everything else.
    func apply(_ change: NetworkChange) async throws -> NetworkFaults
    /// What the kernel lacks of each network, by name; a complete network is not in the result.
    func damage(of networks: [NetworkRecord]) async throws -> [String: String]
}
