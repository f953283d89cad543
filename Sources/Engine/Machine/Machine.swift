import Monitor

/// Everything the engine does to the world goes through here: one implementation acts on the kernel, one simulates it. What it can do
/// is told facet by facet, in `Facets`.
///
/// Calls are idempotent: what is there already is left, what is gone already is no error.
package protocol Machine: ClockFacet, KernelFacet, ImageFacet, BuildFacet, NetworkFacet, PortFacet,
    VolumeFacet,
    ContainerFacet, ProcessFacet, FileFacet, SyncFacet, SizeFacet, UsageFacet, StreamFacet, LogFacet, AdoptionFacet
{
    /// What happens by itself; one reader.
    var events: AsyncStream<MachineEvent> { get }
}

package enum MachineEvent: Sendable {
    case exited(id: String, ExitStatus)
    /// The monitor went away without saying how its process ended.
    case monitorLost(id: String)
    case paused(id: String)
    case resumed(id: String)
    /// A monitor that was silent when its container was adopted says how it is.
    case answered(id: String, MonitorState)
    /// A link, an address or a rule of ours was changed by somebody.
    case networkChanged
    case nameServiceLost

    /// The container that is said to have ended.
    var endedContainer: String? {
        switch self {
        case .exited(let id, _), .monitorLost(let id): id
        case .paused, .resumed, .answered, .networkChanged, .nameServiceLost: nil
        }
    }

    /// The container that it is about; nil when it is about networks.
    var container: String? {
        switch self {
        case .exited(let id, _), .monitorLost(let id), .paused(let id), .resumed(let id), .answered(let id, _): id
        case .networkChanged, .nameServiceLost: nil
        }
    }
}
