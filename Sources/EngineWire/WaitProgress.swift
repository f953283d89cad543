/// What an operation waits for at one container, and its progress.
package struct WaitProgress: Codable, Hashable, Sendable {
    package enum Goal: String, Codable, Hashable, Sendable { case running, healthy, completed }

    package var goal: Goal
    /// Seconds since the wait began.
    package var elapsed: Double
    /// The last output of its health check, if that failed.
    package var probe: HealthAnswer?
    /// It has ended since the wait began, and its restart policy restarts it.
    package var restart: Restart?
    /// Somebody paused it: nothing will change until it is resumed.
    package var isPaused: Bool?

    package struct Restart: Codable, Hashable, Sendable {
        /// The number of restarts since the wait began.
        package var count: Int
        /// After this many restarts, one more failure ends the wait; nil: the restart policy itself has a limit.
        package var limit: Int?
        /// Its exit code; nil when it could not even be started.
        package var code: Int?
        package var isOutOfMemory: Bool
        /// Why it could not be started.
        package var reason: String?
        /// Its last output lines.
        package var log: [String]

        package init(
            count: Int, limit: Int?, code: Int?, isOutOfMemory: Bool = false, reason: String? = nil, log: [String] = []
        ) {
            self.count = count
            self.limit = limit
            self.code = code
            self.isOutOfMemory = isOutOfMemory
            self.reason = reason
            self.log = log
        }
    }

    package init(
        goal: Goal, elapsed: Double = 0, probe: HealthAnswer? = nil, restart: Restart? = nil, isPaused: Bool? = nil
    ) {
        self.goal = goal
        self.elapsed = elapsed
        self.probe = probe
        self.restart = restart
        self.isPaused = isPaused
    }
}
