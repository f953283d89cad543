import Synchronization

/// Counts, by service, how the updates of an operation went. The rules read it, and the project's loop learns from it
/// what to do afterwards.
final class UpdateLedger: Sendable {
    /// The consequence of a failure.
    enum Consequence: Hashable, Sendable {
        /// Replace no further replica until somebody asks for it.
        case pause
        /// Restore the previous version of the service.
        case rollback
    }

    private struct State {
        var failures: [String: Int] = [:]
        var consequences: [String: Consequence] = [:]
    }

    // The mutex guards everything.
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
