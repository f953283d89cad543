import EngineWire
import Linux
import Reconcile

/// What the kernel supports.
package protocol KernelFacet: Sendable {
    func limits() async -> PreflightFacts.HostLimits
    func features(for wishes: KernelWishes) async -> PreflightFacts.HostFeatures
    /// An interface of the host has this name.
    func hasInterface(_ name: String) async throws -> Bool
    /// Subnets that the host routes itself; networks must not use them.
    func hostSubnets() async throws -> [CIDR]
    /// Firewalls of other programs that block containers' packets and that the engine must not change.
    func obstacles() async -> [EngineFailure]
}
