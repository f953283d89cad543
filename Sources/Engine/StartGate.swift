import Synchronization

/// How far an engine has started. Requests that arrive meanwhile wait for the stage that they need.
final class StartGate: Sendable {
    enum Stage: Int, Comparable, Sendable {
        case begun
        /// The engine knows the state of every container.
        case known
        /// The engine restored what was missing: every request may proceed.
        case ready

        static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    private struct State {
        var stage = Stage.ready
        var waiters: [(stage: Stage, continuation: CheckedContinuation<Void, Never>)] = []
    }

    // The mutex guards all of it.
    private let state = Mutex(State())

    /// From now on every request waits for the start, which is about to begin.
    func close() { state.withLock { $0.stage = .begun } }

    func reach(_ stage: Stage) {
        let reached = state.withLock { state in
            state.stage = max(stage, state.stage)
            let reached = state.waiters.filter { $0.stage <= state.stage }
            state.waiters.removeAll { $0.stage <= state.stage }
            return reached
        }
        for waiter in reached { waiter.continuation.resume() }
    }

    func wait(for stage: Stage) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.stage >= stage { return true }
                state.waiters.append((stage, continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }
}
