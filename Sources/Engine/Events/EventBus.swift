import Monitor
import Synchronization

/// Sends events to all listeners, and keeps the newest ones for later requests.
package final class EventBus: Sendable {
    /// The number of events to keep, as in dockerd.
    private static let kept = 256
    /// A listener that falls further behind than this loses the oldest events.
    private static let waiting = 8192

    private struct Listener {
        let continuation: AsyncStream<EngineEvent>.Continuation
        let until: Int64
    }

    private struct State {
        var past: [EngineEvent] = []
        var listeners: [Int: Listener] = [:]
        var nextListener = 0
    }

    // The mutex guards everything: events come from any thread.
    private let state = Mutex(State())

    /// Nanoseconds since 1970.
    let now: @Sendable () -> Int64

    package init(now: @escaping @Sendable () -> Int64 = { Clock.now() }) { self.now = now }

    package func publish(_ event: EngineEvent) {
        let listeners = state.withLock { state in
            state.past.append(event)
            if state.past.count > Self.kept { state.past.removeFirst(state.past.count - Self.kept) }
            return Array(state.listeners.values)
        }
        for listener in listeners where event.time <= listener.until { listener.continuation.yield(event) }
    }

    /// Stored events from `since` on, if given, then new ones, until the reader leaves or `until` has passed. A stored
    /// event up to `until` is included even if `until` has already passed.
    package func events(since: Int64? = nil, until: Int64? = nil) -> AsyncStream<EngineEvent> {
        AsyncStream(bufferingPolicy: .bufferingNewest(Self.waiting)) { continuation in
            let end = until ?? .max
            let now = now()
            let number: Int? = state.withLock { state in
                if let since {
                    for event in state.past where event.time >= since && event.time <= end { continuation.yield(event) }
                }
                guard end > now else { return nil }
                state.nextListener += 1
                state.listeners[state.nextListener] = Listener(continuation: continuation, until: end)
                return state.nextListener
            }
            guard let number else { return continuation.finish() }
            let ending = until.map { until in
                Task {
                    try await Task.sleep(for: .nanoseconds(until - now))
                    continuation.finish()
                }
            }
            continuation.onTermination = { [weak self] _ in
                ending?.cancel()
                self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
            }
        }
    }

    /// The stored events.
    package var past: [EngineEvent] { state.withLock { $0.past } }
    /// The number of current listeners.
    package var listeners: Int { state.withLock { $0.listeners.count } }
}
