import Glibc
import Linux
import OCI
import Synchronization

/// An image loaded from an archive.
package struct LoadedImage: Hashable, Sendable {
    package let image: Image
    /// Its names; empty when the archive names none.
    package let references: [Reference]

    package init(image: Image, references: [Reference]) {
        self.image = image
        self.references = references
    }
}

/// The progress of a load or an import.
package enum ImportStep: Hashable, Sendable {
    /// The images in the archive; an image without a name is given by its ID.
    case found([String])
    /// How many bytes of an image's compressed layers, or of an imported archive, are unpacked.
    case unpacking(String, done: Int64, total: Int64)
    /// The image is complete.
    case complete(String)
}

extension ImageStore {
    /// Loads the images of an archive from `docker save`, podman, skopeo or BuildKit: docker-archive or OCI layout,
    /// plain or compressed. Checks digests and diff IDs. Of several platforms it takes the requested one.
    ///
    /// `progress` may be called from any thread.
    package func load(
        from input: ImageInput, platform: Platform? = nil, progress: @escaping @Sendable (ImportStep) -> Void = { _ in }
    ) async throws -> [LoadedImage] {
        try await withLease { lease in
            let folder = content.temporaryPath()
            return try await removing(folder) {
                let files = try await read(input, to: folder)
                let images = try await pool.run { try files.images(for: platform ?? .host) }
                progress(.found(images.map(\.title)))
                var loaded: [LoadedImage] = []
                for image in images {
                    loaded.append(try await add(image, lease, progress))
                    progress(.complete(image.title))
                }
                return loaded
            }
        }
    }

    private func read(_ input: ImageInput, to folder: String) async throws -> ArchiveFiles {
        switch input {
        case .descriptor(let descriptor):
            let copy = OwnedFD(
                owning: try syscall("fcntl(F_DUPFD_CLOEXEC)", on: "the archive") {
                    fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
                })
            return try await read(OpenFolder(copy), to: folder)
        case .stream:
            let path = content.temporaryPath()
            return try await removing(path) {
                let spooled = try await SpooledArchive.spool(input, to: path, on: pool)
                let archive = try await pool.run { OpenFolder(try openFile(spooled.path, O_RDONLY)) }
                return try await read(archive, to: folder)
            }
        }
    }

    private func read(_ archive: OpenFolder, to folder: String) async throws -> ArchiveFiles {
        let entries = try await unpacker.split(archive, into: folder, on: pool)
        return try await pool.run { try ArchiveFiles(entries, in: folder) }
    }

    private func add(
        _ new: ArchiveImage, _ lease: Int, _ progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> LoadedImage {
        let diffIDs = new.config.rootfs.diffIDs
        guard diffIDs.count == new.files.count else {
            throw ImageError.invalidImage("it has \(new.files.count) layers, its configuration \(diffIDs.count)")
        }
        let sum = LayerSum(new.manifest.layers) { progress(.unpacking(new.title, done: $0, total: $1)) }
        let plan = LayerPlan(layers: new.manifest.layers, diffIDs: diffIDs, progress: sum.report)
        await hold(plan.layers.map(\.digest) + plan.chainIDs, in: lease)
        await hold([new.manifest.config.digest, digest(of: new.manifestBytes)], in: lease)
        for (index, file) in new.files.enumerated() where !content.has(plan.layers[index]) {
            // Unpacking checks the file; if it is not unpacked again, check it here.
            if snapshots.has(plan.chainIDs[index]) { try await check(file.path, file.digest, index, of: plan) }
            try await pool.run { [content] in try content.adopt(file.path, as: file.digest) }
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

extension ImageStore {
    /// - Throws: unless the file at `path` with the digest `own` is, after decompression, layer `index` of the plan.
    func check(_ path: String, _ own: Digest, _ index: Int, of plan: LayerPlan) async throws {
        let wanted = plan.diffIDs[index]
        guard own != wanted else { return }  // it is not compressed
        let actual = try await unpacker.bareDigest(of: path, seeing: snapshots.emptyLayerPath, on: pool)
        guard actual == wanted else {
            throw ImageError.digestMismatch(
                what: "layer \(index + 1), unpacked,", expected: wanted, actual: actual)
        }
    }
}

extension ArchiveImage {
    /// Its name for a person.
    var title: String { references.first?.familiar ?? manifest.config.digest.short }
}

/// Adds up the progress of an image's layers.
private final class LayerSum: Sendable {
    private let done: Mutex<[Int64]>
    private let total: Int64
    private let tell: ByteProgress

    init(_ layers: [Descriptor], _ tell: @escaping ByteProgress) {
        done = Mutex(Array(repeating: 0, count: layers.count))
        total = layers.reduce(0) { $0 + $1.size }
        self.tell = tell
    }

    // Guards the sums: several layers are unpacked at a time.
    @Sendable func report(_ index: Int, _ bytes: Int64) {
        let sum = done.withLock { done in
            done[index] = bytes
            return done.reduce(0, +)
        }
        tell(sum, total)
    }
}
