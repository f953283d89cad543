import Glibc
import Synchronization

/// Threads of their own for calls that may sleep: the cooperative pool has as many threads as cores and must not block.
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

    /// `limit` is the most threads that run at once; one makes it a queue that keeps order. `begin` runs what it is given on a thread
    /// of its own; false when the machine has no room for one now.
    package init(
        name: String, limit: Int,
        begin: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool = BlockingPool.beginThread
    ) {
        self.name = name
        self.limit = limit
        self.begin = begin
        wakeUp = Semaphore()
    }

    /// Runs `body` on one of the pool's threads and returns what it returns; not cancelled once it has begun.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }

    /// Runs `body` on one of the pool's threads; for a body that cannot fail.
    package func runInfallible<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: body()) }
        }
    }

    /// Likewise, for a body that may never return: nil once `limit` is over. The thread stays with the body until that ends.
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

    /// Runs `work` on one of the pool's threads, some time after this call.
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
        // Work that nobody takes up would wait for ever.
        Task {
            try? await Task.sleep(for: .milliseconds(50))
            startThreadIfNeeded()
        }
    }

    /// false when the kernel has no room for a thread (pthread_create(3), EAGAIN).
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

/// The first of two answers counts.
private final class OneAnswer<Value: Sendable>: Sendable {
    // The mutex guards who may resume.
    private let continuation: Mutex<CheckedContinuation<Value, Never>?>

    init(_ continuation: CheckedContinuation<Value, Never>) { self.continuation = Mutex(continuation) }

    func give(_ value: Value) { continuation.withLock { $0.take() }?.resume(returning: value) }
}
