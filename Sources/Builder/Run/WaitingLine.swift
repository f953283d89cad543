import Synchronization

/// Tasks that wait for something, in order of arrival. A cancelled task leaves the line.
///
/// An actor joins for a task in the same breath in which it finds that there is something to wait for: what comes between joining
/// and waiting is not missed.
package final class WaitingLine: Sendable {
    private enum Place {
        /// It has joined, but does not wait yet.
        case joined
        case waiting(CheckedContinuation<Void, any Error>)
        /// It was woken, or gave up, before it waited.
        case woken, cancelled
    }

    private struct State {
        var last = 0
        var order: [Int] = []
        var places: [Int: Place] = [:]
    }

    // The mutex guards the line: tasks are woken and cancelled from any thread.
    private let state = Mutex(State())

    package init() {}

    /// A place in the line, for one `wait`.
    package func join() -> Int {
        state.withLock { state in
            state.last += 1
            state.order.append(state.last)
            state.places[state.last] = .joined
            return state.last
        }
    }

    /// Waits until `place` is woken.
    /// - Throws: `CancellationError`, at once, when the task is cancelled.
    package func wait(_ place: Int) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    switch state.places[place] {
                    case .woken?, nil:
                        state.places[place] = nil
                        return .success(())
                    case .cancelled?:
                        state.places[place] = nil
                        return .failure(CancellationError())
                    case .joined?, .waiting?:
                        state.places[place] = .waiting(continuation)
                        return nil
                    }
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            cancel(place)
        }
    }

    private func cancel(_ place: Int) {
        let waiter: CheckedContinuation<Void, any Error>? = state.withLock { state in
            switch state.places[place] {
            case .joined?:
                state.places[place] = .cancelled
                state.order.removeAll { $0 == place }
                return nil
            case .waiting(let continuation)?:
                state.places[place] = nil
                state.order.removeAll { $0 == place }
                return continuation
            case .woken?, .cancelled?, nil: return nil
            }
        }
        waiter?.resume(throwing: CancellationError())
    }

    /// Wakes the first in the line.
    /// - Returns: whether there was one.
    package func wakeFirst() -> Bool {
        let (isThere, waiter) = state.withLock { state in
            guard !state.order.isEmpty else { return (false, nil as CheckedContinuation<Void, any Error>?) }
            return (true, Self.wake(state.order.removeFirst(), &state))
        }
        waiter?.resume()
        return isThere
    }

    package func wakeAll() {
        let waiters = state.withLock { state in
            defer { state.order = [] }
            return state.order.compactMap { Self.wake($0, &state) }
        }
        for waiter in waiters { waiter.resume() }
    }

    private static func wake(_ place: Int, _ state: inout State) -> CheckedContinuation<Void, any Error>? {
        guard case .waiting(let continuation)? = state.places[place] else {
            state.places[place] = .woken
            return nil
        }
        state.places[place] = nil
        return continuation
    }
}
