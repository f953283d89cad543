import Glibc
import Synchronization

/// Separate threads for calls that may block: the cooperative pool has as many threads as cores and must not block.
package final class BlockingPool: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var threads = 0
        var idle = 0
    }

    private let name: String
    private let limit: Int
    private let state = Mutex(State())
    private let wakeUp: Semaphore
    private let begin: @Sendable (@escaping @Sendable () -> Void) -> Bool

    /// `limit` is the maximum number of threads; 1 makes the pool a queue that keeps order. `begin` runs a closure on a
    /// new thread; false when the machine cannot create one now.
    package init(
        name: String, limit: Int,
        begin: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool = BlockingPool.beginThread
    ) {
        self.name = name
        self.limit = limit
        self.begin = begin
        wakeUp = Semaphore()
    }

    /// Runs `body` on one of the pool's threads and returns its result; it cannot be cancelled once it has begun.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }

    /// The same for a body that cannot fail.
    package func runInfallible<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: body()) }
        }
    }

    /// The same for a body that may never return: nil after `limit`. The thread stays occupied until the body ends.
    package func run<Result: Sendable>(
        within limit: Duration, _ body: @escaping @Sendable () -> Result
    ) async -> Result? {
        await withCheckedContinuation { continuation in
            let answer = OneAnswer(continuation)
            let timer = Task {
                do { try await Task.sleep(for: limit) } catch { return }
                answer.give(nil)
            }
            submit {
                answer.give(body())
                timer.cancel()
            }
        }
    }

    /// Runs `work` on one of the pool's threads, after this call.
    package func submit(_ work: @escaping @Sendable () -> Void) {
        state.withLock { $0.waiting.append(work) }
        wakeUp.signal()
        startThreadIfNeeded()
    }

    private func startThreadIfNeeded() {
        let isNeeded = state.withLock { state in
            guard state.idle < state.waiting.count, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        if isNeeded { startThread() }
    }

    private func startThread() {
        if begin({ [self] in work() }) { return }
        state.withLock { $0.threads -= 1 }
        // Otherwise work without a thread would wait forever.
        Task {
            try? await Task.sleep(for: .milliseconds(50))
            startThreadIfNeeded()
        }
    }

    /// false when the kernel cannot create a thread now (pthread_create(3), EAGAIN).
    package static func beginThread(_ body: @escaping @Sendable () -> Void) -> Bool {
        (try? Linux.startThread(body)) != nil
    }

    private func work() {
        while true {
            state.withLock { $0.idle += 1 }
            wakeUp.wait()
            let next = state.withLock { state in
                state.idle -= 1
                return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            }
            next?()
        }
    }
}

/// Returns the first of two answers.
private final class OneAnswer<Value: Sendable>: Sendable {
    // The mutex guards who may resume.
    private let continuation: Mutex<CheckedContinuation<Value, Never>?>

    init(_ continuation: CheckedContinuation<Value, Never>) { self.continuation = Mutex(continuation) }

    func give(_ value: Value) { continuation.withLock { $0.take() }?.resume(returning: value) }
}
