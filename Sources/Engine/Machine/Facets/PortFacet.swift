/// Ports of the host.
package protocol PortFacet: Sendable {
    /// Holds host ports for a container, instead of those that it held before. Returns the ports with the numbers they
    /// got.
    /// - Throws: `PortTaken`, or `EngineFailure` for a port that cannot be held at all.
    func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    /// Checks that `count` of the numbers allowed by `port` are free of other programs.
    /// - Throws: `PortTaken` when they are not.
    func probe(_ port: ContainerRecord.Port, count: Int) async throws
    func releasePorts(of container: String) async
}
