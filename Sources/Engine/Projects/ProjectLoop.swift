import EngineWire
import Logging
import Monitor
import ProjectModel
import Reconcile

/// Owns one project, or one container of no project: what is wanted, the operations on it one after the other, and healing between them.
actor ProjectLoop {
    let group: Subject
    let parts: EngineParts
    let observer: ProjectObserver
    /// What is stored of a project; nil for one that nobody has brought up, and for a container of no project.
    var desired: Desired?
    private var operations: [String: Operation] = [:]
    private var recentKeys: [String] = []
    /// What is under way, and behind it what waits; healing only begins when there is nothing.
    private var turns: [Turn] = []
    private var isTakingTurns = false
    /// A person cancelled: nothing is healed until the next verb.
    var isHeld = false
    /// What healing still has to look after once no verb waits: a verb cut a healing short, or services that the last verb was not
    /// about still wait for others since an earlier one.
    private var unhealed: (reason: String, scope: PlanScope)?
    var healingFailures = 0
    var healRetry: Task<Void, Never>?

    /// One piece of work; one after the other.
    private struct Turn {
        enum Kind {
            case healing(String, PlanScope)
            /// May wait for something that never comes.
            case waiting
            /// Ends by itself, soon.
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
            // They are nobody else's business: an `up` that waits for a service does not hold them up, nor they it.
            Task { [work] in await self.carryOut(work, operation) }
            return operation
        }
        if !request.dryRun { supersede(by: request.verb) }
        let kind: Turn.Kind = request.dryRun || request.verb.supersedes ? .steady : .waiting
        enqueue(Turn(kind: kind, operation: operation) { [work] in await $0.carryOut(work, operation) })
        _ = operation.onCancel { [work] in Task { await self.drop(work, operation) } }
        return operation
    }

    /// Only one-offs that are there are named, and nothing else.
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

    /// Gives up what stands before a verb and could hold it up: a stop must not wait for an `up`, under way or still in the queue,
    /// that waits for a service that never becomes healthy; and no verb for a healing, since it plans anew what is still to be done.
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

    /// A cancelled operation that has not begun need not wait for its turn to say so.
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

    /// Something changed by itself: converge again once nothing else is under way.
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
