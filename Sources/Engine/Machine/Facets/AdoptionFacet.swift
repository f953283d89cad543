import Monitor
import Reconcile

/// What a former engine left.
package protocol AdoptionFacet: Sendable {
    /// What helpers of a former engine hold for these containers and networks is held on; all the rest is let go of.
    func takeOver(_ containers: [ContainerRecord], _ networks: [NetworkRecord]) async throws
    /// Reconnects with the monitors of a former engine.
    func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption]
    /// Ends what serves containers beside the engine, when there are none.
    func endServices() async
}

/// What became of a container while no engine looked after it.
package enum Adoption: Hashable, Sendable {
    /// Its monitor is alive.
    case alive(MonitorState)
    /// Its monitor is there and does not answer: `MachineEvent.answered` comes when it does.
    case silent
    case ended(ExitStatus)
    /// Monitor and exit status are gone: killed, or the machine was restarted.
    case lost(StateReason)
}
