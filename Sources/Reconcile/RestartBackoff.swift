import ProjectModel

/// Counts restarts in a row, to compute the pause before the next one: 100 ms, doubled each time, at most 60 s. A run of ten
/// seconds ends the row.
package struct RestartBackoff: Codable, Hashable, Sendable {
    /// Restarts in a row.
    package private(set) var restarts = 0

    package init() {}

    package static let first = Duration.milliseconds(100)
    package static let longest = Duration.seconds(60)
    package static let steadyRun = Duration.seconds(10)

    /// Call this for every end of the process, before the decision.
    package mutating func ended(afterRunning time: Duration) {
        if time >= Self.steadyRun { restarts = 0 }
    }

    /// Call this after each decision to restart.
    package mutating func restarted() { restarts += 1 }

    /// A requested start begins a new row.
    package mutating func reset() { restarts = 0 }

    /// The pause after the last decision to restart.
    package var lastDelay: Duration {
        var before = self
        before.restarts = max(0, restarts - 1)
        return before.delay
    }

    /// The pause before the next restart.
    package var delay: Duration {
        // 2^10 × 100 ms is above the longest already.
        min(Self.first * (1 << min(restarts, 10)), Self.longest)
    }
}

package enum RestartDecision: Hashable, Sendable {
    case stayDown(StateReason)
    case restart(after: Duration)
}

/// What happens to a container whose process ended.
///
/// `exitCode` is nil when nobody knows it, which counts as a failure. `signal` is a signal that a person sent and that still applies.
/// `history` already includes this end.
package func restartDecision(
    policy: RestartPolicy, exitCode: Int?, wasStoppedByUs: Bool, signal: Int32? = nil, history: RestartBackoff
) -> RestartDecision {
    if let signal { return .stayDown(.signalled(signal, code: exitCode)) }
    if wasStoppedByUs { return .stayDown(.stopped(code: exitCode)) }
    let down = RestartDecision.stayDown(.endedByItself(code: exitCode, policy: policy))
    switch policy {
    case .no: return down
    case .always, .unlessStopped: return .restart(after: history.delay)
    case .onFailure(let maximum):
        guard exitCode != 0 else { return down }
        if let maximum, maximum > 0, history.restarts >= maximum {
            return .stayDown(.gaveUp(restarts: maximum, code: exitCode, policy: policy))
        }
        return .restart(after: history.delay)
    }
}
