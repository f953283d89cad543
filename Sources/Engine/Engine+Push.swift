import EngineWire
import Images
import OCI
import Synchronization

/// The progress of a push, blob by blob.
package enum PushEvent: Sendable {
    /// Short names of the blobs, base first, and their bytes.
    case layers([(name: String, size: Int64)])
    case present(String)
    case mounted(String, from: String)
    case transferred(String, done: Int64, total: Int64)
    case pushed(String)
    /// The registry has the image under this tag now: digest and bytes of its manifest.
    case tagged(String, digest: String, size: Int64)
    /// Always the last event.
    case failed(EngineFailure)
}

extension Engine {
    /// Pushes images to their registries, several at a time.
    package func push(_ request: PushRequest) async throws -> Operation {
        let references = try request.references.map { try Reference($0) }
        let operation = Operation(id: String(parts.machine.newID().prefix(16)), key: parts.machine.newID(), project: "")
        parts.operations.add(operation)
        Task {
            let outcome = await operation.interruptible { await self.push(references, request, operation) }
            operation.finish(outcome)
            await parts.operations.remove(operation)
        }
        return operation
    }

    private func push(
        _ references: [Reference], _ request: PushRequest, _ operation: Operation
    ) async -> OperationOutcome {
        let failures = await withTaskGroup(of: (Int, EngineFailure)?.self) { group in
            var failures: [Int: EngineFailure] = [:]
            for (index, reference) in references.enumerated() {
                // Each push sends several blobs at a time.
                if index >= 4, let (failed, failure) = await group.next() ?? nil { failures[failed] = failure }
                group.addTask {
                    await self.push(reference, request.logins, operation).map { (index, $0) }
                }
            }
            for await result in group { if let (failed, failure) = result { failures[failed] = failure } }
            return failures.sorted { $0.key < $1.key }.map(\.value)
        }
        let pushed = references.count - failures.count
        if operation.isCancelled { return OperationOutcome(status: .cancelled, changes: pushed) }
        guard !failures.isEmpty, !request.ignoresFailures else {
            for failure in failures { operation.emit(.warning(failure.message, hint: failure.hint)) }
            return OperationOutcome(status: .succeeded, changes: pushed)
        }
        return OperationOutcome(status: .failed, errors: failures)
    }

    /// Returns nil on success.
    private func push(
        _ reference: Reference, _ logins: RegistryLogins, _ operation: Operation
    ) async -> EngineFailure? {
        let name = reference.familiar
        operation.object(.image, name, "Pushing")
        let sum = PushSum()
        do {
            let manifest = try await parts.machine.push(reference, logins: logins) { step in
                guard let (done, total) = sum.add(step) else { return }
                operation.emit(.transfer(object: name, done: done, total: total))
            }
            tellImage("push", name)
            operation.object(.image, name, "Pushed", done: true, reason: "\(manifest.digest)")
            return nil
        } catch is CancellationError {
            operation.object(.image, name, "Interrupted", done: true, failed: true)
            return EngineFailure(describing: CancellationError())
        } catch {
            var failure = EngineFailure(describing: error)
            switch error {
            case ImageError.notFound(name):
                failure.message = "there is no local image \(name) to push"
                failure.hint =
                    "`berth build` creates a service's image, `berth image tag IMAGE \(name)` names an existing one"
            case ImageError.unauthorized:
                failure.hint = "`docker login \(reference.domain)` stores a login that berth uses"
            default: break
            }
            operation.object(.image, name, "Error", done: true, failed: true, reason: failure.message)
            return failure
        }
    }

    /// Sends an image to its registry and reports each blob; without a tag, all images of the repository. The push is cancelled
    /// when the listener goes away.
    /// - Throws: `EngineFailure` for an invalid name.
    package func pushLayers(
        _ repository: String, tag: String?, logins: RegistryLogins
    ) async throws -> AsyncStream<PushEvent> {
        let wanted: Reference
        do { wanted = try Reference(tag.map { "\(repository):\($0)" } ?? repository) } catch {
            throw EngineFailure(code: .invalid, message: "\(error)")
        }
        var references = [wanted]
        if tag == nil, repository.split(separator: "/").last?.contains(":") == false {
            references = try await parts.machine.storedImages().named.map(\.reference).filter {
                $0.domain == wanted.domain && $0.path == wanted.path && $0.tag != nil
            }
            if references.isEmpty { references = [wanted] }
        }
        let all = references
        return AsyncStream(bufferingPolicy: .bufferingNewest(4096)) { continuation in
            let task = Task {
                do {
                    for reference in all {
                        let manifest = try await parts.machine.push(reference, logins: logins) { progress in
                            continuation.yield(PushEvent(progress))
                        }
                        tellImage("push", reference.familiar)
                        continuation.yield(
                            .tagged(
                                reference.tag ?? "latest", digest: "\(manifest.digest)", size: manifest.size))
                    }
                } catch ImageError.notFound(let name) {
                    let message = "An image does not exist locally with the tag: \(name)"
                    continuation.yield(.failed(EngineFailure(code: .notFound, message: message)))
                } catch let error as ImageError {
                    continuation.yield(.failed(Self.failure(error)))
                } catch {
                    continuation.yield(.failed(EngineFailure(describing: error)))
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// Checks whether the registry `server` accepts a login.
    package func checkLogin(at server: String, logins: RegistryLogins) async throws {
        do { try await parts.machine.checkLogin(at: server, logins: logins) } catch let error as ImageError {
            throw Self.failure(error)
        }
    }

    package func remoteImage(_ name: String, logins: RegistryLogins) async throws -> RemoteImage {
        do { return try await parts.machine.remoteImage(Reference(name), logins: logins) } catch let error as ImageError
        {
            throw Self.failure(error)
        }
    }
}

extension PushEvent {
    fileprivate init(_ progress: PushProgress) {
        func short(_ digest: Digest) -> String { String(digest.hex.prefix(12)) }
        switch progress {
        case .layers(let layers): self = .layers(layers.map { (short($0.digest), $0.size) })
        case .present(let digest): self = .present(short(digest))
        case .mounted(let digest, let source): self = .mounted(short(digest), from: source)
        case .transferred(let digest, let done, let total):
            self = .transferred(short(digest), done: done, total: total)
        case .pushed(let digest): self = .pushed(short(digest))
        }
    }
}

/// Adds up the bytes sent for all blobs of an image.
private final class PushSum: Sendable {
    private struct State {
        var done: [Digest: Int64] = [:]
        var sizes: [Digest: Int64] = [:]
        var told: Int64 = 0
    }

    // The mutex guards all of it: several blobs are sent at a time.
    private let state = Mutex(State())

    /// Bytes sent and in all; nil when the change is too small to report.
    func add(_ step: PushProgress) -> (done: Int64, total: Int64)? {
        state.withLock { state in
            switch step {
            case .layers(let blobs):
                for blob in blobs { state.sizes[blob.digest] = blob.size }
                return nil
            // Do not count blobs that the registry already has.
            case .present(let digest), .mounted(let digest, _):
                state.sizes[digest] = nil
                state.done[digest] = nil
            case .transferred(let digest, let done, _): state.done[digest] = done
            case .pushed(let digest): state.done[digest] = state.sizes[digest]
            }
            let total = state.sizes.values.reduce(0, +)
            let done = state.done.values.reduce(0, +)
            // Report steps of one per cent.
            guard done - state.told >= max(1, total / 100) else { return nil }
            state.told = done
            return (done, total)
        }
    }
}
