import EngineWire
import Glibc
import Synchronization

/// Those who want the streams of a container that does not run yet: they get them before its process begins.
final class PendingStreams: Sendable {
    fileprivate enum Place {
        /// Nobody asks for the socket yet.
        case reserved
        case waiting(CheckedContinuation<CInt, any Error>)
        case done(Result<CInt, any Error>)
    }

    fileprivate struct State {
        var places: [String: [Int: Place]] = [:]
        var nextNumber = 0
    }

    // The mutex guards who waits.
    private let state = Mutex(State())
    private let connect: @Sendable (ContainerRecord) async throws -> CInt

    /// `connect` gives a connected socket of `StreamFrame`s of a container whose process waits at its gate.
    init(connect: @escaping @Sendable (ContainerRecord) async throws -> CInt) { self.connect = connect }

    /// Takes a place: from now on a start does not pass by. What comes back gives the socket, which its caller takes over, once the
    /// container's process is there; it is to be called once.
    /// - Throws: `CancellationError` when the task is cancelled, and when the container goes without having run: whoever asked for
    ///   its start or its removal hears why.
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

    /// The process of `container` is made and has not begun: all who wait get its streams.
    func open(_ container: ContainerRecord) async {
        for number in state.withLock({ $0.numbers(container.id) }) {
            let result: Result<CInt, any Error>
            do { result = .success(try await connect(container)) } catch { result = .failure(error) }
            settle(container.id, number, result)
        }
    }

    /// The container is gone: there are no streams to wait for.
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
        // Whoever wanted it has gone meanwhile.
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
