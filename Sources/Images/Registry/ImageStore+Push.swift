import AsyncHTTPClient
import JSON
import Linux
import NIOCore
import OCI

/// The progress of a push.
package enum PushProgress: Hashable, Sendable {
    /// The blobs to send, in the order of the manifest, with their transferred sizes.
    case layers([Descriptor])
    /// The repository already has the blob.
    case present(Digest)
    /// The registry copied it from another of its repositories.
    case mounted(Digest, from: String)
    /// How many bytes of a blob were sent.
    case transferred(Digest, done: Int64, total: Int64)
    case pushed(Digest)
}

/// What to send to a repository: blobs of the content store, and the manifests that name them.
package struct RegistryUpload: Sendable {
    /// A manifest or an index.
    package struct Document: Sendable {
        package var bytes: [UInt8]
        package var mediaType: String

        package init(bytes: [UInt8], mediaType: String) {
            self.bytes = bytes
            self.mediaType = mediaType
        }

        package var descriptor: Descriptor {
            Descriptor(mediaType: mediaType, digest: digest(of: bytes), size: Int64(bytes.count))
        }
    }

    /// Sent before the manifests, several at a time.
    package var blobs: [Descriptor]
    /// Sent after them in this order. The last one gets the reference's tag, the others are known by their digests.
    package var documents: [Document]

    package init(blobs: [Descriptor], documents: [Document]) {
        self.blobs = blobs
        self.documents = documents
    }
}

extension ImageStore {
    /// Pushes the image that `reference` names to its registry.
    ///
    /// Compresses layers that are stored bare, as built ones are. Does not send blobs that the repository already has,
    /// and asks the registry to copy blobs from its other repositories that are known here. `progress` may be called
    /// from any thread.
    /// - Returns: The manifest that the registry has now.
    @discardableResult
    package func push(
        _ reference: Reference, credentials: RegistryCredentials = RegistryCredentials(),
        network: RegistryNetwork = RegistryNetwork(), progress: @escaping @Sendable (PushProgress) -> Void = { _ in }
    ) async throws -> Descriptor {
        guard reference.digest == nil else {
            throw ImageError.failed("\(reference) names a digest: an image is pushed under a tag")
        }
        guard let image = image(reference) else { throw ImageError.notFound(reference.familiar) }
        let target = PushTarget(reference: reference, credentials: credentials, network: network, progress: progress)
        let pushed = try await withLease { lease in
            await hold([image.id, image.manifestDigest] + image.layers.map(\.digest), in: lease)
            do { return try await push(image, to: target) } catch is LayerCompression.FormChanged {
                return try await push(image, to: target)
            }
        }
        try catalog.noteRegistry(of: reference.stored, image: image.id, digest: pushed.digest)
        return pushed
    }

    /// Sends blobs of the content store and the manifests that name them, unchanged, to the repository of `reference`;
    /// the last manifest gets its tag. The caller must hold the blobs in a lease.
    /// - Returns: That manifest.
    @discardableResult
    package func push(
        _ upload: RegistryUpload, to reference: Reference, credentials: RegistryCredentials = RegistryCredentials(),
        network: RegistryNetwork = RegistryNetwork(), progress: @escaping @Sendable (PushProgress) -> Void = { _ in }
    ) async throws -> Descriptor {
        let target = PushTarget(reference: reference, credentials: credentials, network: network, progress: progress)
        return try await push(try upload.blobs.map { try pushed($0, for: target) }, upload.documents, to: target)
    }

    struct PushTarget: Sendable {
        let reference: Reference
        let credentials: RegistryCredentials
        let network: RegistryNetwork
        let progress: @Sendable (PushProgress) -> Void
    }

    private func push(_ image: Image, to target: PushTarget) async throws -> Descriptor {
        let bytes = try content.read(image.manifestDigest)
        let manifest = try decodeJSON(Manifest.self, from: bytes)
        let document = RegistryUpload.Document(bytes: bytes, mediaType: image.manifest.mediaType)
        let stored = try (manifest.layers + [manifest.config]).map { try pushed($0, for: target) }
        guard manifest.layers.contains(where: { $0.mediaType == MediaType.layer }) else {
            return try await push(stored, [document], to: target)
        }
        let compression = LayerCompression(content, on: pool)
        do {
            var blobs: [PushedBlob] = []
            for (layer, blob) in zip(manifest.layers, stored) {
                try Task.checkCancellation()
                blobs.append(layer.mediaType == MediaType.layer ? try await compression.blob(layer) : blob)
            }
            var compressed = manifest
            for (place, blob) in blobs.enumerated() {
                compressed.layers[place].mediaType = blob.descriptor.mediaType
                compressed.layers[place].digest = blob.descriptor.digest
                compressed.layers[place].size = blob.descriptor.size
            }
            let other = RegistryUpload.Document(bytes: try encodeJSON(compressed), mediaType: document.mediaType)
            let result = try await push(blobs + stored.suffix(1), [other], to: target)
            await compression.removeFiles()
            return result
        } catch {
            await compression.removeFiles()
            throw error
        }
    }

    /// - Throws: when the store does not have it.
    private func pushed(_ blob: Descriptor, for target: PushTarget) throws -> PushedBlob {
        guard blob.isOnlyElsewhere || content.has(blob) else {
            throw ImageError.damagedStore("\(target.reference) cannot be pushed: its blob \(blob.digest) is missing")
        }
        let path = content.path(blob.digest)
        return PushedBlob(descriptor: blob, stored: blob.digest) { path }
    }

    func push(
        _ all: [PushedBlob], _ documents: [RegistryUpload.Document], to target: PushTarget
    ) async throws -> Descriptor {
        let reference = target.reference
        var seen: Set<Digest> = []
        let blobs = all.filter { !$0.descriptor.isOnlyElsewhere && seen.insert($0.descriptor.digest).inserted }
        let sources = blobs.map { repository(with: $0.stored, beside: reference) }
        // A registry may need minutes to store a large blob.
        let http = try RegistryConnections(target.network, for: reference.domain, patience: .minutes(5))
        let client = RegistryClient(
            reference, credentials: target.credentials, insecure: target.network.insecure, http: http,
            for: .push(sources: Set(sources.compactMap { $0 })))
        target.progress(.layers(blobs.map(\.descriptor)))
        do {
            try await send(Array(zip(blobs, sources)), client, target.progress)
            var last: Descriptor?
            for (place, document) in documents.enumerated() {
                let descriptor = document.descriptor
                let isLast = place == documents.count - 1
                try await client.put(
                    .init(bytes: document.bytes, descriptor: descriptor),
                    as: isLast ? reference.tag ?? "\(descriptor.digest)" : "\(descriptor.digest)")
                last = descriptor
            }
            await http.shutdown()
            guard let last else { throw ImageError.failed("there is no manifest to push to \(reference)") }
            return last
        } catch {
            await http.shutdown()
            try Task.checkCancellation()  // the error of a cancelled request is not the reason
            throw error
        }
    }

    /// Five at a time, in order.
    private func send(
        _ blobs: [(PushedBlob, String?)], _ client: RegistryClient,
        _ progress: @escaping @Sendable (PushProgress) -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, (blob, source)) in blobs.enumerated() {
                if index >= 5 { try await group.next() }
                let pool = pool
                group.addTask {
                    let (digest, size) = (blob.descriptor.digest, blob.descriptor.size)
                    let arrival = try await client.deliver(blob.descriptor, mountedFrom: source) {
                        let path = try await blob.file()
                        return {
                            let pieces = FilePieces(path: path, pool: pool) { done in
                                progress(.transferred(digest, done: done, total: size))
                            }
                            return .stream(pieces, length: .known(size))
                        }
                    }
                    switch arrival {
                    case .wasThere: progress(.present(digest))
                    case .mounted(let source): progress(.mounted(digest, from: source))
                    case .uploaded: progress(.pushed(digest))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Another repository of the registry that has the blob, according to images that were pulled from or pushed to it.
    private func repository(with blob: Digest, beside reference: Reference) -> String? {
        let candidates = catalog.tags.values.filter { tag in
            tag.reference.domain == reference.domain && tag.reference.path != reference.path
                && tag.repositoryDigest != nil
                && catalog.images[tag.image].map { $0.id == blob || $0.layers.contains { $0.digest == blob } } == true
        }
        return candidates.max { ($0.updated, $0.reference.path) < ($1.updated, $1.reference.path) }?.reference.path
    }
}

extension Descriptor {
    /// A layer that must not be distributed, as for Windows: only its own registry has it.
    fileprivate var isOnlyElsewhere: Bool { mediaType.contains("nondistributable") || mediaType.contains("foreign") }
}
