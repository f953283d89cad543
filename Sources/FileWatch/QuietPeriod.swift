/// Holds a burst of changes back until it is over, so that it is one batch: until nothing happened for `pause`, and no longer
/// than `limit` after its first change.
package struct QuietPeriod: Sendable {
    private let pause: Duration
    private let limit: Duration
    private var first: Duration?
    private var last: Duration = .zero

    package init(pause: Duration, limit: Duration) {
        self.pause = pause
        self.limit = limit
    }

    /// Something happened at `now`, a reading of any clock that only goes forward.
    package mutating func note(at now: Duration) {
        first = first ?? now
        last = now
    }

    /// How long the batch is still held back; nil when there is none.
    package func rest(at now: Duration) -> Duration? {
        guard let first else { return nil }
        return max(.zero, min(last + pause, first + limit) - now)
    }

    /// The batch is worked off.
    package mutating func end() { first = nil }
}
