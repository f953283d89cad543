/// Time, randomness and names.
package protocol ClockFacet: Sendable {
    /// Nanoseconds since 1970.
    func now() -> Int64
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(_ duration: Duration) async throws
    /// 64 random hex digits.
    func newID() -> String
    /// Names of a network's bridge and of the host's end of a container's link, derived from their ids: at most 15
    /// bytes.
    func bridgeName(ofNetwork id: String) -> String
    func linkName(ofContainer container: String, network: String) -> String
    /// The host name of the machine.
    var hostName: String { get }
}
