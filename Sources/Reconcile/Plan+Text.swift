extension Plan {
    /// Full names of objects whose data this plan would lose, sorted. Ask about them, then plan again and keep the refused ones.
    package var namesNeedingConsent: [String] { actions.compactMap(\.needsConsent).sorted() }
}

/// The plan's language: a verb, the kind unless it is a container, the name.
extension Action: CustomStringConvertible {
    package var description: String {
        switch self {
        case .createNetwork(_, let name): "create network \(name)"
        case .repairNetwork(let name): "repair network \(name)"
        case .removeNetwork(let name): "remove network \(name)"
        case .createVolume(_, let name): "create volume \(name)"
        case .removeVolume(let name): "remove volume \(name)"
        case .create(let replica, let replaced):
            "create \(replica)" + (replaced == nil ? "" : " in place of the old one")
        case .start(let replica, _): "start \(replica)"
        case .createNext(let replica, _, let beside):
            "create \(replica) " + (beside ? "beside the old one" : "in place of the old one")
        case .withdraw(let replica, _): "drain \(replica)"
        case .watch(let replica, let replaced): "watch " + (replaced == nil ? "" : "the new ") + "\(replica)"
        case .admit(let replica, let replaced): replaced == nil ? "admit \(replica)" : "switch to the new \(replica)"
        case .rest(let service, let pause): "wait \(pause.shortText) before the next of \(service)"
        case .stop(let replica, _): "stop \(replica)"
        case .remove(let replica, _, let volumes): "remove \(replica)" + (volumes ? " and its anonymous volumes" : "")
        case .pause(let replica, _): "pause \(replica)"
        case .unpause(let replica, _): "unpause \(replica)"
        case .detach(let replica, _, _, let network): "detach \(replica) from network \(network) in place"
        case .attach(let replica, _, _, let network): "attach \(replica) to network \(network) in place"
        case .update(let replica, _): "update \(replica) in place"
        case .wait(let service, let condition, let required):
            "wait until \(service) \(condition == .completed ? "has" : "is") \(condition.rawValue)"
                + (required ? "" : " (optional)")
        }
    }
}
