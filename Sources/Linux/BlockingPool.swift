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

    /// `limit` is the most threads that run at once; one makes it a queue that keeps order.
    package init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
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
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<BlockingPool>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            }, box.toOpaque())
        if result != 0 {
            box.release()
            state.withLock { $0.threads -= 1 }
            // The machine has no room for a thread now (pthread_create(3), EAGAIN); work that nobody takes up would wait for ever.
            Task {
                try? await Task.sleep(for: .milliseconds(50))
                startThreadIfNeeded()
            }
        } else {
            pthread_detach(thread)
        }
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

/// sem_t with a stable address.
private final class Semaphore: @unchecked Sendable {
    // The kernel guards it: sem_post(3) and sem_wait(3) may be called from any thread.
    private let raw = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(raw, 0, 0) }
    deinit {
        sem_destroy(raw)
        raw.deallocate()
    }

    func signal() { sem_post(raw) }
    func wait() { while sem_wait(raw) == -1 && Errno.current == .interrupted {} }
}
