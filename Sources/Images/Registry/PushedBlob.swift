import Glibc
import Linux
import OCI
import Synchronization

/// A blob on its way to a registry: as it lies in the content store, or compressed for the way.
struct PushedBlob: Sendable {
    /// As the registry knows it.
    let descriptor: Descriptor
    /// As the content store does.
    let stored: Digest
    /// The file with its bytes.
    let file: @Sendable () async throws -> String
}

/// Layers that are stored bare and go out compressed, as registries and those who pull from them expect it. Their files are gone with
/// the push.
actor LayerCompression {
    private let content: ContentStore
    private let pool: BlockingPool
    private var files: [Digest: Task<String, any Error>] = [:]

    init(_ content: ContentStore, on pool: BlockingPool) {
        self.content = content
        self.pool = pool
    }

    /// `layer` as it is pushed. One that went out before is compressed anew only if the registry has it no more.
    func blob(_ layer: Descriptor) async throws -> PushedBlob {
        let form: Descriptor
        if let known = content.compressedForm(of: layer.digest) {
            form = known
        } else {
            form = try await compress(layer)
        }
        return PushedBlob(descriptor: form, stored: layer.digest) { [self] in try await file(of: layer, as: form) }
    }

    private func compress(_ layer: Descriptor) async throws -> Descriptor {
        let (content, target) = (content, content.temporaryPath())
        let (digest, size) = try await pool.run { try compressLayer(content.path(layer.digest), to: target) }
        files[layer.digest] = Task { target }
        let form = Descriptor(mediaType: MediaType.layerGzip, digest: digest, size: size)
        try await pool.run { try content.note(form, asFormOf: layer.digest) }
        return form
    }

    private func file(of layer: Descriptor, as form: Descriptor) async throws -> String {
        if let task = files[layer.digest] { return try await task.value }
        let task = Task {
            let (content, target) = (content, content.temporaryPath())
            let (digest, size) = try await pool.run { try compressLayer(content.path(layer.digest), to: target) }
            guard digest == form.digest, size == form.size else {
                // Another version of the compressor makes other bytes of it.
                await pool.runInfallible {
                    content.forgetCompressedForm(of: layer.digest)
                    _ = unlink(target)
                }
                throw FormChanged()
            }
            return target
        }
        files[layer.digest] = task
        return try await task.value
    }

    /// What a layer was called compressed is not what it is called now.
    struct FormChanged: Error, CustomStringConvertible {
        var description: String { "a layer is compressed in another way than it was before; push again" }
    }

    func removeFiles() async {
        for task in files.values {
            guard let path = try? await task.value else { continue }
            await pool.runInfallible { _ = unlink(path) }
        }
        files = [:]
    }
}
