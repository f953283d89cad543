import ProjectModel

/// What a batch of changes asks for, service by service.
package struct WatchPlan: Hashable, Sendable {
    /// A rule, with the service that it belongs to.
    package struct Rule: Sendable {
        package var service: String
        /// Its place among the service's rules.
        package var index: Int
        package var rule: WatchRule
        package var filter: RuleFilter

        package init(service: String, index: Int, rule: WatchRule, filter: RuleFilter) {
            self.service = service
            self.index = index
            self.rule = rule
            self.filter = filter
        }
    }

    /// What to do for one service, in this order.
    package struct Work: Hashable, Sendable {
        /// Whether its image is built anew.
        package var rebuilds = false
        /// Paths in the containers, and the files of this machine that they become; nil for what goes. Sorted, so that folders
        /// come before what is in them.
        package var copies: [Copy] = []
        package var restarts = false
        /// The rules, by their place, whose command runs in each container.
        package var commands: [Int] = []

        package init() {}

        /// What `other` asks for as well; copies are not waited for, so they are not taken over.
        package mutating func merge(_ other: Work) {
            rebuilds = rebuilds || other.rebuilds
            restarts = restarts || other.restarts
            commands = Set(commands + other.commands).sorted()
        }
    }

    package struct Copy: Hashable, Sendable {
        package var target: String
        package var source: String?

        package init(target: String, source: String?) {
            self.target = target
            self.source = source
        }
    }

    package private(set) var work: [String: Work] = [:]

    /// Every change counts for each rule that it belongs to, whichever service that is of.
    package init(_ changes: [FileChange], _ rules: [Rule]) {
        var copies: [String: [String: String?]] = [:]
        for rule in rules {
            let touched = changes.filter { rule.filter.accepts($0.path) }
            guard !touched.isEmpty else { continue }
            let action = rule.rule.action
            if action == .rebuild { work[rule.service, default: Work()].rebuilds = true }
            if action == .restart || action == .syncAndRestart { work[rule.service, default: Work()].restarts = true }
            if action == .syncAndExec { work[rule.service, default: Work()].commands.append(rule.index) }
            guard action.copies, let target = rule.rule.target else { continue }
            for change in touched {
                guard let place = rule.filter.target(of: change.path, below: target) else { continue }
                let source: String? = change.kind == .removed ? nil : change.path
                copies[rule.service, default: [:]][place] = .some(source)
            }
        }
        for (service, places) in copies {
            var list: [Copy] = []
            for (target, source) in places.sorted(by: { $0.key < $1.key }) {
                // With a folder goes what is in it.
                if source == nil, let last = list.last(where: { $0.source == nil }),
                    target.hasPrefix("\(last.target)/")
                {
                    continue
                }
                list.append(Copy(target: target, source: source))
            }
            work[service, default: Work()].copies = list
        }
    }
}
