import AsyncHTTPClient
import JSON
import Linux
import NIOCore
import OCI

extension ImageStore {
    /// Pulls an image from its registry and unpacks it; several callers for the same image share the work.
    ///
    /// `platform` overrides this machine's platform. Plain HTTP is allowed for registries on this machine and those
    /// that `network` names. `progress` may be called from any thread.
    package func pull(
        _ reference: Reference, platform: Platform? = nil, credentials: RegistryCredentials = RegistryCredentials(),
        network: RegistryNetwork = RegistryNetwork(), progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
    ) async throws -> Image {
        let key = PullKey(reference: reference.stored, platform: (platform ?? .host).text)
        if let shared = pulls[key], shared.join(progress) { return try await shared.value() }
        let shared = SharedPull()
        _ = shared.join(progress)
        pulls[key] = shared
        let request = PullRequest(
            reference: reference, platform: platform, credentials: credentials, network: network)
        shared.start(
            Task {
                defer { if pulls[key] === shared { pulls[key] = nil } }
                return try await withClient(request) { client in
                    try await fetch(request, client) { shared.report($0) }
                }
            })
        return try await shared.value()
    }

    struct PullRequest: Sendable {
        let reference: Reference
        let platform: Platform?
        let credentials: RegistryCredentials
        let network: RegistryNetwork
    }

    /// The reference with its current digest at the registry; a reference with a digest only loses its tag.
    ///
    /// Downloads only the manifest and stores nothing.
    package func resolveDigest(
        of reference: Reference, credentials: RegistryCredentials = RegistryCredentials(),
        network: RegistryNetwork = RegistryNetwork()
    ) async throws -> Reference {
        if let digest = reference.digest { return reference.at(digest) }
        let request = PullRequest(
            reference: reference, platform: nil, credentials: credentials, network: network)
        let top = try await withClient(request) { try await $0.document(reference.tag ?? "latest") }
        return reference.pinned(to: top.descriptor.digest)
    }

    /// What the registry has under `reference`, and for which platforms. Stores nothing.
    package func remoteImage(
        _ reference: Reference, credentials: RegistryCredentials = RegistryCredentials(),
        network: RegistryNetwork = RegistryNetwork()
    ) async throws -> RemoteImage {
        let request = PullRequest(
            reference: reference, platform: nil, credentials: credentials, network: network)
        return try await withClient(request) { client in
            let top = try await client.document(reference.digest.map { "\($0)" } ?? reference.tag ?? "latest")
            switch try ManifestDocument(top.bytes, mediaType: top.descriptor.mediaType) {
            case .index(let index):
                return RemoteImage(
                    descriptor: top.descriptor,
                    platforms: index.manifests.filter { !$0.isAttestation }.compactMap(\.platform))
            case .manifest(let manifest):
                let config = try decodeConfig(await client.blob(manifest.config, limit: 8 << 20), manifest, request)
                let platform = Platform(os: config.os, architecture: config.architecture, variant: config.variant)
                return RemoteImage(descriptor: top.descriptor, platforms: [platform])
            }
        }
    }

    func withClient<Result: Sendable>(
        _ request: PullRequest, _ body: (RegistryClient) async throws -> Result
    ) async throws -> Result {
        // If a mirror does not have it or fails, ask the registry itself.
        for (copy, network) in request.network.mirrored(request.reference) {
            do { return try await withClient(of: copy, network, RegistryCredentials(), body) } catch {
                try Task.checkCancellation()
            }
        }
        return try await withClient(of: request.reference, request.network, request.credentials, body)
    }

    private func withClient<Result: Sendable>(
        of reference: Reference, _ network: RegistryNetwork, _ credentials: RegistryCredentials,
        _ body: (RegistryClient) async throws -> Result
    ) async throws -> Result {
        let http = try RegistryConnections(network, for: reference.domain)
        let client = RegistryClient(reference, credentials: credentials, insecure: network.insecure, http: http)
        do {
            let result = try await body(client)
            await http.shutdown()
            return result
        } catch {
            await http.shutdown()
            throw error
        }
    }

    private func fetch(
        _ request: PullRequest, _ client: RegistryClient, _ report: @escaping @Sendable (PullProgress) -> Void
    ) async throws -> Image {
        let reference = request.reference
        let top = try await client.document(reference.digest.map { "\($0)" } ?? reference.tag ?? "latest")
        let (document, manifest) = try await choose(top, request, client)
        return try await withLease { lease in
            let digests = [top.descriptor.digest, document.descriptor.digest, manifest.config.digest]
            await hold(digests + manifest.layers.map(\.digest), in: lease)
            let configBytes = try await configuration(manifest.config, client)
            let config = try decodeConfig(configBytes, manifest, request)
            let plan = downloadPlan(manifest, config, client, report)
            await hold(plan.chainIDs, in: lease)
            report(.layers(manifest.layers))
            let unchecked = plan.layers.indices.filter { index in
                !content.has(plan.layers[index]) && snapshots.has(plan.chainIDs[index])
            }
            _ = try await unpack(plan)
            for index in plan.layers.indices { try await plan.arrival(index) }
            report(.complete)
            // Their blobs were downloaded but not unpacked, because the same layer was there from another blob.
            for index in unchecked {
                let digest = plan.layers[index].digest
                try await check(content.path(digest), digest, index, of: plan)
            }
            if top.descriptor != document.descriptor {
                _ = try content.put(top.bytes, mediaType: top.descriptor.mediaType)
            }
            let image = try record(
                config: config, configBytes: configBytes, manifest: manifest, manifestBytes: document.bytes,
                mediaType: document.descriptor.mediaType, size: size(ofLayers: plan.chainIDs))
            try name(image, reference, repositoryDigest: top.descriptor.digest, renews: true)
            return image
        }
    }

    /// The manifest in a document for the requested platform.
    private func choose(
        _ top: RegistryClient.Document, _ request: PullRequest, _ client: RegistryClient
    ) async throws -> (RegistryClient.Document, Manifest) {
        var document = top
        for _ in 0..<4 {
            switch try ManifestDocument(document.bytes, mediaType: document.descriptor.mediaType) {
            case .manifest(let manifest): return (document, manifest)
            case .index(let index):
                let chosen = try index.choose(request.platform ?? .host)
                document = try await client.document("\(chosen.digest)")
                guard document.descriptor.size == chosen.size else {
                    throw ImageError.invalidImage("\(chosen.digest) has another size than its index says")
                }
            }
        }
        throw ImageError.invalidImage("indexes are nested too deep")
    }

    private func configuration(_ descriptor: Descriptor, _ client: RegistryClient) async throws -> [UInt8] {
        if content.has(descriptor) { return try content.read(descriptor.digest) }
        return try await client.blob(descriptor, limit: 8 << 20)
    }

    private func decodeConfig(
        _ bytes: [UInt8], _ manifest: Manifest, _ request: PullRequest
    ) throws(ImageError) -> ImageConfig {
        let config: ImageConfig
        do {
            config = try decodeJSON(ImageConfig.self, from: bytes)
        } catch {
            throw .invalidImage(
                "\(request.reference) is not a container image: its configuration has another form: \(plainText(of: error))"
            )
        }
        guard config.rootfs.diffIDs.count == manifest.layers.count else {
            throw .invalidImage(
                "it has \(manifest.layers.count) layers, its configuration \(config.rootfs.diffIDs.count)")
        }
        let offered = Platform(os: config.os, architecture: config.architecture, variant: config.variant)
        if let wanted = request.platform, wanted.distance(to: offered) == nil {
            throw .noPlatform(wanted: wanted.text, available: [offered.normalized.text])
        }
        return config
    }

    /// Starts the downloads, three at a time; each layer is unpacked as soon as it has arrived.
    private func downloadPlan(
        _ manifest: Manifest, _ config: ImageConfig, _ client: RegistryClient,
        _ report: @escaping @Sendable (PullProgress) -> Void
    ) -> LayerPlan {
        let limiter = Limiter(3)
        let layers = manifest.layers
        let arrivals = layers.map { _ in Arrival() }
        return LayerPlan(
            layers: layers, diffIDs: config.rootfs.diffIDs,
            arrival: { index in
                try await arrivals[index].once {
                    try await limiter.run { try await self.download(layers[index], client, report) }
                }
            })
    }

    /// Downloads a blob into the store; joins a download of the same blob in progress.
    func download(
        _ layer: Descriptor, _ client: RegistryClient, _ report: @escaping @Sendable (PullProgress) -> Void
    ) async throws {
        while let other = blobTasks[layer.digest] {
            _ = await other.result  // another pull is downloading it; if that fails, this one tries
            try Task.checkCancellation()
        }
        guard !content.has(layer) else {
            report(.present(layer.digest))
            return
        }
        let work = BlobDownload(
            client: client, content: content, pool: pool, retries: RetryPolicy(), descriptor: layer, report: report)
        let task = Task { try await work.run() }
        blobTasks[layer.digest] = task
        defer { blobTasks[layer.digest] = nil }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// An image in a registry.
package struct RemoteImage: Hashable, Sendable {
    /// The descriptor of its manifest or index.
    package var descriptor: Descriptor
    package var platforms: [Platform]

    package init(descriptor: Descriptor, platforms: [Platform]) {
        self.descriptor = descriptor
        self.platforms = platforms
    }
}

/// Does something once, however many wait for it.
private actor Arrival {
    private var task: Task<Void, any Error>?

    func once(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let task = task ?? Task { try await body() }
        self.task = task
        do {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            // The next caller starts again.
            if self.task == task { self.task = nil }
            throw error
        }
    }
}
