import EngineWire
import Images
import Linux
import OCI
import Synchronization

extension RealMachine {
    package func pull(
        _ reference: String, platform: String?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullStep) -> Void
    ) async throws -> MachineImage {
        let image = try await pull(Reference(reference), platform: platform, logins: logins, progress: progress)
        return MachineImage(id: "\(image.id)", config: image.config.config ?? .init())
    }

    func pull(
        _ reference: Reference, platform: String?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullStep) -> Void
    ) async throws -> Image {
        let sum = TransferSum()
        return try await images.pull(
            reference, platform: Platform.named(platform),
            credentials: RegistryCredentials(encoded: logins.encoded), network: registries
        ) { step in
            if let (done, total) = sum.add(step) { progress(.transfer(done: done, total: total)) }
        }
    }
}

extension RealMachine {
    package func pullLayers(
        _ reference: Reference, platform: Platform?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws -> PulledImage {
        let before = await images.image(reference)?.id
        let image = try await images.pull(
            reference, platform: platform, credentials: RegistryCredentials(encoded: logins.encoded),
            network: registries, progress: progress)
        let digest = await images.list().first { $0.reference == reference && $0.image.id == image.id }?
            .repositoryDigest
        return PulledImage(image: image, repositoryDigest: digest, isNew: before != image.id)
    }

    package func resolve(_ reference: Reference, logins: RegistryLogins) async throws -> Reference {
        try await images.resolveDigest(
            of: reference, credentials: RegistryCredentials(encoded: logins.encoded), network: registries)
    }

    package func push(
        _ reference: Reference, logins: RegistryLogins, progress: @escaping @Sendable (PushProgress) -> Void
    ) async throws -> Descriptor {
        try await images.push(
            reference, credentials: RegistryCredentials(encoded: logins.encoded), network: registries,
            progress: progress)
    }

    package func remoteImage(_ reference: Reference, logins: RegistryLogins) async throws -> RemoteImage {
        try await images.remoteImage(
            reference, credentials: RegistryCredentials(encoded: logins.encoded), network: registries)
    }

    package func checkLogin(at server: String, logins: RegistryLogins) async throws {
        try await images.checkLogin(
            at: server, credentials: RegistryCredentials(encoded: logins.encoded), network: registries)
    }
}

/// Adds up the bytes received for all layers of an image.
private final class TransferSum: Sendable {
    private struct State {
        var total: Int64 = 0
        var done: [Digest: Int64] = [:]
        var told: Int64 = 0
    }

    // The mutex guards everything: several layers arrive at a time.
    private let state = Mutex(State())

    /// Bytes received and in all; nil when the change is too small to report.
    func add(_ step: PullProgress) -> (done: Int64, total: Int64)? {
        state.withLock { state in
            switch step {
            case .layers(let layers):
                state.total = layers.reduce(0) { $0 + $1.size }
                for layer in layers { state.done[layer.digest] = 0 }
            case .present(let digest): state.done[digest] = nil
            case .transferred(let digest, let done, _): if state.done[digest] != nil { state.done[digest] = done }
            case .complete: return (state.total, state.total)
            }
            let done = state.done.values.reduce(0, +)
            // Report steps of one per cent.
            guard done - state.told >= max(1, state.total / 100) else { return nil }
            state.told = done
            return (done, state.total)
        }
    }
}
