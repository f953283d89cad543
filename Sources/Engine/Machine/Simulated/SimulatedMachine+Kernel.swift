import EngineWire
import Linux
import Reconcile

extension SimulatedMachine {
    package func hasInterface(_ name: String) async throws -> Bool { false }

    /// The simulated machine supports every feature.
    package func limits() async -> PreflightFacts.HostLimits { .init() }

    package func features(for wishes: KernelWishes) async -> PreflightFacts.HostFeatures { .init() }

    package func obstacles() async -> [EngineFailure] { [] }

    package func hostSubnets() async throws -> [CIDR] { [] }
}
