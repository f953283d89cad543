import Synchronization

/// Keeps the end of a container from being told while its start is still being stored: a process may be gone before its record
/// says that it runs.
final class StartsUnderWay: Sendable {
    // The mutex guards the ends that wait, by the container's id; there is an entry for each start under way.
    private let held = Mutex<[String: [@Sendable () -> Void]]>([:])

    func begin(_ id: String) {
        held.withLock { if $0[id] == nil { $0[id] = [] } }
    }

    /// The record says by now what became of the start: whatever waited is told, in its order.
    func end(_ id: String) {
        for tell in held.withLock({ $0.removeValue(forKey: id) }) ?? [] { tell() }
    }

    /// True when a start of `id` is under way: `tell` is called at its end.
    func hold(_ id: String, _ tell: @escaping @Sendable () -> Void) -> Bool {
        held.withLock { held in
            guard held[id] != nil else { return false }
            held[id]?.append(tell)
            return true
        }
    }
}
