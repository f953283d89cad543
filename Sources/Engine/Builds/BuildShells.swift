import Builder
import Glibc
import Synchronization

/// The shells of failed steps, until the clients of their builds take them.
package final class BuildShells: Sendable {
    private struct Offer {
        /// A connected socket of `StreamFrame`s.
        let stream: CInt
        let line: WaitingLine
    }

    // The mutex guards the offers: clients take them from any thread.
    private let offers = Mutex<[String: Offer]>([:])

    init() {}

    /// Offers `stream` under `id` and waits until somebody takes it; `tell` runs once it can be taken.
    /// - Throws: `CancellationError` when the task is cancelled; nobody gets the stream then.
    func offer(_ stream: CInt, as id: String, tell: () -> Void) async throws {
        let line = WaitingLine()
        let place = line.join()
        offers.withLock { $0[id] = Offer(stream: stream, line: line) }
        tell()
        do { try await line.wait(place) } catch {
            if let left = offers.withLock({ $0.removeValue(forKey: id) }) { close(left.stream) }
            throw error
        }
    }

    /// The stream that is offered under `id`, which the caller then owns; nil if there is none.
    func take(_ id: String) -> CInt? {
        guard let offer = offers.withLock({ $0.removeValue(forKey: id) }) else { return nil }
        _ = offer.line.wakeFirst()
        return offer.stream
    }
}
