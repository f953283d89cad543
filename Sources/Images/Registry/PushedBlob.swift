import Glibc
import Linux
import OCI
import Synchronization

/// A blob to push: as in the content store, or compressed.
struct PushedBlob: Sendable {
    /// Its descriptor at the registry.
    let descriptor: Descriptor
    /// Its digest in the content store.
    let stored: Digest
    /// The file with its bytes.
    let file: @Sendable () async throws -> String
}

/// Compresses layers that are stored bare, because registries and their clients expect compressed ones. The compressed
/// files are removed after the push.
actor LayerCompression {
    private let content: ContentStore
    private let pool: BlockingPool
    private var files: [Digest: Task<String, any Error>] = [:]

    init(_ content: ContentStore, on pool: BlockingPool) {
        self.content = content
        self.pool = pool
    }

    /// `layer` in the form to push. A layer that was pushed before is compressed again only if the registry no longer
    /// has it.
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
                // Another version of the compressor produces other bytes.
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

    /// The compressed form of a layer has another digest now than before.
    struct FormChanged: Error, CustomStringConvertible {
        var description: String { "the compressed form of a layer changed; push again" }
    }

    func removeFiles() async {
        for task in files.values {
            guard let path = try? await task.value else { continue }
            await pool.runInfallible { _ = unlink(path) }
        }
        files = [:]
    }
}
