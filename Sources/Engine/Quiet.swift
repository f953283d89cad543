import Synchronization

/// The moments after which an engine may be at rest: a connection was closed, an operation ended, a container is gone.
package final class Quiet: Sendable {
    /// One element for any number of moments that nobody has looked at yet; to be read by one task.
    package let moments: AsyncStream<Void>
    private struct State {
        var count = 0
        var listeners: [AsyncStream<Void>.Continuation] = []
    }
    // Guards both: moments come from any thread.
    private let state: Mutex<State>

    package init() {
        let (moments, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.moments = moments
        state = Mutex(State(listeners: [continuation]))
    }

    /// Moments for one more reader, which reads as long as the engine lives.
    package func listen() -> AsyncStream<Void> {
        let (moments, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.listeners.append(continuation) }
        return moments
    }

    /// How many moments there were: unchanged means that nothing happened meanwhile.
    package var count: Int { state.withLock { $0.count } }

    package func note() {
        let listeners = state.withLock { state in
            state.count += 1
            return state.listeners
        }
        for listener in listeners { listener.yield() }
    }
}
