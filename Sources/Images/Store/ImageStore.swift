import Glibc
import Linux
import OCI

/// Owns the images under one root folder: blobs, unpacked layers and names; nothing else writes there.
///
/// It writes everything under a temporary name and renames it when complete, so a crash leaves no partial image. An
/// open store holds a lock on its root. The actor has a thread of its own because its calls may wait for a disk.
package actor ImageStore {
    private nonisolated let executor = ThreadExecutor(name: "images")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let root: String
    let content: ContentStore
    let snapshots: SnapshotFolder
    let pool: BlockingPool
    let unpacker: Unpacker
    /// Processes data from outside.
    package nonisolated var worker: UnpackWorker { unpacker.worker }
    var catalog: ImageCatalog
    /// Digests of blobs and chain IDs that running operations need, before an image uses them.
    var leases: [Int: Set<Digest>] = [:]
    var lastLease = 0
    /// Digests of blobs and chain IDs that the build cache holds.
    var retained: Set<Digest> = []
    /// Layers being unpacked, by chain ID; later callers join.
    var layerTasks: [Digest: Task<[String], any Error>] = [:]
    /// Pulls in progress, and the blobs that they download.
    var pulls: [PullKey: SharedPull] = [:]
    var blobTasks: [Digest: Task<Void, any Error>] = [:]
    /// The collection of unneeded data, while it runs.
    var collection: Task<Void, Never>?

    /// Opens the store at `root`; creates it if there is none.
    ///
    /// `pool` runs everything that takes long; `unpackWorker` says where to unpack archives.
    package init(root: String, blockingOn pool: BlockingPool, unpackWorker: UnpackWorker = .inProcess) throws {
        self.root = root
        self.pool = pool
        content = try ContentStore(root: "\(root)/content")
        snapshots = try SnapshotFolder(root: "\(root)/snapshots")
        catalog = try ImageCatalog(root: "\(root)/images")
        unpacker = Unpacker(worker: unpackWorker, limits: UnpackLimits())
        let leftovers = try snapshots.leftovers(prefixes: [".new-", ".gone-"])
        if !leftovers.isEmpty {
            // Rename them first: the numbers of new work start again at one, and must not collide with these names.
            let doomed = try leftovers.enumerated().map { index, path in
                let target = "\(root)/snapshots/.gone-start-\(getpid())-\(index)"
                try syscall("rename", on: path) { rename(path, target) }
                return target
            }
            pool.submit { for path in doomed { try? removeTree(path) } }  // the next start tries again
        }
    }

    /// The image that `text` names: a reference, a digest, or the beginning of an ID; nil when there is none.
    /// - Throws: `ImageError.ambiguous` when several IDs begin like this.
    package func resolve(_ text: String) throws -> Image? {
        if let reference = try? Reference(text), let image = image(reference) { return image }
        let digits = text.hasPrefix("sha256:") ? text.dropFirst("sha256:".count) : text[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else { return nil }
        if let whole = Digest(algorithm: .sha256, hex: String(digits)) {
            return catalog.images[whole] ?? catalog.images.values.first { $0.manifestDigest == whole }
        }
        let matches = catalog.images.values.filter { $0.id.hex.hasPrefix(digits) }
        guard matches.count <= 1 else { throw ImageError.ambiguous(text, matches: matches.count) }
        return matches.first
    }

    /// The image with this name. With a digest the name is only a location: every image of the repository with the
    /// digest counts.
    package func image(_ reference: Reference) -> Image? {
        if let tag = catalog.tags[reference.stored] { return catalog.images[tag.image] }
        guard let digest = reference.digest else { return nil }
        let tag = catalog.tags.values.first { tag in
            tag.reference.domain == reference.domain && tag.reference.path == reference.path
                && (tag.repositoryDigest == digest || catalog.images[tag.image]?.manifestDigest == digest)
        }
        return tag.flatMap { catalog.images[$0.image] }
    }

    /// The image that `text` names, and when it got that name here, in seconds since 1970; nil if `text` is not a name.
    package func resolveWithAge(_ text: String) throws -> (image: Image, updated: Int64?)? {
        guard let image = try resolve(text) else { return nil }
        return (image, (try? Reference(text)).flatMap { catalog.tags[$0.stored] }?.updated)
    }

    /// All names with their images, sorted by name.
    package func list() -> [TaggedImage] {
        catalog.tags.values.compactMap { tag in
            catalog.images[tag.image].map {
                TaggedImage(
                    reference: tag.reference, image: $0, repositoryDigest: tag.repositoryDigest, updated: tag.updated)
            }
        }.sorted { $0.reference.canonical < $1.reference.canonical }
    }

    /// Images that lost their last name, by ID.
    package func untagged() -> [Image] {
        let named = Set(catalog.tags.values.map(\.image))
        return catalog.images.values.filter { !named.contains($0.id) }.sorted { $0.id.hex < $1.id.hex }
    }

    /// Gives the image that `source` names another name; another image with that name loses it.
    package func tag(_ source: String, as reference: Reference) throws {
        guard let image = try resolve(source) else { throw ImageError.notFound(source) }
        do throws(ReferenceError) { try reference.checkName() } catch { throw ImageError.failed("\(error)") }
        try name(image, reference, repositoryDigest: nil)
    }

    /// `renews`: a name that the image already has counts as given now.
    func name(_ image: Image, _ reference: Reference, repositoryDigest: Digest?, renews: Bool = false) throws {
        let now = Int64(time(nil))
        let tag = ImageCatalog.Tag(
            reference: reference.stored, image: image.id, repositoryDigest: repositoryDigest, updated: now)
        if !renews, let there = catalog.tags[reference.stored], there.image == image.id,
            there.repositoryDigest == repositoryDigest
        {
            return
        }
        try explainingFullDisk(root) { try catalog.tag(tag) }
    }

    /// Stores configuration and manifest of an image whose layers are in the store.
    func record(
        config: ImageConfig, configBytes: [UInt8], manifest: Manifest, manifestBytes: [UInt8], mediaType: String,
        size: Int64
    ) throws -> Image {
        try explainingFullDisk(root) {
            _ = try content.put(configBytes, mediaType: manifest.config.mediaType)
            let descriptor = try content.put(manifestBytes, mediaType: mediaType)
            let image = try Image(manifest: descriptor, content: manifest, config: config, size: size)
            try catalog.add(image)
            return image
        }
    }

    // Leases protect what a running operation needs from collection.

    /// Runs an operation that adds data to the store; after a failure, removes added data that nobody else needs.
    func withLease<Result: Sendable>(_ body: (Int) async throws -> Result) async throws -> Result {
        lastLease += 1
        let lease = lastLease
        leases[lease] = []
        do {
            let result = try await body(lease)
            leases[lease] = nil
            return result
        } catch {
            leases[lease] = nil
            _ = try? await sweep()  // report only the first failure
            if let error = error as? SyscallError, error.isFullDisk {
                throw ImageError.noSpace(root)
            }
            throw error
        }
    }

    /// Removes what is at `paths` once `body` has ended, with or without success.
    func removing<Result: Sendable>(_ paths: String..., after body: () async throws -> Result) async throws -> Result {
        let remove: @Sendable () -> Void = {
            for path in paths { try? removeTree(path) }  // otherwise the next start removes it
        }
        do {
            let result = try await body()
            await pool.runInfallible(remove)
            return result
        } catch {
            await pool.runInfallible(remove)
            throw error
        }
    }

    /// Protects `digests`. Waits for a collection in progress, which may have decided to remove them.
    func hold(_ digests: some Sequence<Digest>, in lease: Int) async {
        while let collection { await collection.value }
        leases[lease]?.formUnion(digests)
    }
}

extension Reference {
    /// The form in which names are stored: if there is a digest, a tag beside it is ignored.
    var stored: Reference { digest.map { at($0) } ?? self }
}
