import Images
import Synchronization

/// A step that is being made, and the builds that wait for its result. The one that began it waits like the others; when the last
/// of them gives up, the step is cancelled.
package final class StepMaking: Sendable {
    private struct State {
        var task: Task<Void, Never>?
        var outcome: Result<CacheRecord, any Error>?
        var waiting = 0
        var makerHasLeft = false
    }

    // The mutex guards all of it: builds are cancelled from any thread.
    private let state = Mutex(State())
    private let line = WaitingLine()

    package init() {}

    /// How many builds wait for the result.
    package var waiting: Int { state.withLock { $0.waiting } }

    /// The task that makes the step; set before anybody waits.
    package func begin(_ task: Task<Void, Never>) { state.withLock { $0.task = task } }

    /// The build that began the step still waits for it.
    var hasMaker: Bool { state.withLock { !$0.makerHasLeft } }

    /// Tells those who wait what came of it. Only the first call counts.
    package func settle(_ outcome: Result<CacheRecord, any Error>) {
        state.withLock { $0.outcome = $0.outcome ?? outcome }
        line.wakeAll()
    }

    /// Waits for the result. `isMaker` waits until all work on the step has ended, and with `staysWithMaker` the step ends with it,
    /// whoever else waits.
    /// - Throws: why there is no result; `CancellationError` when the task is cancelled.
    package func result(isMaker: Bool, staysWithMaker: Bool) async throws -> CacheRecord {
        let place = state.withLock { state in
            state.waiting += 1
            return line.join()
        }
        do { try await line.wait(place) } catch {
            await leave(isMaker: isMaker, staysWithMaker: staysWithMaker)
            throw error
        }
        let (task, outcome) = state.withLock { state in
            state.waiting -= 1
            return (state.task, state.outcome)
        }
        if isMaker, let task {
            await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            try Task.checkCancellation()
        }
        guard let outcome else { throw CancellationError() }
        return try outcome.get()
    }

    private func leave(isMaker: Bool, staysWithMaker: Bool) async {
        let task = state.withLock { state in
            state.waiting -= 1
            if isMaker { state.makerHasLeft = true }
            // What goes on after the outcome is known is the maker's own.
            let endsWithMaker = isMaker && (staysWithMaker || state.outcome != nil)
            return endsWithMaker || state.waiting == 0 ? state.task : nil
        }
        guard let task else { return }
        task.cancel()
        await task.value
    }
}
