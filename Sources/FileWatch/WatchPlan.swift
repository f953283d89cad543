import ProjectModel

/// The work for a batch of changes, by service.
package struct WatchPlan: Hashable, Sendable {
    /// A rule with its service.
    package struct Rule: Sendable {
        package var service: String
        /// Its index among the service's rules.
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

    /// The work for one service, in this order.
    package struct Work: Hashable, Sendable {
        /// Rebuild its image.
        package var rebuilds = false
        /// Paths in the containers, each with the local file to copy there; nil for a path to remove. Sorted, so that
        /// folders come before their content.
        package var copies: [Copy] = []
        package var restarts = false
        /// Indices of the rules whose command must run in each container.
        package var commands: [Int] = []

        package init() {}

        /// Adds the work in `other`, except copies, which never wait.
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

    /// Each change counts for every rule that applies to it, of any service.
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
                // Removing a folder removes its content.
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
