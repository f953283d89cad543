import Synchronization

/// The moments after which an engine may be at rest: a connection was closed, an operation ended, a container is gone.
package final class Quiet: Sendable {
    /// One element for any number of moments that nobody has looked at yet; to be read by one task.
    package let moments: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let counter = Mutex(0)

    package init() {
        (moments, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// How many moments there were: unchanged means that nothing happened meanwhile.
    package var count: Int { counter.withLock { $0 } }

    package func note() {
        counter.withLock { $0 += 1 }
        continuation.yield()
    }
}
