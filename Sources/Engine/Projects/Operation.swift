import EngineWire
import ProjectModel
import Synchronization

/// A request that the engine is carrying out. It continues when no client listens.
package final class Operation: Sendable {
    package let id: String
    package let key: String
    package let project: String
    /// The maximum number of steps at a time; nil means as many as possible.
    let parallelism: Int?
    /// Who asked for it, in the form of `Occurrence.by`.
    let author: String?

    private struct State {
        var events: [ProgressEvent] = []
        var listeners: [Int: AsyncStream<ProgressEvent>.Continuation] = [:]
        var nextListener = 0
        var outcome: OperationOutcome?
        var isCancelled = false
        /// Called on cancel, by number.
        var cancellations: [Int: @Sendable () -> Void] = [:]
        var nextCancellation = 0
        var neededImages: Set<String> = []
    }

    /// Set by a second cancel: kill what is being stopped.
    let forced = Latch()
    // The mutex guards the state: actions report from any thread.
    private let state = Mutex(State())

    init(id: String, key: String, project: String, parallelism: Int? = nil, author: String? = nil) {
        self.author = author
        self.id = id
        self.key = key
        self.project = project
        self.parallelism = parallelism.flatMap { $0 > 0 ? $0 : nil }
        emit(.started(operation: id))
    }

    /// All events so far, then new ones until the end.
    package func events() -> AsyncStream<ProgressEvent> {
        AsyncStream { continuation in
            let listener = state.withLock { state -> Int? in
                for event in state.events { continuation.yield(event) }
                guard state.outcome == nil else { return nil }
                state.nextListener += 1
                state.listeners[state.nextListener] = continuation
                return state.nextListener
            }
            guard let listener else { return continuation.finish() }
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { _ = $0.listeners.removeValue(forKey: listener) }
            }
        }
    }

    /// All events so far; of each wait only the newest.
    package var history: [ProgressEvent] { state.withLock { $0.events } }
    package var outcome: OperationOutcome? { state.withLock { $0.outcome } }
    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// References of images that it is about to use; they must not be removed before it has ended.
    var neededImages: Set<String> { state.withLock { $0.neededImages } }

    func need(imagesOf services: [Service]) {
        let references = services.flatMap(\.imageReferences)
        state.withLock { $0.neededImages.formUnion(references) }
    }

    /// Starts nothing new and ends waits; steps in progress finish.
    package func cancel(force: Bool) {
        let cancellations = state.withLock { state in
            state.isCancelled = true
            defer { state.cancellations = [:] }
            return state.cancellations.values
        }
        if force { forced.set() }
        for cancel in cancellations { cancel() }
    }

    /// Runs `body` in a task that a cancel of the operation cancels.
    func interruptible<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) async -> Result {
        let task = Task { await body() }
        let number = onCancel { task.cancel() }
        defer { forgetCancellation(number) }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// `cancel` runs when the operation is cancelled, or at once if it already was. Pass the number to
    /// `forgetCancellation`.
    func onCancel(_ cancel: @escaping @Sendable () -> Void) -> Int {
        let (number, isLate) = state.withLock { state in
            state.nextCancellation += 1
            if !state.isCancelled { state.cancellations[state.nextCancellation] = cancel }
            return (state.nextCancellation, state.isCancelled)
        }
        if isLate { cancel() }
        return number
    }

    func forgetCancellation(_ number: Int) { state.withLock { _ = $0.cancellations.removeValue(forKey: number) } }

    func emit(_ event: ProgressEvent) {
        state.withLock { state in
            guard state.outcome == nil else { return }
            if let name = event.awaited, let last = state.events.lastIndex(where: { $0.awaited == name }) {
                // For later listeners, keep only the newest event of a long wait.
                state.events.remove(at: last)
            }
            state.events.append(event)
            for listener in state.listeners.values { listener.yield(event) }
        }
    }

    func object(
        _ kind: ObjectProgress.Kind, _ name: String, _ status: String, done: Bool = false, failed: Bool = false,
        reason: String? = nil
    ) {
        emit(
            .object(
                ObjectProgress(kind: kind, name: name, status: status, isDone: done, isFailure: failed, reason: reason))
        )
    }

    func finish(_ outcome: OperationOutcome) {
        emit(.finished(outcome))
        let listeners = state.withLock { state in
            state.outcome = outcome
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        // Without the lock: a stream that ends calls its termination handler at once, which takes the lock.
        for listener in listeners { listener.finish() }
    }
}

extension ProgressEvent {
    /// The container that the event waits for.
    fileprivate var awaited: String? {
        guard case .object(let object) = self, object.wait != nil else { return nil }
        return object.name
    }
}
