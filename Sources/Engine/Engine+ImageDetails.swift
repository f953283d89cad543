import EngineWire
import Images
import OCI

/// An image with all its names.
package struct ImageDetails: Sendable {
    /// `sha256:…`
    package var id: String
    /// Familiar names with tags.
    package var names: [String]
    /// `NAME@DIGEST`, as registries know it.
    package var repositoryDigests: [String]
    package var config: ImageConfig
    /// The unpacked size of its layers, in bytes.
    package var size: Int64
    /// The compressed size of each layer in bytes, base first.
    package var layerSizes: [Int64]
    /// The descriptor of its manifest.
    package var manifest: Descriptor
    /// When it got its newest name on this machine, in seconds since 1970.
    package var updated: Int64?

    /// In seconds since 1970; 0 when the image does not say.
    package var created: Int64 { createdInNanoseconds / 1_000_000_000 }
    /// In nanoseconds since 1970; 0 when the image does not say.
    package var createdInNanoseconds: Int64 { config.created.flatMap { Timestamp.parse($0) } ?? 0 }
}

/// The progress of a pull, layer by layer.
package enum PullEvent: Sendable {
    /// Short names of the layers, base first, and their bytes.
    case layers([(name: String, size: Int64)])
    case present(String)
    case transferred(String, done: Int64, total: Int64)
    /// The pull has finished: the digest at the registry, and whether the name pointed to another image before.
    case complete(digest: String?, isNew: Bool)
    case failed(EngineFailure)
}

extension Engine {
    package func imageDetails() async throws -> [ImageDetails] {
        let stored = try await parts.machine.storedImages()
        var rows: [String: ImageDetails] = [:]
        for tagged in stored.named { rows["\(tagged.image.id)", default: Self.details(tagged.image)].take(tagged) }
        for image in stored.nameless { rows["\(image.id)"] = Self.details(image) }
        return rows.values.sorted { ($0.createdInNanoseconds, $0.id) > ($1.createdInNanoseconds, $1.id) }
    }

    /// Finds an image by name, digest, id or a prefix of the id.
    package func imageDetails(_ name: String) async throws -> ImageDetails {
        do {
            guard let image = try await parts.machine.storedImage(name) else {
                throw EngineFailure(code: .notFound, message: "No such image: \(name)")
            }
            var details = Self.details(image)
            for tagged in try await parts.machine.storedImages().named where tagged.image.id == image.id {
                details.take(tagged)
            }
            return details
        } catch let error as ImageError {
            throw Self.failure(error)
        }
    }

    private static func details(_ image: Image) -> ImageDetails {
        ImageDetails(
            id: "\(image.id)", names: [], repositoryDigests: [], config: image.config, size: image.size,
            layerSizes: image.layers.map(\.size), manifest: image.manifest)
    }

    static func failure(_ error: ImageError) -> EngineFailure {
        let code: EngineFailure.Code =
            switch error {
            case .notFound: .notFound
            case .ambiguous, .invalidImage, .invalidArchive, .invalidChange, .noPlatform: .invalid
            case .inUse: .conflict
            case .noSpace: .noSpace
            case .unauthorized: .noRights
            case .digestMismatch: .digestMismatch
            case .tooLarge: .tooLong
            case .registry, .damagedStore, .failed: .failed
            }
        return EngineFailure(code: code, message: "\(error)")
    }

    /// Whether `reference` names an image from which a container can be created.
    package func hasImage(_ reference: String) async throws -> Bool {
        try await parts.machine.image(reference) != nil
    }

    /// The ids of images by names, as far as there are such images.
    package func imageIDs(of names: Set<String>) async -> [String: String] {
        var ids: [String: String] = [:]
        for name in names { ids[name] = try? await parts.machine.image(name)?.id }
        return ids
    }

    package func imageSize(_ id: String) async -> Int64? { try? await parts.machine.storedImage(id)?.size }

    /// The ids of the image `name` and of the images built on it; empty if there is no such image.
    package func imagesAbove(_ name: String) async -> Set<String> {
        guard let base = try? await parts.machine.storedImage(name), let known = try? await parts.machine.image(name)
        else { return [] }
        var ids: Set<String> = [known.id]
        for details in (try? await imageDetails()) ?? [] where details.config.isBuilt(on: base.config) {
            ids.insert(details.id)
        }
        return ids
    }

    /// Removes a name, or an image with all its names.
    package func deleteImage(_ name: String, force: Bool) async throws -> [RemovedImageName] {
        await gate.wait(for: .ready)
        let use = ImageUse(inventory: parts.inventory, machine: parts.machine, operations: parts.operations)
        let used = Set(await use.ids().compactMap { Digest($0) })
        do {
            let removed = try await parts.machine.removeImage(name, force: force, inUse: used)
                .map(RemovedImageName.init)
            for each in removed { tellImage(each.action, each.name) }
            return removed
        } catch let error as ImageError {
            throw Self.failure(error)
        }
    }

    nonisolated func tellImage(_ action: String, _ name: String) {
        parts.inventory.events.publish(
            EngineEvent(.image, action, id: name, attributes: ["name": name], time: parts.machine.now()))
    }

    /// Fetches an image and reports each layer; the stream ends with `complete` or `failed`.
    package func pullLayers(_ request: PullRequest) throws -> AsyncStream<PullEvent> {
        let reference = try Reference(request.reference)
        let platform = try Platform.named(request.platform)
        return AsyncStream(bufferingPolicy: .bufferingNewest(4096)) { continuation in
            let task = Task {
                do {
                    let pulled = try await parts.machine.pullLayers(
                        reference, platform: platform, logins: request.logins
                    ) { progress in
                        if let event = PullEvent(progress) { continuation.yield(event) }
                    }
                    tellImage("pull", reference.familiar)
                    continuation.yield(
                        .complete(digest: pulled.repositoryDigest.map { "\($0)" }, isNew: pulled.isNew))
                } catch let error as ImageError {
                    continuation.yield(.failed(Self.failure(error)))
                } catch {
                    continuation.yield(.failed(EngineFailure(describing: error)))
                }
                continuation.finish()
            }
            // The client has gone. The pull continues if somebody else waits for it.
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

/// What happened to a name, or to an image that lost its last name.
package struct RemovedImageName: Hashable, Sendable {
    /// `untag` or `delete`.
    package var action: String
    package var name: String

    init(_ removed: RemovedImage) {
        switch removed {
        case .untagged(let reference): (action, name) = ("untag", reference.familiar)
        case .deleted(let id): (action, name) = ("delete", "\(id)")
        }
    }
}

extension ImageDetails {
    fileprivate mutating func take(_ tagged: TaggedImage) {
        if tagged.reference.digest == nil { names.append(tagged.reference.familiar) }
        if let digest = tagged.repositoryDigest {
            let text = "\(tagged.reference.familiarName)@\(digest)"
            if !repositoryDigests.contains(text) { repositoryDigests.append(text) }
        }
        updated = max(updated ?? 0, tagged.updated)
    }
}

extension PullEvent {
    fileprivate init?(_ progress: PullProgress) {
        func short(_ digest: Digest) -> String { String(digest.hex.prefix(12)) }
        switch progress {
        case .layers(let layers): self = .layers(layers.map { (short($0.digest), $0.size) })
        case .present(let digest): self = .present(short(digest))
        case .transferred(let digest, let done, let total):
            self = .transferred(short(digest), done: done, total: total)
        case .complete: return nil
        }
    }
}

extension ImageConfig {
    /// Its layers and its history begin with those of `base`, and more follows. Two images that differ only in their settings can have
    /// the same layers, so the layers alone do not tell.
    fileprivate func isBuilt(on base: ImageConfig) -> Bool {
        let layers = base.rootfs.diffIDs
        let steps = base.history ?? []
        guard !layers.isEmpty, rootfs.diffIDs.starts(with: layers), (history ?? []).starts(with: steps) else {
            return false
        }
        return rootfs.diffIDs.count > layers.count || (history ?? []).count > steps.count
    }
}
