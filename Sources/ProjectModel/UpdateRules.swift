/// `deploy.update_config` and `deploy.rollback_config`: how the replicas of a service come to a new version.
///
/// Meaning and defaults are those of `docker service update`.
package struct UpdateRules: Codable, Hashable, Sendable {
    /// So many replicas at once; 0 is all.
    package var parallelism: Int = 1
    /// The pause between one group of replicas and the next.
    package var delay: Duration = .zero
    package var failureAction: FailureAction = .pause
    /// How long a new replica is watched after its start: one that ends or falls ill in this time has failed.
    package var monitor: Duration = .seconds(5)
    /// The share of replicas that may fail before `failureAction` is taken, 0 to 1.
    package var maxFailureRatio: Double = 0
    package var order: Order = .stopFirst

    package enum FailureAction: String, Codable, Hashable, Sendable { case pause, `continue`, rollback }

    package enum Order: String, Codable, Hashable, Sendable {
        case stopFirst = "stop-first"
        case startFirst = "start-first"
    }

    enum CodingKeys: String, CodingKey {
        case parallelism, delay, monitor, order
        case failureAction = "failure_action"
        case maxFailureRatio = "max_failure_ratio"
    }

    package init() {}
}
