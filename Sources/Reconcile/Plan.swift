/// The actions that turn what is observed into what is desired: a DAG, in an order in which every action stands after those it needs.
package struct Plan: Hashable, Sendable, CustomStringConvertible {
    package var actions: [PlannedAction]

    package init(actions: [PlannedAction] = []) { self.actions = actions }

    package var isEmpty: Bool { actions.isEmpty }

    /// A line for each action: `3 create api.1 after 1,2  # no container`; the language of the planner's tests.
    package var description: String { actions.map(\.description).joined(separator: "\n") }
}

package struct PlannedAction: Hashable, Sendable, CustomStringConvertible {
    /// From 1, its place in the plan.
    package var number: Int
    package var action: Action
    /// Numbers of the actions that must have ended well before this one begins.
    package var after: [Int]
    /// Why, in a person's words; names the field and never a secret value.
    package var reason: String
    /// The full name of an object whose data would be lost: only done with consent.
    package var needsConsent: String?

    package init(number: Int, action: Action, after: [Int], reason: String, needsConsent: String? = nil) {
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
    case stop(Replica, id: String)
    /// Without `anonymousVolumes` they stay behind for the container that takes its place.
    case remove(Replica, id: String, anonymousVolumes: Bool)
    case pause(Replica, id: String)
    case unpause(Replica, id: String)
    /// Ends when every replica of the service has reached the condition, and fails when one cannot any more. One that is not
    /// `required` never fails: it ends with a warning, also when an action before it failed.
    case wait(service: String, Condition, required: Bool)

    package enum Condition: String, Hashable, Sendable { case started, healthy, completed }
}

/// A container by its place in the project: `web.1`, or a one-off by its name.
package enum Replica: Hashable, Sendable, CustomStringConvertible {
    case numbered(service: String, Int)
    case oneOff(service: String, name: String)

    package var service: String {
        switch self {
        case .numbered(let service, _), .oneOff(let service, _): service
        }
    }

    package var description: String {
        switch self {
        case .numbered(let service, let number): "\(service).\(number)"
        case .oneOff(_, let name): name
        }
    }
}
