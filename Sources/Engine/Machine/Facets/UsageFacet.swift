import EngineWire

/// Resource usage of containers.
package protocol UsageFacet: Sendable {
    /// - Throws: `conflict` when it does not run.
    func usage(of container: ContainerRecord) async throws -> ContainerUsage
}
