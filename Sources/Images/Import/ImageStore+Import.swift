import Glibc
import JSON
import Linux
import OCI

extension ImageStore {
    /// Creates an image with one layer from an archive of a root file system (tar, plain or gzip, zstd, xz, bzip2).
    ///
    /// `changes` are Dockerfile instructions that say how to run its containers; `message` goes into its history. An
    /// archive that was imported before is not unpacked again. `progress` may be called from any thread.
    /// - Throws: `ImageError.invalidChange` before it reads the archive.
    package func importArchive(
        from input: ImageInput, reference: Reference, changes: [String] = [], message: String? = nil,
        platform: Platform? = nil, progress: @escaping @Sendable (ImportStep) -> Void = { _ in }
    ) async throws -> Image {
        do throws(ReferenceError) { try reference.checkName() } catch { throw ImageError.failed("\(error)") }
        var execution = ImageConfig.Execution()
        for change in changes { try ImageChange.apply(change, to: &execution) }
        let (spooled, bare) = (content.temporaryPath(), content.temporaryPath())
        return try await withLease { lease in
            try await removing(spooled, bare) {
                let archive = try await spool(input, to: spooled, decompressedTo: bare)
                let layer = try await layer(of: archive, lease) {
                    progress(.unpacking(reference.familiar, done: $0, total: $1))
                }
                return try await record(
                    archive, size: layer.size, lease, as: reference,
                    describe(layer.diffID, execution, message, platform ?? .host))
            }
        }
    }

    /// Copies an archive into the store; decompresses it if its compression is not allowed for layers.
    private func spool(
        _ input: ImageInput, to path: String, decompressedTo bare: String
    ) async throws -> SpooledArchive {
        let archive = try await SpooledArchive.spool(input, to: path, on: pool)
        guard archive.size > 0 else { throw ImageError.invalidArchive("it is empty") }
        guard archive.compression == .xz || archive.compression == .bzip2 else { return archive }
        let file = try await pool.run { OpenFolder(try openFile(archive.path, O_RDONLY)) }
        try await unpacker.decompress(file, into: bare, on: pool)
        return try await pool.run { try SpooledArchive(at: "\(bare)/1") }
    }

    /// Unpacks an archive as the layer of an image, unless that layer exists already; adds the archive to the content
    /// store.
    private func layer(
        of archive: SpooledArchive, _ lease: Int, progress: @escaping ByteProgress
    ) async throws -> (diffID: Digest, size: Int64) {
        let known = catalog.diffID(ofBlob: archive.digest)
        await hold([archive.digest] + (known.map { [$0] } ?? []), in: lease)
        // Look it up after taking the lease; before, it could be removed.
        if let known, let record = try snapshots.record(known) {
            try await pool.run { [content] in try content.adopt(archive.path, as: archive.digest) }
            return (known, record.size)
        }
        let pending = try await unpacker.unpack(archive.path, in: snapshots, on: pool, progress: progress)
        let diffID = pending.layer.diffID
        await hold([diffID], in: lease)
        do {
            try await pool.run { [snapshots, content] in
                if !snapshots.has(diffID) {
                    try snapshots.commit(pending.path, pending.layer, as: diffID, above: [])
                } else {
                    try removeTree(pending.path)
                }
                try content.adopt(archive.path, as: archive.digest)
            }
            return (diffID, pending.layer.size)
        } catch {
            try? await pool.run { try removeTree(pending.path) }  // otherwise the next start removes it
            throw error
        }
    }

    private func record(
        _ archive: SpooledArchive, size: Int64, _ lease: Int, as reference: Reference, _ config: ImageConfig
    ) async throws -> Image {
        let configBytes = try encodeJSON(config)
        let mediaType =
            switch archive.compression {
            case .gzip: MediaType.layerGzip
            case .zstd: MediaType.layerZstd
            default: MediaType.layer
            }
        let manifest = Manifest(
            config: Descriptor(
                mediaType: MediaType.config, digest: digest(of: configBytes), size: Int64(configBytes.count)),
            layers: [Descriptor(mediaType: mediaType, digest: archive.digest, size: archive.size)])
        let manifestBytes = try encodeJSON(manifest)
        await hold([manifest.config.digest, digest(of: manifestBytes)], in: lease)
        let image = try record(
            config: config, configBytes: configBytes, manifest: manifest, manifestBytes: manifestBytes,
            mediaType: MediaType.manifest, size: size)
        try name(image, reference, repositoryDigest: nil)
        return image
    }

    private func describe(
        _ diffID: Digest, _ execution: ImageConfig.Execution, _ message: String?, _ platform: Platform
    ) -> ImageConfig {
        var config = ImageConfig(
            architecture: platform.architecture, os: platform.os, rootfs: .init(diffIDs: [diffID]))
        config.variant = platform.variant
        config.created = timestamp()
        config.config = execution
        config.history = [
            .init(created: config.created, createdBy: "berth image import", comment: message)
        ]
        return config
    }
}

/// The current time in RFC 3339, in UTC and with nanoseconds, so that images have an order.
func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
    let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
    let time = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
    return "\(date)T\(time).\(padded(now.tv_nsec, 9))Z"
}
