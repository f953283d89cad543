import Reconcile

/// Decides when to probe a container and what the results mean. It is pure, so that table tests can cover it.
///
/// Until the first success, probes run early (after 0, 50, 100, 200 ms … up to the interval), so that nobody waits a
/// whole interval for a service that is ready. Only probes at the interval of the file count as failures, and none in
/// the start period.
package struct HealthSchedule: Hashable, Sendable {
    package let check: ResolvedHealthcheck
    package private(set) var health: ObservedContainer.Health = .starting
    private var consecutiveFailures = 0
    private var hasSucceeded = false
    /// Since the start of the container.
    private var nextCounted: Duration
    private var earlyDelay: Duration = .milliseconds(50)

    package init(_ check: ResolvedHealthcheck) {
        self.check = check
        nextCounted = check.interval
    }

    /// Records the result of a probe that ran from `began` to `ended`, both since the container's start. Returns how
    /// long to wait before the next one.
    package mutating func record(success: Bool, began: Duration, ended: Duration) -> Duration {
        let isCounted = began >= nextCounted
        while nextCounted <= began { nextCounted += check.interval }
        if success {
            hasSucceeded = true
            consecutiveFailures = 0
            health = .healthy
            nextCounted = ended + check.interval
            return check.interval
        }
        if hasSucceeded || (isCounted && ended > check.startPeriod) {
            consecutiveFailures += 1
            if consecutiveFailures >= check.retries { health = .unhealthy }
        }
        guard !hasSucceeded else {
            nextCounted = ended + check.interval
            return check.interval
        }
        // Spend at most a fifth of the time on probes while the service starts.
        let pause = max(earlyDelay, (ended - began) * 4)
        earlyDelay = min(earlyDelay * 2, check.interval, max(check.startInterval, .milliseconds(50)))
        return max(.zero, min(pause, nextCounted - ended, check.interval))
    }
}
