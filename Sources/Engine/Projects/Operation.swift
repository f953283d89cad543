import EngineWire
import ProjectModel
import Synchronization

/// One request being carried out: it belongs to the engine and goes on when nobody listens.
package final class Operation: Sendable {
    package let id: String
    package let key: String
    package let project: String
    /// So many of its steps may be under way at once; nil: as many as can.
    let parallelism: Int?
    /// Whose wish it carries out, as `Occurrence.by` names it.
    let author: String?

    private struct State {
        var events: [ProgressEvent] = []
        var listeners: [Int: AsyncStream<ProgressEvent>.Continuation] = [:]
        var nextListener = 0
        var outcome: OperationOutcome?
        var isCancelled = false
        /// Called when it is cancelled, by number.
        var cancellations: [Int: @Sendable () -> Void] = [:]
        var nextCancellation = 0
        var neededImages: Set<String> = []
    }

    /// A second cancel: what is being stopped is killed.
    let forced = Latch()
    // The mutex guards all of the state: actions report from any thread.
    private let state = Mutex(State())

    init(id: String, key: String, project: String, parallelism: Int? = nil, author: String? = nil) {
        self.author = author
        self.id = id
        self.key = key
        self.project = project
        self.parallelism = parallelism.flatMap { $0 > 0 ? $0 : nil }
        emit(.started(operation: id))
    }

    /// What happened so far and then what happens, to the end.
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

    /// What was told so far; of each wait the newest word.
    package var history: [ProgressEvent] { state.withLock { $0.events } }
    package var outcome: OperationOutcome? { state.withLock { $0.outcome } }
    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// References of images that it is about to use: they must not be removed until it has ended.
    var neededImages: Set<String> { state.withLock { $0.neededImages } }

    func need(imagesOf services: [Service]) {
        let references = services.flatMap(\.imageReferences)
        state.withLock { $0.neededImages.formUnion(references) }
    }

    /// Begins nothing new, and gives up what only waits; what is under way ends.
    package func cancel(force: Bool) {
        let cancellations = state.withLock { state in
            state.isCancelled = true
            defer { state.cancellations = [:] }
            return state.cancellations.values
        }
        if force { forced.set() }
        for cancel in cancellations { cancel() }
    }

    /// Runs what a cancel may interrupt: its task is cancelled then.
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

    /// `cancel` is called when the operation is cancelled, or at once when it was; the number is for `forgetCancellation`.
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
                // Of a long wait only the newest word is kept for who comes later.
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
        // Outside of the lock: a stream that ends calls its termination handler at once, which takes the lock.
        for listener in listeners { listener.finish() }
    }
}

extension ProgressEvent {
    /// The container that it says is waited for.
    fileprivate var awaited: String? {
        guard case .object(let object) = self, object.wait != nil else { return nil }
        return object.name
    }
}
