import EngineWire
import Images
import Linux
import OCI
import Synchronization

/// An image store without layers.
extension SimulatedMachine {
    package func storedImages() async throws -> StoredImages {
        let named = try state.withLock { state in
            try state.images.sorted { $0.key < $1.key }.map { reference, image in
                TaggedImage(
                    reference: try Reference(reference), image: try Self.stored(image), repositoryDigest: nil,
                    updated: image.updated ?? 0)
            }
        }
        return StoredImages(named: named, nameless: [])
    }

    /// A simulated image is gone with its last name.
    package func keepImages(_ ids: Set<Digest>) async throws {}

    package func storedImage(_ name: String) async throws -> Image? {
        try await image(name).map(Self.stored)
    }

    package func pullLayers(
        _ reference: Reference, platform: Platform?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws -> PulledImage {
        let before = try await image(reference.familiar)?.id
        let pulled = try await pull(reference.familiar, platform: platform?.text, logins: logins) { _ in }
        return PulledImage(image: try Self.stored(pulled), repositoryDigest: nil, isNew: before != pulled.id)
    }

    private static func stored(_ image: MachineImage) throws -> Image {
        let id = Digest(image.id) ?? digest(of: image.id.utf8)
        let manifest = Manifest(
            config: Descriptor(mediaType: MediaType.config, digest: id, size: 0), layers: [])
        let platform = try Platform.named(image.platform) ?? .host
        var config = ImageConfig(
            architecture: platform.architecture, os: platform.os, rootfs: .init(diffIDs: []))
        config.config = image.config
        return try Image(
            manifest: Descriptor(mediaType: MediaType.manifest, digest: id, size: 0), content: manifest,
            config: config,
            size: 0)
    }

    package func importImage(
        _ request: ImportRequest, from archive: borrowing OwnedFD,
        progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> Image {
        let id = "sha256:\(newID())"
        try await act("import image \(request.reference)", chance: \.createFails) { state in
            state.images[request.reference] = MachineImage(
                id: id, config: .init(), platform: request.platform)
        }
        guard let image = try await storedImage(request.reference) else {
            throw ImageError.notFound(request.reference)
        }
        return image
    }

    /// Its archives name an image in each line.
    package func loadImages(
        from archive: borrowing OwnedFD, progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> [LoadedImage] {
        let text = String(decoding: try archive.readToEnd(), as: UTF8.self)
        let names = text.split(separator: "\n").map(String.init)
        progress(.found(names))
        var loaded: [LoadedImage] = []
        for name in names {
            let id = "sha256:\(newID())"
            try await act("load image \(name)", chance: \.createFails) { state in
                state.images[name] = MachineImage(id: id, config: .init())
            }
            guard let image = try await storedImage(name) else { continue }
            loaded.append(LoadedImage(image: image, references: [try Reference(name)]))
            progress(.complete(name))
        }
        return loaded
    }

    package func saveImages(_ names: [String], to sink: CInt) async throws {
        let sink = OwnedFD(owning: sink)
        for name in names where try await image(name) == nil { throw ImageError.notFound(name) }
        try sink.write(names.map { "\($0)\n" }.joined().utf8)
    }

    package func tagImage(_ source: String, as target: Reference) async throws {
        guard let image = try await image(source) else { throw ImageError.notFound(source) }
        try await act("tag image \(source)", chance: \.createFails) {
            $0.images[target.familiar] = image
        }
    }

    package func removeImage(_ name: String, force: Bool, inUse: Set<Digest>) async throws
        -> [RemovedImage]
    {
        guard let image = try await storedImage(name) else { throw ImageError.notFound(name) }
        let stays = inUse.contains(image.id)
        guard force || !stays else { throw ImageError.inUse(name, reason: "a container uses it") }
        try await act("remove image \(name)", chance: \.removeFails) { state in state.images[name] = nil
        }
        return [.untagged(try Reference(name))] + (stays ? [] : [.deleted(image.id)])
    }

    /// No image here is without a name.
    package func collectImages(keeping: Set<Digest>) async throws -> Collected { Collected() }

    package func pruneImages(
        includingNamed: Bool, keeping: Set<Digest>, where isWanted: @escaping @Sendable (Image) -> Bool
    ) async throws -> Collected {
        var collected = Collected()
        guard includingNamed else { return collected }
        for name in state.withLock({ $0.images.keys.sorted() }) {
            guard let image = try await storedImage(name), !keeping.contains(image.id), isWanted(image) else {
                continue
            }
            collected.images += try await removeImage(name, force: false, inUse: [])
        }
        return collected
    }

    package func push(
        _ reference: Reference, logins: RegistryLogins, progress: @escaping @Sendable (PushProgress) -> Void
    ) async throws -> Descriptor {
        guard let image = try await named(reference) else { throw ImageError.notFound(reference.familiar) }
        progress(.layers(image.layers))
        return image.manifest
    }

    private func named(_ reference: Reference) async throws -> Image? {
        if let image = try await storedImage(reference.familiar) { return image }
        return try await storedImage(reference.familiarName)
    }

    /// Registries accept every login.
    package func checkLogin(at server: String, logins: RegistryLogins) async throws {}

    package func remoteImage(_ reference: Reference, logins: RegistryLogins) async throws -> RemoteImage {
        guard let image = try await named(reference) else {
            throw EngineFailure(code: .imageMissing, message: "no registry in a simulation: \(reference)")
        }
        return RemoteImage(descriptor: image.manifest, platforms: [image.platform])
    }

    package func resolve(_ reference: Reference, logins: RegistryLogins) async throws -> Reference {
        guard let image = try await storedImage(reference.familiar) else {
            throw EngineFailure(code: .imageMissing, message: "no registry in a simulation: \(reference)")
        }
        return reference.pinned(to: image.id)
    }
}
