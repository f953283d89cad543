import EngineWire
import ProjectModel
import Reconcile

/// What a loop carries out in one turn.
struct Work: Sendable {
    var request: OperationRequest
    /// A container to make besides: a one-off, or one of no project.
    var new: NewContainer?
    /// It is about one-offs alone and takes no turn: another one may be under way, and what that has half done is its own business.
    var isAside = false

    /// The verb behind it, as a person typed it.
    var author: String {
        guard let new else { return request.verb.word }
        guard case .free = new.wanted.owner else { return "run" }
        return new.wanted.wish.goal == .created && !new.wanted.isHeld ? "container create" : "container run"
    }

    /// It is about services at all, and not only about containers by themselves.
    var isAboutServices: Bool {
        !request.services.isEmpty || (new == nil && (request.containers ?? []).isEmpty)
    }
}

/// A container that is wanted by itself and is not there yet.
struct NewContainer: Sendable {
    var wanted: DesiredContainer
    /// It as a service of its own: so its image is fetched, and so it is checked before anything is made.
    var service: Service
    var pull: PullPolicy?
    /// What services that left the file have goes first.
    var removesOrphans = false
}

/// What a request leads to, and what has to be done for it.
struct Prepared: Sendable {
    var wanted: Desired
    var plan: Plan
    var observed: Observed
    var change: IntentChange
}
