import Glibc
import Linux
import OCI

// External inputs of builds: caches, and single blobs.
extension ImageStore {
    /// The cache that a registry has under `reference`: a cache, or an image with an inline cache.
    package func remoteCache(
        _ reference: Reference, platform: Platform?, credentials: RegistryCredentials, network: RegistryNetwork
    ) async throws -> OutsideCache {
        let request = PullRequest(
            reference: reference, platform: platform, credentials: credentials, network: network)
        return try await withClient(request) { client in
            let top = try await client.document(reference.digest.map { "\($0)" } ?? reference.tag ?? "latest")
            let documents = OutsideDocuments {
                try await client.document("\($0.digest)").bytes
            } blob: {
                try await client.blob($0, limit: $1)
            }
            return try await documents.cache(top.descriptor, top.bytes, platform: platform ?? .host)
        }
    }

    /// What an image in the store tells of the steps that made it: its history, and the cache inside if there is one.
    package nonisolated func cache(of image: Image) -> OutsideCache {
        let diffIDs = image.config.rootfs.diffIDs
        let steps = image.config.stepCache.flatMap {
            try? StepCache(inline: $0, layers: image.layers, diffIDs: diffIDs)
        }
        let layers = zip(image.layers, diffIDs).map { StepCache.Layer(diffID: $1, blob: $0, parent: nil) }
        return OutsideCache(
            steps: steps ?? StepCache(), image: .init(history: image.config.history ?? [], layers: layers))
    }

    /// Downloads a blob from the repository of `reference` into the store. The caller must hold it in a lease.
    package func fetchBlob(
        _ blob: Descriptor, of reference: Reference, credentials: RegistryCredentials, network: RegistryNetwork
    ) async throws {
        let request = PullRequest(reference: reference, platform: nil, credentials: credentials, network: network)
        try await withClient(request) { client in try await download(blob, client) { _ in } }
    }

    /// Stores a blob that arrives in pieces, nil at its end. Refuses it if it does not match its descriptor. The caller
    /// must hold it in a lease. Blocks: run it on a `BlockingPool`.
    package nonisolated func take(_ blob: Descriptor, _ next: () throws -> [UInt8]?) throws {
        guard !content.has(blob) else { return }
        let path = content.temporaryPath()
        do {
            try explainingFullDisk(path) {
                let sink = try BlobSink(path, algorithm: blob.digest.algorithm)
                while let piece = try next() {
                    try sink.append(piece)
                    guard sink.size <= blob.size else {
                        throw ImageError.tooLarge("\(blob.digest) has more than \(blob.size) bytes")
                    }
                }
                let actual = sink.finish()
                guard actual == blob.digest else {
                    throw ImageError.digestMismatch(what: "a blob", expected: blob.digest, actual: actual)
                }
                try content.adopt(path, as: blob.digest)
            }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Adds an external layer on top of `below`. `fetch` downloads its blob if the store does not have it.
    /// - Throws: when it is not the layer with this diff ID.
    package func addLayer(
        _ layer: StepCache.Layer, above below: [BuiltLayer], in lease: BuildLease,
        fetch: @Sendable () async throws -> Void
    ) async throws -> BuiltLayer {
        let plan = LayerPlan(layers: below.map(\.blob) + [layer.blob], diffIDs: below.map(\.diffID) + [layer.diffID])
        let (top, chainID) = (below.count, plan.chainIDs[below.count])
        await hold(plan.chainIDs + [layer.blob.digest], in: lease.number)
        if !content.has(layer.blob) { try await fetch() }
        if snapshots.has(chainID) {
            // The same layer was unpacked from another blob, so nothing has checked this blob yet.
            try await check(content.path(layer.blob.digest), layer.blob.digest, top, of: plan)
        } else {
            _ = try await unpack(plan)
        }
        return BuiltLayer(
            diffID: layer.diffID, blob: layer.blob, size: try snapshots.record(chainID)?.size ?? 0)
    }

    /// Stores an external image without a name; it stays as long as `lease` or another image holds it. `fetch`
    /// downloads a blob into the store.
    package func add(
        _ image: OutsideImage, in lease: BuildLease, fetch: @escaping @Sendable (Descriptor) async throws -> Void
    ) async throws -> Image {
        await hold([image.manifest.config.digest, digest(of: image.manifestBytes)], in: lease.number)
        var layers: [BuiltLayer] = []
        for (blob, diffID) in zip(image.manifest.layers, image.config.rootfs.diffIDs) {
            let layer = StepCache.Layer(diffID: diffID, blob: blob, parent: nil)
            layers.append(try await addLayer(layer, above: layers, in: lease) { try await fetch(blob) })
        }
        return try record(
            config: image.config, configBytes: image.configBytes, manifest: image.manifest,
            manifestBytes: image.manifestBytes, mediaType: image.mediaType, size: layers.reduce(0) { $0 + $1.size })
    }
}
