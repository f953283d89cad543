/// A plan under construction: actions in any order, with edges; `finished` sorts them.
struct PlanDraft {
    /// An action's index in the draft.
    typealias Node = Int

    /// The position of an action, unless a dependent action needs it earlier.
    struct Place: Comparable {
        /// Coarse part of the plan.
        enum Section: Int { case teardown, objects, services, cleanup }

        let section: Section
        /// The service's rank, counted down in a teardown; for objects the kind.
        let rank: Int
        let number: Int
        let name: String

        init(_ section: Section, rank: Int = 0, number: Int = 0, name: String = "") {
            self.section = section
            self.rank = rank
            self.number = number
            self.name = name
        }

        static func < (one: Place, other: Place) -> Bool {
            (one.section.rawValue, one.rank, one.number, one.name)
                < (other.section.rawValue, other.rank, other.number, other.name)
        }
    }

    private struct Entry {
        let action: Action
        let reason: PlanReason
        let consent: String?
        let place: Place
        var after: Set<Node> = []
    }

    private var entries: [Entry] = []

    mutating func add(_ action: Action, at place: Place, because reason: PlanReason, consent: String? = nil) -> Node {
        entries.append(Entry(action: action, reason: reason, consent: consent, place: place))
        return entries.count - 1
    }

    /// `node` begins after `others` have succeeded.
    mutating func order(_ node: Node, after others: some Sequence<Node>) {
        entries[node].after.formUnion(others)
        entries[node].after.remove(node)
    }

    mutating func order(_ node: Node, after other: Node?) {
        if let other { order(node, after: CollectionOfOne(other)) }
    }

    /// Sorts by place, but puts the needs of an action before it. Iterative, because a file can have chains of any length.
    func finished() -> Plan {
        let byPlace = entries.indices.sorted { (entries[$0].place, $0) < (entries[$1].place, $1) }
        var position = [Int](repeating: 0, count: entries.count)
        for (index, node) in byPlace.enumerated() { position[node] = index }
        var numbers = [Int](repeating: 0, count: entries.count)
        var entered = [Bool](repeating: false, count: entries.count)
        var actions: [PlannedAction] = []
        actions.reserveCapacity(entries.count)
        var stack: [Node] = []
        for root in byPlace where !entered[root] {
            stack.append(root)
            while let node = stack.last {
                if numbers[node] != 0 {
                    stack.removeLast()
                    continue
                }
                let entry = entries[node]
                if !entered[node] {
                    entered[node] = true
                    // The last pushed comes out first.
                    let open = entry.after.filter { !entered[$0] }.sorted { position[$0] > position[$1] }
                    stack.append(contentsOf: open)
                    if !open.isEmpty { continue }
                }
                stack.removeLast()
                numbers[node] = actions.count + 1
                actions.append(
                    PlannedAction(
                        number: numbers[node], action: entry.action, after: entry.after.map { numbers[$0] }.sorted(),
                        reason: entry.reason, needsConsent: entry.consent))
            }
        }
        return Plan(actions: actions)
    }
}
