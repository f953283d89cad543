/// The actions that turn what is observed into what is desired: a DAG, in an order in which every action stands after those it needs.
package struct Plan: Hashable, Sendable, CustomStringConvertible {
    package var actions: [PlannedAction]

    package init(actions: [PlannedAction] = []) { self.actions = actions }

    package var isEmpty: Bool { actions.isEmpty }

    /// What it does to replicas, networks and volumes; for looking at, not for carrying out.
    package var ofServices: Plan { Plan(actions: actions.filter { !($0.action.replica?.isSingle ?? false) }) }

    /// What it does to one-offs and containers of no project.
    package var ofSingles: Plan { Plan(actions: actions.filter { $0.action.replica?.isSingle ?? false }) }

    /// A line for each action: `3 create api.1 after 1,2  # no container`; the language of the planner's tests.
    package var description: String { actions.map(\.description).joined(separator: "\n") }
}

package struct PlannedAction: Hashable, Sendable, CustomStringConvertible {
    /// From 1, its place in the plan.
    package var number: Int
    package var action: Action
    /// Numbers of the actions that must have ended well before this one begins.
    package var after: [Int]
    /// Why; names the field and never a secret value.
    package var reason: PlanReason
    /// The full name of an object whose data would be lost: only done with consent.
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

/// One thing the engine does to the world.
package enum Action: Hashable, Sendable {
    case createNetwork(key: String, name: String)
    /// The kernel lost part of it: put it back under its containers.
    case repairNetwork(name: String)
    case removeNetwork(name: String)
    case createVolume(key: String, name: String)
    case removeVolume(name: String)
    /// Takes the place of `replacing`, which is removed after this (or was, by a plan that broke off): its anonymous volumes, and
    /// only those, go on in the new one, and so do its addresses. A container that this plan made is known by its replica alone.
    case create(Replica, replacing: String?)
    case start(Replica, existing: String?)
    /// Made to take the place of `replacing` by its service's rules for updates: it has no names and published ports until `admit`.
    /// `beside`: both run for a while.
    case createNext(Replica, replacing: String, beside: Bool)
    /// A replica gives up its names and published ports; ends when it has answered what it was asked before.
    case withdraw(Replica, id: String)
    /// Ends when the replica that replaces another is ready and was so for as long as the rules say; one that fails is the rules' matter.
    /// One that replaces nothing comes back from an update that broke off: it is let in in any case.
    case watch(Replica, replacing: String?)
    /// A replica gets its names and published ports: those of the one that it replaces.
    case admit(Replica, replacing: String?)
    /// The pause between one group of replicas and the next.
    case rest(service: String, Duration)
    case stop(Replica, id: String)
    /// Without `anonymousVolumes` they stay behind for the container that takes its place.
    case remove(Replica, id: String, anonymousVolumes: Bool)
    case pause(Replica, id: String)
    case unpause(Replica, id: String)
    /// The container goes on and leaves, or joins, a network: its key in the file, and its full name.
    case detach(Replica, id: String, key: String, network: String)
    case attach(Replica, id: String, key: String, network: String)
    /// The container goes on with what its service is now, as far as the kernel and the engine can change it: limits, ports, names,
    /// labels, how it is looked after.
    case update(Replica, id: String)
    /// Ends when every replica of the service has reached the condition, and fails when one cannot any more. One that is not
    /// `required` never fails: it ends with a warning, also when an action before it failed.
    case wait(service: String, Condition, required: Bool)

    package enum Condition: String, Hashable, Sendable { case started, healthy, completed }
}

extension Action {
    /// The replica of which it makes a container.
    package var madeReplica: Replica? {
        switch self {
        case .create(let replica, _), .createNext(let replica, _, _): replica
        default: nil
        }
    }
}

/// A container by its place in the project: `web.1`, or one that has no place by its name.
package enum Replica: Hashable, Sendable, CustomStringConvertible {
    case numbered(service: String, Int)
    case oneOff(service: String, name: String)
    /// Of no service.
    case free(name: String)

    /// It belongs to no service's replicas.
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
