import OCI
import ProjectModel

/// A signal that a person sent to a container. It decides what happens when the container ends.
package struct PersonsSignal: Codable, Hashable, Sendable {
    package let number: Int32
    /// Nanoseconds since 1970. An end after this time is not a result of the signal. nil: no limit until the next start.
    package let until: Int64?

    /// Docker's rule for `docker kill`: after SIGKILL and the container's own stop signal, a container that ends stays down. With
    /// the policy `unless-stopped`, or if neither file nor image names a stop signal, this is true for any signal. Unlike Docker,
    /// berth limits other signals to the grace period: somebody who asked for a reload in the morning does not want the
    /// container to stay down after a crash in the evening.
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

    /// The signal keeps a container down that ended at `time`.
    package func holds(at time: Int64) -> Bool { until.map { time <= $0 } ?? true }
}
