/// How many steps run at the same moment: stages and builds that do not need each other wait for each other only where the machine
/// has no more processors for them.
package actor StepTurns {
    private var free: Int
    private let line = WaitingLine()

    package init(limit: Int) { free = max(1, limit) }

    /// Runs `body` when it is its turn; a task that is cancelled before waits no longer.
    package func perform<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        if free > 0 {
            free -= 1
        } else {
            try await line.wait(line.join())
        }
        defer {
            if !line.wakeFirst() { free += 1 }
        }
        try Task.checkCancellation()
        return try await body()
    }
}
