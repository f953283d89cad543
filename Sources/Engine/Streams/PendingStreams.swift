import EngineWire
import Glibc
import Synchronization

/// Clients that wait for the streams of a container that does not run yet. They get the streams before its process
/// begins.
final class PendingStreams: Sendable {
    fileprivate enum Place {
        /// Nobody waits for the socket yet.
        case reserved
        case waiting(CheckedContinuation<CInt, any Error>)
        case done(Result<CInt, any Error>)
    }

    fileprivate struct State {
        var places: [String: [Int: Place]] = [:]
        var nextNumber = 0
    }

    // The mutex guards the waiting clients.
    private let state = Mutex(State())
    private let connect: @Sendable (ContainerRecord) async throws -> CInt

    /// `connect` returns a connected socket of `StreamFrame`s for a container whose process waits at its gate.
    init(connect: @escaping @Sendable (ContainerRecord) async throws -> CInt) { self.connect = connect }

    /// Reserves the streams of a container's next start. Call the result once: it waits until the process exists and
    /// returns the socket, which its caller then owns.
    /// - Throws: `CancellationError` when the task is cancelled, or when the container is removed without having run.
    ///   The caller of the start or the removal gets the reason.
    func reserve(for id: String) -> @Sendable () async throws -> CInt {
        let number = state.withLock { state in
            state.nextNumber += 1
            state.places[id, default: [:]][state.nextNumber] = .reserved
            return state.nextNumber
        }
        return { [self] in
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { wait(id, number, $0) }
            } onCancel: {
                cancel(id, number)
            }
        }
    }

    private func wait(_ id: String, _ number: Int, _ continuation: CheckedContinuation<CInt, any Error>) {
        let known = state.withLock { state -> Result<CInt, any Error>? in
            switch state.places[id]?[number] {
            case .reserved where !Task.isCancelled:
                state.places[id]?[number] = .waiting(continuation)
                return nil
            case .done(let result):
                state.forget(id, number)
                return result
            case .reserved, .waiting, nil:
                state.forget(id, number)
                return .failure(CancellationError())
            }
        }
        if let known { continuation.resume(with: known) }
    }

    private func cancel(_ id: String, _ number: Int) {
        let place = state.withLock { state in
            defer { state.forget(id, number) }
            return state.places[id]?[number]
        }
        switch place {
        case .waiting(let continuation): continuation.resume(throwing: CancellationError())
        case .done(.success(let descriptor)): close(descriptor)
        case .reserved, .done, nil: break
        }
    }

    /// Call this when the process of `container` exists but has not begun: gives its streams to all who wait.
    func open(_ container: ContainerRecord) async {
        for number in state.withLock({ $0.numbers(container.id) }) {
            let result: Result<CInt, any Error>
            do { result = .success(try await connect(container)) } catch { result = .failure(error) }
            settle(container.id, number, result)
        }
    }

    /// Call this when the container is removed: its streams will never exist.
    func end(_ id: String) {
        for number in state.withLock({ $0.numbers(id) }) { settle(id, number, .failure(CancellationError())) }
    }

    private func settle(_ id: String, _ number: Int, _ result: Result<CInt, any Error>) {
        let (continuation, isLeft) = state.withLock { state -> (CheckedContinuation<CInt, any Error>?, Bool) in
            switch state.places[id]?[number] {
            case .waiting(let continuation):
                state.forget(id, number)
                return (continuation, false)
            case .reserved:
                state.places[id]?[number] = .done(result)
                return (nil, false)
            case .done, nil: return (nil, true)
            }
        }
        if let continuation { continuation.resume(with: result) }
        // The client has gone meanwhile.
        if isLeft, case .success(let descriptor) = result { close(descriptor) }
    }
}

extension PendingStreams.State {
    fileprivate func numbers(_ id: String) -> [Int] { (places[id] ?? [:]).keys.sorted() }

    fileprivate mutating func forget(_ id: String, _ number: Int) {
        places[id]?[number] = nil
        if places[id]?.isEmpty == true { places[id] = nil }
    }
}
