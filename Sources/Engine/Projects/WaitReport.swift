import EngineWire

/// Reports what an operation waits for: at once, at every change, and every few seconds in between.
struct WaitReport {
    let began: Int64
    private let operation: Operation
    /// By container id.
    private var told: [String: (wait: WaitProgress, status: String, at: Int64)] = [:]
    private var isReached: Set<String> = []
    /// How many restarts a container had when the wait began.
    private var restartsBefore: [String: Int] = [:]
    /// Something is not reported yet, because the last report was just before.
    private(set) var isBehind = false

    /// `began`: now, in nanoseconds since 1970.
    init(operation: Operation, began: Int64) {
        self.operation = operation
        self.began = began
    }

    /// Call this before the containers are checked again.
    mutating func beginRound() { isBehind = false }

    /// Restarts since the wait began, or since the last requested start.
    mutating func restarts(of record: ContainerRecord) -> Int {
        let count = record.life.restarts?.count ?? 0
        // A restart in progress counts as part of the wait.
        let before = min(restartsBefore[record.id] ?? (record.life.phase == .restarting ? count - 1 : count), count)
        restartsBefore[record.id] = before
        return count - before
    }

    func toldRestart(of record: ContainerRecord) -> WaitProgress.Restart? { told[record.id]?.wait.restart }

    mutating func waits(for record: ContainerRecord, _ wait: WaitProgress, at now: Int64) {
        isReached.remove(record.id)
        let status = record.life.phase == .restarting ? "Restarting" : "Waiting"
        if let last = told[record.id], last.wait.restart == wait.restart {
            let age = Duration.nanoseconds(now - last.at)
            let isSame = last.status == status && last.wait.isSame(as: wait)
            guard age >= (isSame ? .seconds(5) : .seconds(1)) else {
                if !isSame { isBehind = true }
                return
            }
        }
        told[record.id] = (wait, status, now)
        operation.emit(
            .object(ObjectProgress(kind: .container, name: record.name, status: status, isDone: false, wait: wait)))
    }

    mutating func reached(_ record: ContainerRecord) {
        guard isReached.insert(record.id).inserted else { return }
        told[record.id] = nil
        let word = record.life.phase == .exited ? "Exited" : record.healthcheck == nil ? "Running" : "Healthy"
        operation.object(.container, record.name, word, done: true)
    }
}

extension WaitProgress {
    /// Only the time has changed.
    fileprivate func isSame(as other: WaitProgress) -> Bool {
        var earlier = other
        earlier.elapsed = elapsed
        return self == earlier
    }
}
