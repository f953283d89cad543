import Monitor

/// The engine acts on the outside world only through this protocol. One implementation uses the kernel, one simulates
/// it. `Facets` has its functions by subject.
///
/// Calls are idempotent: it is no error if the object exists already, or is already gone.
package protocol Machine: ClockFacet, KernelFacet, ImageFacet, BuildFacet, NetworkFacet, PortFacet,
    VolumeFacet,
    ContainerFacet, ProcessFacet, FileFacet, SyncFacet, SizeFacet, UsageFacet, StreamFacet, LogFacet, AdoptionFacet
{
    /// Events that the engine did not cause. Only one task may read them.
    var events: AsyncStream<MachineEvent> { get }
}

package enum MachineEvent: Sendable {
    case exited(id: String, ExitStatus)
    /// The monitor ended without reporting how its process ended.
    case monitorLost(id: String)
    case paused(id: String)
    case resumed(id: String)
    /// A monitor that did not answer when its container was adopted reports its state.
    case answered(id: String, MonitorState)
    /// Somebody else changed a link, an address or a rule of ours.
    case networkChanged
    case nameServiceLost

    /// The container that has ended, according to the event.
    var endedContainer: String? {
        switch self {
        case .exited(let id, _), .monitorLost(let id): id
        case .paused, .resumed, .answered, .networkChanged, .nameServiceLost: nil
        }
    }

    /// The container that the event is about; nil when it is about networks.
    var container: String? {
        switch self {
        case .exited(let id, _), .monitorLost(let id), .paused(let id), .resumed(let id), .answered(let id, _): id
        case .networkChanged, .nameServiceLost: nil
        }
    }
}
