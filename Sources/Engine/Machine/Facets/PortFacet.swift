/// Ports of the host.
package protocol PortFacet: Sendable {
    /// Holds host ports for a container, in place of those that it held; answers with the ports, each with the number it got.
    /// - Throws: `PortTaken`, or `EngineFailure` for one that cannot be held at all.
    func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    /// Finds out whether another program leaves `count` of the numbers that `port` may take.
    /// - Throws: `PortTaken` when it does not.
    func probe(_ port: ContainerRecord.Port, count: Int) async throws
    func releasePorts(of container: String) async
}
