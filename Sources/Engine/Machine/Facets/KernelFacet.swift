import EngineWire
import Linux
import Reconcile

/// What the kernel can do.
package protocol KernelFacet: Sendable {
    func limits() async -> PreflightFacts.HostLimits
    func features(for wishes: KernelWishes) async -> PreflightFacts.HostFeatures
    /// An interface of the host has this name.
    func hasInterface(_ name: String) async throws -> Bool
    /// Subnets that the host routes itself: not to be given to a network.
    func hostSubnets() async throws -> [CIDR]
    /// What is in the way of all containers' packets and is not the engine's to change: others' firewalls.
    func obstacles() async -> [EngineFailure]
}
