import Monitor
import Reconcile

/// Takes over what an earlier engine left.
package protocol AdoptionFacet: Sendable {
    /// Keeps what helper processes of an earlier engine hold for these containers and networks, and releases everything
    /// else.
    func takeOver(_ containers: [ContainerRecord], _ networks: [NetworkRecord]) async throws
    /// Reconnects to the monitors of an earlier engine.
    func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption]
    /// Ends the helper processes, when there are no containers.
    func endServices() async
}

/// The state of a container after a time without an engine.
package enum Adoption: Hashable, Sendable {
    /// Its monitor runs.
    case alive(MonitorState)
    /// Its monitor runs but does not answer; `MachineEvent.answered` follows when it does.
    case silent
    case ended(ExitStatus)
    /// It has neither a monitor nor an exit status: both were killed, or the machine restarted.
    case lost(StateReason)
}
