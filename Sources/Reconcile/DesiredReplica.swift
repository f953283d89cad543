import ProjectModel

/// What a verb asked of one replica by itself, where that differs from what its service wants.
package struct DesiredReplica: Codable, Hashable, Sendable {
    package var number: Int
    package var goal: DesiredService.Goal
    /// Raised to ask once for a restart, or for a start of what ended by itself; nil leaves the service's rounds in force.
    package var restartRound: Int?
    package var startRound: Int?
    /// True after `rm` without `-v`: its anonymous volumes wait for the next container with its number. nil is false.
    package var keepsAnonymousVolumes: Bool?

    package init(number: Int, goal: DesiredService.Goal) {
        self.number = number
        self.goal = goal
    }
}

extension Desired {
    /// What a container should be; nil when nobody says.
    package func goal(of owner: Owner) -> DesiredService.Goal? {
        guard removal == nil else { return .absent }
        guard case .replica(_, let service, let number) = owner else {
            return singles.first { $0.owner == owner }?.wish.goal
        }
        return self.service(service)?.goal(of: number)
    }
}

extension DesiredService {
    private func replica(_ number: Int) -> DesiredReplica? { replicas?.first { $0.number == number } }

    /// What the replica with the number `number` should be.
    package func goal(of number: Int) -> Goal { replica(number)?.goal ?? goal }

    /// The rounds that are in force for one replica.
    package func startRound(of number: Int) -> Int { max(startRound, replica(number)?.startRound ?? 0) }
    package func restartRound(of number: Int) -> Int { max(restartRound, replica(number)?.restartRound ?? 0) }

    /// A replica that goes keeps its anonymous volumes for the one that comes after it.
    func keepsAnonymousVolumes(of number: Int) -> Bool {
        if let replica = replica(number), replica.goal == .absent { return replica.keepsAnonymousVolumes == true }
        return goal == .absent && keepsAnonymousVolumes == true
    }

    /// Numbers that nobody wants a container with: their places stay empty.
    var absentNumbers: Set<Int> {
        goal == .absent ? [] : Set((replicas ?? []).filter { $0.goal == .absent }.map(\.number))
    }

    /// A replica of it should run.
    package var wantsRunning: Bool { goal == .running || (replicas ?? []).contains { $0.goal == .running } }

    func isUpWanted(of number: Int) -> Bool { [.running, .paused].contains(goal(of: number)) }

    /// A replica of it should have a process.
    var isUpWanted: Bool {
        let goals = [goal] + (replicas ?? []).map(\.goal)
        return goals.contains(.running) || goals.contains(.paused)
    }

    /// How many of its replicas should have a process.
    var upWantedCount: Int {
        let apart = replicas ?? []
        let up = apart.count { isUpWanted(of: $0.number) }
        return [.running, .paused].contains(goal) ? max(0, scale - apart.count) + up : min(scale, up)
    }

    /// What is asked of the whole service holds for each of its replicas.
    mutating func setGoal(_ goal: Goal) {
        self.goal = goal
        replicas = nil
    }

    /// Of what should be `old` is asked to be `new`; the rest stays as it is asked for.
    mutating func replaceGoals(_ old: Goal, by new: Goal) {
        let before = replicas ?? []
        if goal == old { goal = new }
        replicas = nil
        for replica in before {
            edit(replica.number) { edited in
                edited = replica
                if edited.goal == old { edited.goal = new }
            }
        }
    }

    /// Asks something of one replica and nothing of its siblings.
    mutating func edit(_ number: Int, _ change: (inout DesiredReplica) -> Void) {
        var all = replicas ?? []
        var replica = replica(number) ?? DesiredReplica(number: number, goal: goal)
        change(&replica)
        all.removeAll { $0.number == number }
        // One that says no more than the service is none.
        if replica != DesiredReplica(number: number, goal: goal) { all.append(replica) }
        replicas = all.isEmpty ? nil : all.sorted { $0.number < $1.number }
    }
}
