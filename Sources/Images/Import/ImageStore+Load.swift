import Glibc
import Linux
import OCI

/// An image that an archive brought.
package struct LoadedImage: Hashable, Sendable {
    package let image: Image
    /// The names it has now; none when the archive names none.
    package let references: [Reference]
}

extension ImageStore {
    /// Loads the images of an archive that `docker save`, podman, skopeo or BuildKit wrote: docker-archive or OCI layout,
    /// plain or compressed. Digests and diff IDs are checked; of several platforms it takes the one asked for.
    package func load(from input: ImageInput, platform: Platform? = nil) async throws -> [LoadedImage] {
        try await withLease { lease in
            let folder = content.temporaryPath()
            return try await removing(folder) {
                let files = try await read(input, to: folder)
                let images = try await pool.run { try files.images(for: platform ?? .host) }
                var loaded: [LoadedImage] = []
                for image in images { loaded.append(try await add(image, lease)) }
                return loaded
            }
        }
    }

    private func read(_ input: ImageInput, to folder: String) async throws -> ArchiveFiles {
        let limits = unpacker.limits
        switch input {
        case .descriptor(let descriptor):
            return try await pool.run { try ArchiveFiles.read(descriptor, to: folder, limits: limits) }
        case .stream:
            let path = content.temporaryPath()
            return try await removing(path) {
                let archive = try await SpooledArchive.spool(input, to: path, on: pool)
                return try await pool.run {
                    let file = try openFile(archive.path, O_RDONLY)
                    return try ArchiveFiles.read(file.raw, to: folder, limits: limits)
                }
            }
        }
    }

    private func add(_ new: ArchiveImage, _ lease: Int) async throws -> LoadedImage {
        let diffIDs = new.config.rootfs.diffIDs
        guard diffIDs.count == new.files.count else {
            throw ImageError.invalidImage("it has \(new.files.count) layers, its configuration \(diffIDs.count)")
        }
        let plan = LayerPlan(layers: new.manifest.layers, diffIDs: diffIDs)
        await hold(plan.layers.map(\.digest) + plan.chainIDs, in: lease)
        await hold([new.manifest.config.digest, digest(of: new.manifestBytes)], in: lease)
        for (index, file) in new.files.enumerated() where !content.has(plan.layers[index]) {
            let isUnpacked = snapshots.has(plan.chainIDs[index])
            try await pool.run { [content] in
                // Unpacking checks it; what is not unpacked again is checked here.
                if isUnpacked { try checkDiffID(of: file.path, diffIDs[index], layer: index + 1) }
                try content.adopt(file.path, as: file.digest)
            }
        }
        _ = try await unpack(plan)
        let image = try record(
            config: new.config, configBytes: new.configBytes, manifest: new.manifest,
            manifestBytes: new.manifestBytes, mediaType: new.mediaType, size: size(ofLayers: plan.chainIDs))
        for reference in new.references { try name(image, reference, repositoryDigest: nil) }
        if new.references.isEmpty { try explainingFullDisk(root) { try catalog.keepUnnamed(image.id) } }
        return LoadedImage(image: image, references: new.references)
    }
}

/// - Throws: unless the file, decompressed, has the digest `diffID`.
func checkDiffID(of path: String, _ diffID: Digest, layer: Int) throws {
    let file = try openFile(path, O_RDONLY)
    let actual = try DecompressedStream(file.raw, limit: UnpackLimits().bytes).finish()
    guard let actual, actual == diffID else {
        throw ImageError.digestMismatch(
            what: "layer \(layer), unpacked,", expected: diffID, actual: actual ?? diffID)
    }
}
