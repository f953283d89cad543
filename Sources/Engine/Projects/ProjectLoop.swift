import EngineWire
import Logging
import Monitor
import ProjectModel
import Reconcile

/// Owns one project, or one container of no project: its desired state, its operations one after the other, and healing
/// between them.
actor ProjectLoop {
    let group: Subject
    let parts: EngineParts
    let observer: ProjectObserver
    /// The stored desired state of a project; nil before its first `up`, and for a container of no project.
    var desired: Desired?
    private var operations: [String: Operation] = [:]
    private var recentKeys: [String] = []
    /// The work in progress, and after it the waiting work. Healing begins only when there is none.
    private var turns: [Turn] = []
    private var isTakingTurns = false
    /// A person cancelled an operation: no healing before the next verb.
    var isHeld = false
    /// What healing must still do once no verb waits: a verb interrupted healing, or an earlier verb left services
    /// waiting that the last verb did not name.
    private var unhealed: (reason: String, scope: PlanScope)?
    var healingFailures = 0
    var healRetry: Task<Void, Never>?

    /// One piece of work; only one runs at a time.
    private struct Turn {
        enum Kind {
            case healing(String, PlanScope)
            /// It may wait for something that never happens.
            case waiting
            /// It ends by itself soon.
            case steady
        }

        let kind: Kind
        let operation: Operation
        let body: @Sendable (isolated ProjectLoop) async -> Void
    }

    init(of group: Subject, desired: Desired? = nil, parts: EngineParts) {
        self.group = group
        self.desired = desired
        self.parts = parts
        observer = ProjectObserver(inventory: parts.inventory, machine: parts.machine)
    }

    /// The project's name; empty for a container of no project.
    var name: String {
        guard case .project(let name) = group else { return "" }
        return name
    }

    // MARK: Turns

    /// Begins an operation, or joins the one with the same key.
    func submit(_ work: Work) async -> Operation {
        let request = work.request
        if let known = operations[request.key] { return known }
        let operation = Operation(
            id: String(parts.machine.newID().prefix(16)), key: request.key, project: name,
            parallelism: request.parallelism, author: work.author)
        remember(operation)
        parts.operations.add(operation)
        var work = work
        work.isAside = await isAboutSinglesAlone(work)
        if work.isAside {
            // One-offs do not wait for an `up`, and an `up` does not wait for them.
            Task { [work] in await self.carryOut(work, operation) }
            return operation
        }
        if !request.dryRun { supersede(by: request.verb) }
        let kind: Turn.Kind = request.dryRun || request.verb.supersedes ? .steady : .waiting
        enqueue(Turn(kind: kind, operation: operation) { [work] in await $0.carryOut(work, operation) })
        _ = operation.onCancel { [work] in Task { await self.drop(work, operation) } }
        return operation
    }

    /// The request names only existing one-offs.
    private func isAboutSinglesAlone(_ work: Work) async -> Bool {
        guard case .project = group, work.new == nil, work.request.services.isEmpty,
            let ids = work.request.containers, !ids.isEmpty
        else { return false }
        for id in ids {
            guard let record = await parts.inventory.container(id), record.isOneOff else { return false }
        }
        return true
    }

    func description() -> String {
        switch group {
        case .project(let name): "project \(name)"
        case .container(let id): "container \(id.prefix(12))"
        }
    }

    /// Ends work before a verb that could delay it. A stop must not wait for an `up`, running or queued, that waits for
    /// a service that never becomes healthy. No verb waits for healing, because each verb plans everything that is
    /// missing anyway.
    private func supersede(by verb: Verb) {
        for turn in turns {
            switch turn.kind {
            case .healing(let reason, let scope):
                turn.operation.cancel(force: false)
                healLater(because: reason, in: scope)
            case .waiting: if verb.supersedes { turn.operation.cancel(force: false) }
            case .steady: break
            }
        }
    }

    private func enqueue(_ turn: Turn) {
        turns.append(turn)
        guard !isTakingTurns else { return }
        isTakingTurns = true
        Task { await self.takeTurns() }
    }

    private func takeTurns() async {
        while let turn = turns.first {
            await turn.body(self)
            turns.removeFirst()
            if let unhealed { heal(because: unhealed.reason, in: unhealed.scope) }
        }
        isTakingTurns = false
    }

    /// A cancelled operation that has not begun ends at once, without waiting for its turn.
    private func drop(_ work: Work, _ operation: Operation) async {
        guard let index = turns.dropFirst().firstIndex(where: { $0.operation === operation }) else { return }
        turns.remove(at: index)
        await carryOut(work, operation)
    }

    private func remember(_ operation: Operation) {
        operations[operation.key] = operation
        recentKeys.append(operation.key)
        if recentKeys.count > 64 { operations[recentKeys.removeFirst()] = nil }
    }

    // MARK: Healing

    /// Something changed by itself: converge again once no work is in progress.
    func heal(because reason: String) { heal(because: reason, in: .all) }

    func healLater(because reason: String, in scope: PlanScope) {
        unhealed = (reason, unhealed?.scope.union(scope) ?? scope)
    }

    private func heal(because reason: String, in scope: PlanScope) {
        guard turns.isEmpty, !isHeld else { return }
        unhealed = nil
        let operation = Operation(id: "heal", key: "heal", project: name, author: Occurrence.healing)
        enqueue(
            Turn(kind: .healing(reason, scope), operation: operation) { await $0.healNow(reason, operation, scope) })
    }
}
