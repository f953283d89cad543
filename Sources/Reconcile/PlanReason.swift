/// Why an action is part of a plan. Code decides by the case; only `description` has the words.
package enum PlanReason: Hashable, Sendable {
    // Somebody asked for it.
    case askedFor, startAskedFor, restartAskedFor, recreationAskedFor

    // Its state is not the desired one.
    case noContainer
    case notStarted
    case shouldRun, shouldBePaused, shouldBeStopped
    case wasStoppedShouldRun, wasStoppedShouldBePaused
    case notWanted
    /// There are more replicas than this.
    case scale(Int)
    case numberTaken
    case projectGoesDown
    case volumesGoToo
    /// Of an anonymous volume.
    case containerIsGone
    case pausedByOthers
    /// Fields of the file changed, or the objects to which they refer.
    case changed([Divergence])

    // Something that it needs has changed.
    case networkGone(String)
    case volumeGone(String)
    /// The part of a network that is missing in the kernel.
    case damaged(String)
    case dependencyRecreated(String)
    case dependencyRestarted(String)
    /// The attribute with which it joined a service's namespace, and the service, which has a new container.
    case namespaceReplaced(field: String, service: String)
    case volumesReplaced(service: String)

    // Another action needs it.
    case neededBy(String)
    case usedBy([String])

    // Steps of an update.
    case updateBrokeOff, updatePause
}

extension PlanReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .askedFor: "asked for"
        case .startAskedFor: "start requested"
        case .restartAskedFor: "restart requested"
        case .recreationAskedFor: "recreation requested"
        case .noContainer: "no container"
        case .notStarted: "created, not started"
        case .shouldRun: "should run"
        case .shouldBePaused: "should be paused"
        case .shouldBeStopped: "should be stopped"
        case .wasStoppedShouldRun: "was stopped, should run"
        case .wasStoppedShouldBePaused: "was stopped, should be paused"
        case .notWanted: "no longer wanted"
        case .scale(let count): "scale is \(count)"
        case .numberTaken: "another container has its number"
        case .projectGoesDown: "the project is removed"
        case .volumesGoToo: "volumes are removed too"
        case .containerIsGone: "its container is gone"
        case .pausedByOthers: "paused by another program"
        case .changed(let divergences): Self.text(divergences)
        case .networkGone(let name): "network \(name) is gone"
        case .volumeGone(let name): "volume \(name) is gone"
        case .damaged(let what): what
        case .dependencyRecreated(let service): "depends on \(service), which is recreated"
        case .dependencyRestarted(let service): "depends on \(service), which is restarted"
        case .namespaceReplaced(let field, let service): "\(field) service:\(service) has a new container"
        case .volumesReplaced(let service): "volumes_from \(service), which is recreated"
        case .neededBy(let service): "\(service) depends on it"
        case .usedBy(let names): "used by \(Self.listed(names))"
        case .updateBrokeOff: "an update was interrupted"
        case .updatePause: "update_config.delay"
        }
    }

    /// The first few in a line, and the number of the others.
    private static func text(_ divergences: [Divergence]) -> String {
        let shown = divergences.prefix(4).map(\.description).joined(separator: ", ")
        return divergences.count > 4 ? "\(shown) and \(divergences.count - 4) more" : shown
    }

    private static func listed(_ names: [String]) -> String {
        let names = names.sorted()
        return names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    /// Expected and in no need of an explanation: it creates a new object, or carries out a request.
    package var isRoutine: Bool {
        switch self {
        case .noContainer, .startAskedFor, .askedFor, .shouldRun, .shouldBePaused, .shouldBeStopped, .projectGoesDown,
            .volumesGoToo, .usedBy:
            true
        default: false
        }
    }
}

extension [Divergence] {
    var reason: PlanReason { .changed(self) }
}
