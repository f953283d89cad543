import ProjectModel

/// A goal that a verb set for one replica, where it differs from the goal of its service.
package struct DesiredReplica: Codable, Hashable, Sendable {
    package var number: Int
    package var goal: DesiredService.Goal
    /// Incremented to request one restart, or one start after it ended by itself; nil means that the service's rounds apply.
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
    /// The goal of a container; nil when nobody set one.
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

    /// The goal of the replica with this number.
    package func goal(of number: Int) -> Goal { replica(number)?.goal ?? goal }

    /// The rounds that apply to one replica.
    package func startRound(of number: Int) -> Int { max(startRound, replica(number)?.startRound ?? 0) }
    package func restartRound(of number: Int) -> Int { max(restartRound, replica(number)?.restartRound ?? 0) }

    /// A removed replica leaves its anonymous volumes to its successor.
    func keepsAnonymousVolumes(of number: Int) -> Bool {
        if let replica = replica(number), replica.goal == .absent { return replica.keepsAnonymousVolumes == true }
        return goal == .absent && keepsAnonymousVolumes == true
    }

    /// Numbers without a desired container: their places stay empty.
    var absentNumbers: Set<Int> {
        goal == .absent ? [] : Set((replicas ?? []).filter { $0.goal == .absent }.map(\.number))
    }

    /// At least one of its replicas should run.
    package var wantsRunning: Bool { goal == .running || (replicas ?? []).contains { $0.goal == .running } }

    func isUpWanted(of number: Int) -> Bool { [.running, .paused].contains(goal(of: number)) }

    /// At least one of its replicas should have a process.
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

    /// A goal for the whole service applies to each of its replicas.
    mutating func setGoal(_ goal: Goal) {
        self.goal = goal
        replicas = nil
    }

    /// Replaces the goal `old` with `new`; other goals stay.
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

    /// Sets the goal of one replica and leaves its siblings alone.
    mutating func edit(_ number: Int, _ change: (inout DesiredReplica) -> Void) {
        var all = replicas ?? []
        var replica = replica(number) ?? DesiredReplica(number: number, goal: goal)
        change(&replica)
        all.removeAll { $0.number == number }
        // An entry that equals the service's goal is not needed.
        if replica != DesiredReplica(number: number, goal: goal) { all.append(replica) }
        replicas = all.isEmpty ? nil : all.sorted { $0.number < $1.number }
    }
}
