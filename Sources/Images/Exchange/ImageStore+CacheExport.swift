import Glibc
import JSON
import Linux
import OCI
import Tar

/// A cache ready for export: its compressed layers, and the documents that describe them.
private struct PackedCache: Sendable {
    var blobs: [PushedBlob]
    var config: [UInt8]
    var configDescriptor: Descriptor
    var manifest: RegistryUpload.Document
}

extension ImageStore {
    /// Pushes a cache to its registry under this tag. The caller must hold its layers in a lease.
    package func push(
        _ cache: StepCache, to reference: Reference, credentials: RegistryCredentials, network: RegistryNetwork,
        in lease: BuildLease
    ) async throws {
        let target = PushTarget(reference: reference, credentials: credentials, network: network, progress: { _ in })
        try await packed(cache) { packed in
            await hold([packed.configDescriptor.digest], in: lease.number)
            let stored = try content.put(packed.config, mediaType: packed.configDescriptor.mediaType)
            let path = content.path(stored.digest)
            let config = PushedBlob(descriptor: packed.configDescriptor, stored: stored.digest) { path }
            _ = try await push(packed.blobs + [config], [packed.manifest], to: target)
        }
    }

    /// Compresses the layers of a cache, and calls `write` with a function that writes it as an OCI image layout in a
    /// tar, piece by piece, to a sink; that function blocks. The caller must hold the layers in a lease. `tag` is the
    /// name of the cache in the layout.
    package func withLayout(
        of cache: StepCache, tag: String,
        _ write:
            @Sendable (_ layout: @escaping @Sendable (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void)
            async throws -> Void
    ) async throws {
        try await packed(cache) { packed in
            var files: [(descriptor: Descriptor, path: String)] = []
            for blob in packed.blobs { files.append((blob.descriptor, try await blob.file())) }
            let all = files
            try await write { sink in
                let tar = TarWriter(sink)
                for folder in ["blobs/", "blobs/sha256/"] {
                    var header = TarWriter.Header(path: folder, type: "5")
                    header.mode = 0o755
                    try tar.add(header)
                }
                for (descriptor, path) in all {
                    try tar.addFile(descriptor.digest.layoutPath, from: openFile(path, O_RDONLY))
                }
                for document in [packed.config, packed.manifest.bytes] {
                    try tar.addFile(digest(of: document).layoutPath, document)
                }
                try tar.addFile("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
                // Write it last, because it names everything before it.
                var manifest = packed.manifest.descriptor
                manifest.annotations = [LayoutIndex.nameAnnotation: tag]
                try tar.addFile("index.json", try encodeJSON(Index(manifests: [manifest])))
                try tar.finish()
            }
        }
    }

    /// Compresses bare layers, and repeats this if the compressed form of a layer changed meanwhile.
    private func packed(_ cache: StepCache, _ body: (PackedCache) async throws -> Void) async throws {
        do { try await packedOnce(cache, body) } catch is LayerCompression.FormChanged {
            try await packedOnce(cache, body)
        }
    }

    private func packedOnce(_ cache: StepCache, _ body: (PackedCache) async throws -> Void) async throws {
        let compression = LayerCompression(content, on: pool)
        do {
            var blobs: [PushedBlob] = []
            var seen: Set<Digest> = []
            var forms: [Digest: Descriptor] = [:]
            for layer in cache.layers where seen.insert(layer.blob.digest).inserted {
                try Task.checkCancellation()
                let path = content.path(layer.blob.digest)
                let blob =
                    layer.blob.mediaType == MediaType.layer
                    ? try await compression.blob(layer.blob)
                    : PushedBlob(descriptor: layer.blob, stored: layer.blob.digest) { path }
                blobs.append(blob)
                forms[layer.blob.digest] = blob.descriptor
            }
            let written = cache.replacingBlobs { forms[$0.blob.digest] ?? $0.blob }
            let config = try written.document()
            let descriptor = Descriptor(
                mediaType: StepCacheDocument.mediaType, digest: digest(of: config), size: Int64(config.count))
            let manifest = Manifest(config: descriptor, layers: written.blobs)
            try await body(
                PackedCache(
                    blobs: blobs, config: config, configDescriptor: descriptor,
                    manifest: .init(bytes: try encodeJSON(manifest), mediaType: MediaType.manifest)))
            await compression.removeFiles()
        } catch {
            await compression.removeFiles()
            throw error
        }
    }
}
