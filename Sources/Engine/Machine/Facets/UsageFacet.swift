import EngineWire

/// What containers use.
package protocol UsageFacet: Sendable {
    /// - Throws: `conflict` when it does not run.
    func usage(of container: ContainerRecord) async throws -> ContainerUsage
}
