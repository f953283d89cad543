import OCI
import ProjectModel

/// A signal that a person sent to a container, as far as it says what becomes of the container when it ends.
package struct PersonsSignal: Codable, Hashable, Sendable {
    package let number: Int32
    /// Nanoseconds since 1970; an end after that has nothing to do with the signal. nil: it holds until the next start.
    package let until: Int64?

    /// Docker's rule for `docker kill`: SIGKILL and the container's own stop signal mean that it is to be down once it ends, and with
    /// the policy `unless-stopped`, or where neither file nor image names a stop signal, any signal does. Unlike there, a signal that
    /// is no request to end counts only while the grace period lasts: who asked for a reload this morning does not want the
    /// container to stay down after a crash tonight.
    ///
    /// nil where the restart policy decides as if there had been no signal.
    package init?(
        _ number: Int32, stopSignal: Int32?, policy: RestartPolicy, sentAt now: Int64, grace: Duration
    ) {
        let asksForEnd = number == SignalName.kill || number == stopSignal ?? SignalName.terminate
        guard asksForEnd || stopSignal == nil || policy == .unlessStopped else { return nil }
        self.number = number
        until = asksForEnd ? nil : now + Int64(grace / .nanoseconds(1))
    }

    /// It keeps down a container that ended at `time`.
    package func holds(at time: Int64) -> Bool { until.map { time <= $0 } ?? true }
}
