/// How many steps run at the same moment: stages and builds that do not need each other wait for each other only where the machine
/// has no more processors for them.
package actor StepTurns {
    private var free: Int
    private var waiters: [CheckedContinuation<Void, Never>] = []

    package init(limit: Int) { free = max(1, limit) }

    /// Runs `body` when it is its turn.
    func perform<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiters.append($0) }
        }
        defer {
            if waiters.isEmpty { free += 1 } else { waiters.removeFirst().resume() }
        }
        try Task.checkCancellation()
        return try await body()
    }
}
