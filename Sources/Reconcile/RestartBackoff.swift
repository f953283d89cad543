import OCI
import ProjectModel

/// How often a container was restarted in a row, for the pause before the next time: 100 ms, doubled each time, 60 s at
/// most; a run of ten seconds ends the row.
package struct RestartBackoff: Codable, Hashable, Sendable {
    /// Restarts in a row.
    package private(set) var restarts = 0

    package init() {}

    package static let first = Duration.milliseconds(100)
    package static let longest = Duration.seconds(60)
    package static let steadyRun = Duration.seconds(10)

    /// To be told of every end of the process, before deciding.
    package mutating func ended(afterRunning time: Duration) {
        if time >= Self.steadyRun { restarts = 0 }
    }

    /// To be told when the decision was to restart.
    package mutating func restarted() { restarts += 1 }

    /// A start that was asked for begins a new row.
    package mutating func reset() { restarts = 0 }

    /// The pause before the next restart.
    package var delay: Duration {
        // 2^10 × 100 ms is above the longest already.
        min(Self.first * (1 << min(restarts, 10)), Self.longest)
    }
}

package enum RestartDecision: Hashable, Sendable {
    /// With the sentence that `ps` shows.
    case stayDown(reason: String)
    case restart(after: Duration)
}

/// What happens to a container whose process ended.
///
/// `exitCode` is nil when nobody knows it, which counts as a failure. `history` has been told of this end.
package func restartDecision(
    policy: RestartPolicy, exitCode: Int?, wasStoppedByUs: Bool, history: RestartBackoff
) -> RestartDecision {
    if wasStoppedByUs { return .stayDown(reason: "stopped by berth, \(exitText(exitCode))") }
    let down = RestartDecision.stayDown(
        reason: "exited by itself \(exitText(exitCode)); restart: \(policy.composeText)")
    switch policy {
    case .no: return down
    case .always, .unlessStopped: return .restart(after: history.delay)
    case .onFailure(let maximum):
        guard exitCode != 0 else { return down }
        if let maximum, maximum > 0, history.restarts >= maximum {
            return .stayDown(
                reason: "failed again after \(maximum) restart\(maximum == 1 ? "" : "s"), "
                    + "\(exitText(exitCode)); restart: \(policy.composeText)")
        }
        return .restart(after: history.delay)
    }
}

/// "with code 137 (SIGKILL)": codes above 128 name the signal that ended the process, as shells have it.
private func exitText(_ code: Int?) -> String {
    guard let code else { return "with a code nobody knows" }
    guard (129...192).contains(code) else { return "with code \(code)" }
    return "with code \(code) (\(SignalName.name(Int32(code - 128))))"
}
