import Synchronization

/// Signals the moments after which an engine may be idle: a connection closed, an operation ended, a container was
/// removed.
package final class Quiet: Sendable {
    /// Combines the moments that nobody has read yet into one element. Only one task may read it.
    package let moments: AsyncStream<Void>
    private struct State {
        var count = 0
        var listeners: [AsyncStream<Void>.Continuation] = []
    }
    // Guards everything: signals come from any thread.
    private let state: Mutex<State>

    package init() {
        let (moments, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.moments = moments
        state = Mutex(State(listeners: [continuation]))
    }

    /// The moments for one more reader, which reads as long as the engine runs.
    package func listen() -> AsyncStream<Void> {
        let (moments, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.listeners.append(continuation) }
        return moments
    }

    /// The number of moments so far. If it is unchanged, nothing happened meanwhile.
    package var count: Int { state.withLock { $0.count } }

    package func note() {
        let listeners = state.withLock { state in
            state.count += 1
            return state.listeners
        }
        for listener in listeners { listener.yield() }
    }
}
