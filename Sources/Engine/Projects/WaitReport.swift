import EngineWire

/// Tells what an operation waits for: at once, at every change, and every few seconds that it goes on.
struct WaitReport {
    let began: Int64
    private let operation: Operation
    /// By the container's id.
    private var told: [String: (wait: WaitProgress, status: String, at: Int64)] = [:]
    private var isReached: Set<String> = []
    /// Restarts that a container had behind it when the waiting began.
    private var restartsBefore: [String: Int] = [:]
    /// Something is not told yet, since the last word was just before.
    private(set) var isBehind = false

    /// `began`: now, in nanoseconds since 1970.
    init(operation: Operation, began: Int64) {
        self.operation = operation
        self.began = began
    }

    /// To be called before the containers are looked at once more.
    mutating func beginRound() { isBehind = false }

    /// Restarts since the waiting began, or since the last start that somebody asked for.
    mutating func restarts(of record: ContainerRecord) -> Int {
        let count = record.life.restarts?.count ?? 0
        // One that is under way already is part of what is waited for.
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
    /// Nothing has changed but the time.
    fileprivate func isSame(as other: WaitProgress) -> Bool {
        var earlier = other
        earlier.elapsed = elapsed
        return self == earlier
    }
}
