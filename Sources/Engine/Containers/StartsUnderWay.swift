import Synchronization

/// Delays the report of a container's end while its start is still being stored: a process may end before its record
/// says that it runs.
final class StartsUnderWay: Sendable {
    // The mutex guards the waiting reports, by container id. There is an entry for each start in progress.
    private let held = Mutex<[String: [@Sendable () -> Void]]>([:])

    func begin(_ id: String) {
        held.withLock { if $0[id] == nil { $0[id] = [] } }
    }

    /// Call this when the record has the result of the start: makes the waiting reports, in order.
    func end(_ id: String) {
        for tell in held.withLock({ $0.removeValue(forKey: id) }) ?? [] { tell() }
    }

    /// Returns true when a start of `id` is in progress; then `end` calls `tell`.
    func hold(_ id: String, _ tell: @escaping @Sendable () -> Void) -> Bool {
        held.withLock { held in
            guard held[id] != nil else { return false }
            held[id]?.append(tell)
            return true
        }
    }
}
