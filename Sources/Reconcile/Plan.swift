/// The actions that turn the observed state into the desired one: a DAG. Each action comes after those that it needs.
package struct Plan: Hashable, Sendable, CustomStringConvertible {
    package var actions: [PlannedAction]

    package init(actions: [PlannedAction] = []) { self.actions = actions }

    package var isEmpty: Bool { actions.isEmpty }

    /// The actions on replicas, networks and volumes; to inspect, not to execute.
    package var ofServices: Plan { Plan(actions: actions.filter { !($0.action.replica?.isSingle ?? false) }) }

    /// The actions on one-offs and containers of no project.
    package var ofSingles: Plan { Plan(actions: actions.filter { $0.action.replica?.isSingle ?? false }) }

    /// A line for each action: `3 create api.1 after 1,2  # no container`; the language of the planner's tests.
    package var description: String { actions.map(\.description).joined(separator: "\n") }
}

package struct PlannedAction: Hashable, Sendable, CustomStringConvertible {
    /// From 1, its place in the plan.
    package var number: Int
    package var action: Action
    /// Numbers of the actions that must succeed before this one begins.
    package var after: [Int]
    /// Why; names the field and never a secret value.
    package var reason: PlanReason
    /// The full name of an object whose data would be lost; the action needs consent.
    package var needsConsent: String?

    package init(number: Int, action: Action, after: [Int], reason: PlanReason, needsConsent: String? = nil) {
        self.number = number
        self.action = action
        self.after = after
        self.reason = reason
        self.needsConsent = needsConsent
    }

    package var description: String {
        let after = after.isEmpty ? "" : " after " + after.map(String.init).joined(separator: ",")
        let consent = needsConsent == nil ? "" : " (needs consent)"
        return "\(number) \(action)\(after)  # \(reason)\(consent)"
    }
}

/// One change that the engine makes on the machine.
package enum Action: Hashable, Sendable {
    case createNetwork(key: String, name: String)
    /// The kernel lost part of the network: restore it for its containers.
    case repairNetwork(name: String)
    case removeNetwork(name: String)
    case createVolume(key: String, name: String)
    case removeVolume(name: String)
    /// Replaces `replacing`, which is removed later (or was removed by an interrupted plan). The new container takes over its addresses
    /// and anonymous volumes, and nothing else. A container that this plan creates is known only by its replica.
    case create(Replica, replacing: String?)
    case start(Replica, existing: String?)
    /// Replaces `replacing` by its service's update rules: it has no names and published ports until `admit`. `beside`: both run for
    /// a while.
    case createNext(Replica, replacing: String, beside: Bool)
    /// A replica releases its names and published ports. Ends when it has answered its open requests.
    case withdraw(Replica, id: String)
    /// Ends when a new replica is ready and has been ready for as long as the rules say; if it fails, the rules decide. A replica that
    /// replaces nothing comes from an interrupted update: it gets its names and ports in any case.
    case watch(Replica, replacing: String?)
    /// A replica takes over the names and published ports of the one that it replaces.
    case admit(Replica, replacing: String?)
    /// The pause between one group of replicas and the next.
    case rest(service: String, Duration)
    case stop(Replica, id: String)
    /// Without `anonymousVolumes` these volumes stay for the container that replaces it.
    case remove(Replica, id: String, anonymousVolumes: Bool)
    case pause(Replica, id: String)
    case unpause(Replica, id: String)
    /// The running container leaves or joins a network, given by its key in the file and its full name.
    case detach(Replica, id: String, key: String, network: String)
    case attach(Replica, id: String, key: String, network: String)
    /// The running container gets the settings of its service that can change in place: limits, ports, names, labels,
    /// supervision.
    case update(Replica, id: String)
    /// Ends when every replica of the service has reached the condition, and fails when one no longer can. A wait that is not
    /// `required` never fails: it ends with a warning, even if an earlier action failed.
    case wait(service: String, Condition, required: Bool)

    package enum Condition: String, Hashable, Sendable { case started, healthy, completed }
}

extension Action {
    /// The replica for which it creates a container.
    package var madeReplica: Replica? {
        switch self {
        case .create(let replica, _), .createNext(let replica, _, _): replica
        default: nil
        }
    }
}

/// A container by its place in the project (`web.1`), or by its name if it has no place.
package enum Replica: Hashable, Sendable, CustomStringConvertible {
    case numbered(service: String, Int)
    case oneOff(service: String, name: String)
    /// Of no service.
    case free(name: String)

    /// It does not belong to a service's replicas.
    package var isSingle: Bool {
        switch self {
        case .numbered: false
        case .oneOff, .free: true
        }
    }

    /// Empty for a container of no service.
    package var service: String {
        switch self {
        case .numbered(let service, _), .oneOff(let service, _): service
        case .free: ""
        }
    }

    package var description: String {
        switch self {
        case .numbered(let service, let number): "\(service).\(number)"
        case .oneOff(_, let name), .free(let name): name
        }
    }
}
