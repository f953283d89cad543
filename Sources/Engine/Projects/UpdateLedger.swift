import Synchronization

/// What became of updates that an operation carries out, by service: what its rules are asked about, and what the project's loop has
/// to do afterwards.
final class UpdateLedger: Sendable {
    /// What follows from a failure.
    enum Consequence: Hashable, Sendable {
        /// No further replica is replaced until somebody asks for it.
        case pause
        /// The service becomes again what it was before.
        case rollback
    }

    private struct State {
        var failures: [String: Int] = [:]
        var consequences: [String: Consequence] = [:]
    }

    // The mutex guards all of it.
    private let state = Mutex(State())

    /// Counts one more replica of `service` that failed.
    func countFailure(of service: String) -> Int {
        state.withLock { state in
            state.failures[service, default: 0] += 1
            return state.failures[service, default: 0]
        }
    }

    func note(_ consequence: Consequence, for service: String) {
        state.withLock { $0.consequences[service] = consequence }
    }

    var consequences: [String: Consequence] { state.withLock { $0.consequences } }
}
