/// Counts the changes of containers and projects, and wakes the tasks that wait for the next change.
struct ChangeWatch {
    private(set) var epoch = 0
    /// The last change of each subject.
    private var last: [Subject: Int] = [:]
    private var waiters: [Subject: [Int: CheckedContinuation<Void, Never>]] = [:]
    private var lastNumber = 0

    func hasChanged(_ subject: Subject, since epoch: Int) -> Bool { last[subject, default: 0] > epoch }

    /// Identifies one waiter.
    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    mutating func add(_ waiter: CheckedContinuation<Void, Never>, _ number: Int, for subject: Subject) {
        waiters[subject, default: [:]][number] = waiter
    }

    mutating func wake(_ subject: Subject, _ number: Int) { waiters[subject]?.removeValue(forKey: number)?.resume() }

    /// Counts a change of the container `id` and of its project, and wakes their waiters.
    mutating func changed(_ id: String, isGone: Bool, project: String?) {
        epoch += 1
        // No task begins to wait for a container that does not exist.
        last[.container(id)] = isGone ? nil : epoch
        wakeAll(.container(id))
        guard let project else { return }
        last[.project(project)] = epoch
        wakeAll(.project(project))
    }

    private mutating func wakeAll(_ subject: Subject) {
        guard let waiting = waiters.removeValue(forKey: subject) else { return }
        for waiter in waiting.values { waiter.resume() }
    }
}
