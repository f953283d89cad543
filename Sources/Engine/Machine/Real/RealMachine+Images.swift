import EngineWire
import Images
import Linux
import OCI

extension RealMachine {
    package func image(_ reference: String) async throws -> MachineImage? {
        guard let (image, updated) = try await images.resolveWithAge(reference) else { return nil }
        return MachineImage(
            id: "\(image.id)", config: image.config.config ?? .init(),
            platform: image.platform.normalized.text,
            updated: updated)
    }

    package func removeImage(_ reference: String, inUse: Set<String>) async throws -> ImageRemoval {
        do {
            _ = try await images.remove(reference, inUse: Set(inUse.compactMap { Digest($0) }))
            return .removed
        } catch ImageError.inUse {
            return .inUse
        } catch ImageError.notFound {
            return .missing
        }
    }

    package func check(user: String, groups: [String], in image: MachineImage) async throws {
        guard let stored = try await images.resolve(image.id) else { return }
        let lower = try await images.snapshot(for: stored).lower
        try await blocking.run {
            do {
                _ = try lookUpUser(user, groups: groups, in: lower)
            } catch let error as UserLookupError {
                throw EngineFailure(
                    code: .invalid, message: error.description,
                    hint: "a numeric id needs no entry in the image")
            }
        }
    }

    // MARK: The store

    package func storedImages() async throws -> StoredImages {
        StoredImages(named: await images.list(), nameless: await images.untagged())
    }

    package func keepImages(_ ids: Set<Digest>) async throws { try await images.keep(ids) }

    package func storedImage(_ name: String) async throws -> Image? { try await images.resolve(name) }

    package func importImage(
        _ request: ImportRequest, from archive: borrowing OwnedFD,
        progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> Image {
        try await images.importArchive(
            from: .descriptor(archive.raw), reference: Reference(request.reference),
            changes: request.changes,
            message: request.message, platform: Platform.named(request.platform), progress: progress)
    }

    package func loadImages(
        from archive: borrowing OwnedFD, progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> [LoadedImage] {
        try await images.load(from: .descriptor(archive.raw), progress: progress)
    }

    package func saveImages(_ names: [String], to sink: CInt) async throws {
        let sink = HeldDescriptor(OwnedFD(owning: sink))
        try await images.save(names, to: sink.handle.raw)
        withExtendedLifetime(sink) {}
    }

    package func tagImage(_ source: String, as target: Reference) async throws {
        try await images.tag(source, as: target)
    }

    package func removeImage(_ name: String, force: Bool, inUse: Set<Digest>) async throws
        -> [RemovedImage]
    {
        try await images.remove(name, force: force, inUse: inUse)
    }

    package func collectImages(keeping: Set<Digest>) async throws -> Collected {
        try await images.collectGarbage(keeping: keeping)
    }

    package func pruneImages(
        includingNamed: Bool, keeping: Set<Digest>, where isWanted: @escaping @Sendable (Image) -> Bool
    ) async throws -> Collected {
        try await images.prune(includingNamed: includingNamed, keeping: keeping, where: isWanted)
    }
}
