import Synchronization

/// Wakes one task that sleeps; rings that come while it is awake are one, and are heard when it next wants to sleep.
package final class Bell: Sendable {
    private struct State {
        var isRung = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    // The mutex guards all of it: anybody may ring.
    private let state = Mutex(State())

    /// Somebody sleeps until it rings.
    var isAwaited: Bool { state.withLock { $0.sleeper != nil } }

    func ring() {
        let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state.sleeper = nil }
            if state.sleeper == nil { state.isRung = true }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Sleeps until the next ring, or until its task is cancelled. For one task at a time.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRung = state.withLock { state in
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }
}
