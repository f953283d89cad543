import EngineWire
import JSON
import Linux
import Reconcile

/// Walks a plan as wide as it allows: an action begins when those before it ended well; a failure takes only what depends on it.
package struct PlanExecutor {
    package struct Result: Sendable {
        /// Actions that did more than wait.
        package var done = 0
        /// In plan order.
        package var failures: [EngineFailure] = []
        package var wasCancelled = false
    }

    private let perform: @Sendable (PlannedAction) async throws -> Void
    private let isCancelled: @Sendable () -> Bool
    private let limit: Int

    /// `isCancelled` is asked before each action: true begins nothing more. At most `limit` actions are under way at once,
    /// those that only wait not counted; nil: as many as the plan allows.
    package init(
        limit: Int? = nil, isCancelled: @escaping @Sendable () -> Bool,
        perform: @escaping @Sendable (PlannedAction) async throws -> Void
    ) {
        self.perform = perform
        self.isCancelled = isCancelled
        self.limit = limit ?? Int.max
    }

    package func run(_ plan: Plan) async -> Result {
        var graph = Graph(plan)
        var failures: [Int: EngineFailure] = [:]
        var result = Result()
        await withTaskGroup(of: (Int, EngineFailure?).self) { group in
            var running = 0
            var waiting = 0
            var ready = graph.takeReady()[...]
            func beginReady() {
                // What a service waits for may need another that has not begun: waiting takes no place.
                while let number = ready.first, running - waiting < limit || plan.actions[number - 1].action.isWait {
                    guard !isCancelled() else {
                        result.wasCancelled = true
                        ready = []
                        return
                    }
                    ready.removeFirst()
                    let action = plan.actions[number - 1]
                    running += 1
                    if action.action.isWait { waiting += 1 }
                    group.addTask {
                        do {
                            try await perform(action)
                            return (number, nil)
                        } catch {
                            return (number, EngineFailure(describing: error))
                        }
                    }
                }
            }
            beginReady()
            while running > 0, let (number, failure) = await group.next() {
                running -= 1
                if plan.actions[number - 1].action.isWait { waiting -= 1 }
                if let failure {
                    failures[number] = failure
                } else {
                    if !plan.actions[number - 1].action.isWait { result.done += 1 }
                    graph.finish(number)
                    ready += graph.takeReady()
                }
                beginReady()
            }
        }
        result.failures = failures.sorted { $0.key < $1.key }.map(\.value).filter { $0.code != "cancelled" }
        result.wasCancelled = result.wasCancelled || failures.values.contains { $0.code == "cancelled" }
        return result
    }

    /// Which actions still wait for how many others.
    private struct Graph {
        private var waitingFor: [Int: Int] = [:]
        private var dependents: [Int: [Int]] = [:]
        private var ready: [Int] = []

        init(_ plan: Plan) {
            for action in plan.actions {
                waitingFor[action.number] = action.after.count
                if action.after.isEmpty { ready.append(action.number) }
                for earlier in action.after { dependents[earlier, default: []].append(action.number) }
            }
        }

        mutating func takeReady() -> [Int] {
            defer { ready = [] }
            return ready
        }

        mutating func finish(_ number: Int) {
            for dependent in dependents[number] ?? [] {
                let left = (waitingFor[dependent] ?? 1) - 1
                waitingFor[dependent] = left
                if left == 0 { ready.append(dependent) }
            }
        }
    }
}

extension EngineFailure {
    /// Any error as a failure that can be told: what is one already stays as it is.
    package init(describing error: any Error) {
        switch error {
        case let failure as EngineFailure: self = failure
        case is CancellationError: self.init(code: "cancelled", message: "cancelled")
        case let failure as SyscallError where failure.code == .noSpace:
            self.init(code: "no_space", message: "\(failure)", hint: "free some room on that disk and try again")
        case let failure as SyscallError where failure.code == .notPermitted && CallingProcess.isInUserNamespace:
            self.init(
                code: "no_rights", message: "\(failure)",
                hint: "the engine is root of a user namespace only; it needs root of the machine: sudo berth …")
        default: self.init(code: "failed", message: plainText(of: error))
        }
    }
}
