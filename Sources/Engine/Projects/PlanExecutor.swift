import EngineWire
import JSON
import Linux
import Reconcile

/// Carries out a plan with as much concurrency as it allows. An action begins when the actions before it succeeded;
/// after a failure only the actions that depend on it are skipped.
package struct PlanExecutor {
    package struct Result: Sendable {
        /// Actions that did more than wait.
        package var done = 0
        /// In plan order.
        package var failures: [EngineFailure] = []
        package var wasCancelled = false
    }

    /// Work that can be done for a start while the starts before it are in progress.
    package struct Preparation: Sendable {
        package let begin: @Sendable (PlannedAction) async -> Void
        /// Undoes the preparation of a start that does not happen.
        package let giveUp: @Sendable (PlannedAction) async -> Void

        package init(
            begin: @escaping @Sendable (PlannedAction) async -> Void,
            giveUp: @escaping @Sendable (PlannedAction) async -> Void
        ) {
            self.begin = begin
            self.giveUp = giveUp
        }
    }

    private enum Step: Sendable {
        case performed(Int, EngineFailure?)
        case prepared
    }

    private let perform: @Sendable (PlannedAction) async throws -> Void
    private let preparation: Preparation?
    private let isCancelled: @Sendable () -> Bool
    private let limit: Int

    /// `isCancelled` is checked before each action; when it is true, nothing more begins. At most `limit` actions run
    /// at once, without those that only wait; nil means as many as the plan allows. Starts that wait only for other
    /// starts are prepared meanwhile.
    package init(
        limit: Int? = nil, isCancelled: @escaping @Sendable () -> Bool, preparation: Preparation? = nil,
        perform: @escaping @Sendable (PlannedAction) async throws -> Void
    ) {
        self.perform = perform
        self.preparation = preparation
        self.isCancelled = isCancelled
        self.limit = limit ?? Int.max
    }

    package func run(_ plan: Plan) async -> Result {
        var graph = Graph(plan)
        var failures: [Int: EngineFailure] = [:]
        var result = Result()
        var prepared: Set<Int> = []
        await withTaskGroup(of: Step.self) { group in
            var running = 0
            var waiting = 0
            var ready = graph.takeReady()[...]
            func beginReady() {
                // A wait may need another action that has not begun, so waits do not count.
                while let number = ready.first, running - waiting < limit || plan.actions[number - 1].action.isWait {
                    guard !isCancelled() else {
                        result.wasCancelled = true
                        ready = []
                        return
                    }
                    ready.removeFirst()
                    let action = plan.actions[number - 1]
                    running += 1
                    prepared.remove(number)
                    if action.action.isWait { waiting += 1 }
                    group.addTask {
                        do {
                            try await perform(action)
                            return .performed(number, nil)
                        } catch {
                            return .performed(number, EngineFailure(describing: error))
                        }
                    }
                }
                guard let preparation else { return }
                while running - waiting < limit, let number = graph.takePreparable() {
                    running += 1
                    prepared.insert(number)
                    group.addTask {
                        await preparation.begin(plan.actions[number - 1])
                        return .prepared
                    }
                }
            }
            beginReady()
            while running > 0, let step = await group.next() {
                running -= 1
                guard case .performed(let number, let failure) = step else {
                    beginReady()
                    continue
                }
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
        if let preparation {
            await withTaskGroup(of: Void.self) { group in
                for number in prepared { group.addTask { await preparation.giveUp(plan.actions[number - 1]) } }
            }
        }
        result.failures = failures.sorted { $0.key < $1.key }.map(\.value).filter { $0.code != .cancelled }
        result.wasCancelled = result.wasCancelled || failures.values.contains { $0.code == .cancelled }
        return result
    }

    /// How many other actions each action still waits for.
    private struct Graph {
        private var waitingFor: [Int: Int] = [:]
        /// For starts: how many of those are not starts.
        private var waitingForOthers: [Int: Int] = [:]
        private var preparable: [Int] = []
        private var starts: Set<Int> = []
        private var dependents: [Int: [Int]] = [:]
        private var ready: [Int] = []

        init(_ plan: Plan) {
            starts = Set(plan.actions.lazy.filter(\.action.isStart).map(\.number))
            for action in plan.actions {
                waitingFor[action.number] = action.after.count
                if starts.contains(action.number) {
                    let others = action.after.count { !starts.contains($0) }
                    waitingForOthers[action.number] = others
                    if others == 0, !action.after.isEmpty { preparable.append(action.number) }
                }
                if action.after.isEmpty { ready.append(action.number) }
                for earlier in action.after { dependents[earlier, default: []].append(action.number) }
            }
        }

        mutating func takeReady() -> [Int] {
            defer { ready = [] }
            return ready
        }

        /// The next start that waits only for other starts, each once, in plan order.
        mutating func takePreparable() -> Int? {
            while !preparable.isEmpty {
                let number = preparable.removeFirst()
                if waitingFor[number] != 0 { return number }
            }
            return nil
        }

        mutating func finish(_ number: Int) {
            for dependent in dependents[number] ?? [] {
                let left = (waitingFor[dependent] ?? 1) - 1
                waitingFor[dependent] = left
                if left == 0 { ready.append(dependent) }
                guard !starts.contains(number), let others = waitingForOthers[dependent] else { continue }
                waitingForOthers[dependent] = others - 1
                if others == 1, left > 0 { preparable.append(dependent) }
            }
        }
    }
}

extension EngineFailure {
    /// Any error as a failure to report. A failure stays as it is.
    package init(describing error: any Error) {
        switch error {
        case let failure as EngineFailure: self = failure
        case let error as TakenBack: self = error.failure
        case is CancellationError: self.init(code: .cancelled, message: "cancelled")
        case let failure as SyscallError where failure.isFullDisk:
            self.init(code: .noSpace, message: "\(failure)", hint: "free some space on that disk and try again")
        case let failure as SyscallError where failure.code == .notPermitted && CallingProcess.isInUserNamespace:
            self.init(
                code: .noRights, message: "\(failure)",
                hint: "the engine is root only in a user namespace, but needs root on the machine: sudo berth …")
        default: self.init(code: .failed, message: plainText(of: error))
        }
    }
}
