import EngineWire
import ProjectModel
import Reconcile

/// The work of one turn of a loop.
struct Work: Sendable {
    var request: OperationRequest
    /// A container to create as well: a one-off, or one of no project.
    var new: NewContainer?
    /// It is only about one-offs and takes no turn, because another such work may be in progress and must not be
    /// disturbed.
    var isAside = false

    /// The verb behind it, as a person typed it.
    var author: String {
        guard let new else { return request.verb.word }
        guard case .free = new.wanted.owner else { return "run" }
        return new.wanted.wish.goal == .created && !new.wanted.isHeld ? "container create" : "container run"
    }

    /// It is about services, and not only about single containers.
    var isAboutServices: Bool {
        !request.services.isEmpty || (new == nil && (request.containers ?? []).isEmpty)
    }
}

/// A container of no service that does not exist yet.
struct NewContainer: Sendable {
    var wanted: DesiredContainer
    /// The container as a service of its own, to pull its image and to check it before anything is created.
    var service: Service
    var pull: PullPolicy?
    /// First remove the containers of services that are no longer in the file.
    var removesOrphans = false
}

/// The result of a request, and what must be done for it.
struct Prepared: Sendable {
    var wanted: Desired
    var plan: Plan
    var observed: Observed
    var change: IntentChange
}
