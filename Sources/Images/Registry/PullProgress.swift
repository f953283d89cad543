import OCI
import Synchronization

/// The progress of a pull.
package enum PullProgress: Hashable, Sendable {
    /// The layers of the image, base first, with their transferred sizes.
    case layers([Descriptor])
    /// The blob was already here.
    case present(Digest)
    /// How many bytes of a blob have arrived.
    case transferred(Digest, done: Int64, total: Int64)
    /// All layers have arrived and are unpacked.
    case complete
}

/// Two pulls with the same key are the same.
struct PullKey: Hashable {
    let reference: Reference
    let platform: String
}

/// A pull with one or more waiters; it is cancelled when the last of them is.
final class SharedPull: Sendable {
    private struct State {
        var observers: [@Sendable (PullProgress) -> Void] = []
        /// The first progress, for callers that join later.
        var layers: PullProgress?
        var waiting = 0
        var task: Task<Image, any Error>?
        var isCancelled = false
    }
    // Guards the waiters: callers come from any task, and leave from cancellation handlers.
    private let state = Mutex(State())

    func start(_ task: Task<Image, any Error>) { state.withLock { $0.task = task } }

    /// - Returns: false when it was already cancelled.
    func join(_ observer: @escaping @Sendable (PullProgress) -> Void) -> Bool {
        let (isJoined, layers) = state.withLock { state -> (Bool, PullProgress?) in
            guard !state.isCancelled else { return (false, nil) }
            state.observers.append(observer)
            state.waiting += 1
            return (true, state.layers)
        }
        if let layers { observer(layers) }
        return isJoined
    }

    func leave() {
        let abandoned = state.withLock { state -> Task<Image, any Error>? in
            state.waiting -= 1
            guard state.waiting == 0 else { return nil }
            state.isCancelled = true
            return state.task
        }
        abandoned?.cancel()
    }

    func report(_ progress: PullProgress) {
        let observers = state.withLock { state in
            if case .layers = progress { state.layers = progress }
            return state.observers
        }
        for observer in observers { observer(progress) }
    }

    func value() async throws -> Image {
        guard let task = state.withLock({ $0.task }) else { throw CancellationError() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            self.leave()
        }
    }
}

/// Lets a limited number through at a time, in the order of arrival.
actor Limiter {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func run<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
        defer {
            if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
        }
        try Task.checkCancellation()
        return try await body()
    }
}
