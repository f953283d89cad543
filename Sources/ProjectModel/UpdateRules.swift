/// `deploy.update_config` and `deploy.rollback_config`: how to update the replicas of a service to a new version.
///
/// Meaning and defaults are those of `docker service update`.
package struct UpdateRules: Codable, Hashable, Sendable {
    /// The number of replicas at a time; 0 means all.
    package var parallelism: Int = 1
    /// The pause between one group of replicas and the next.
    package var delay: Duration = .zero
    package var failureAction: FailureAction = .pause
    /// How long to watch a new replica after its start. If it ends or becomes unhealthy in this time, it has failed.
    package var monitor: Duration = .seconds(5)
    /// The share of replicas that may fail before `failureAction` happens, 0 to 1.
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
