/// Delays a burst of changes until it is over, so that it becomes one batch: until nothing happened for `pause`, but at
/// most `limit` after the first change.
package struct QuietPeriod: Sendable {
    private let pause: Duration
    private let limit: Duration
    private var first: Duration?
    private var last: Duration = .zero

    package init(pause: Duration, limit: Duration) {
        self.pause = pause
        self.limit = limit
    }

    /// Records a change at `now`, the reading of a monotonic clock.
    package mutating func note(at now: Duration) {
        first = first ?? now
        last = now
    }

    /// How long the batch must still wait; nil when there is none.
    package func rest(at now: Duration) -> Duration? {
        guard let first else { return nil }
        return max(.zero, min(last + pause, first + limit) - now)
    }

    /// Call this when the batch has been handled.
    package mutating func end() { first = nil }
}
