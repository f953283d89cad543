import Glibc
import JSON
import Linux
import OCI

/// A layer of an image being built: in the content store, and unpacked.
package struct BuiltLayer: Codable, Hashable, Sendable {
    package var diffID: Digest
    package var blob: Descriptor
    /// The size of its files in bytes.
    package var size: Int64

    package init(diffID: Digest, blob: Descriptor, size: Int64) {
        self.diffID = diffID
        self.blob = blob
        self.size = size
    }
}

extension [BuiltLayer] {
    /// The name of their combined state (image-spec, config.md, ChainID); `empty` without layers.
    package var state: String { chain(of: map(\.diffID)).last.map { "\($0)" } ?? "empty" }
}

/// Protects what a running build needs, until the build ends.
package struct BuildLease: Hashable, Sendable { let number: Int }

extension ImageStore {
    package func beginLease() -> BuildLease {
        lastLease += 1
        leases[lastLease] = []
        return BuildLease(number: lastLease)
    }

    /// Ends a lease whose builds have leases of their own: their ends collect what is left.
    package func drop(_ lease: BuildLease) { leases[lease.number] = nil }

    package func end(_ lease: BuildLease) async {
        drop(lease)
        _ = try? await sweep()  // removes what it left behind; otherwise the next sweep does
    }

    /// Protects what the build cache holds: these blobs, and the unpacked states of these layers.
    package func retain(_ layers: [[BuiltLayer]]) {
        retained = []
        for stack in layers { retained.formUnion(Self.digests(of: stack)) }
    }

    /// Protects `layers` for the time of a build.
    /// - Returns: false when one of them no longer exists.
    package func hold(_ layers: [BuiltLayer], in lease: BuildLease) async -> Bool {
        await hold(Self.digests(of: layers), in: lease.number)
        return chain(of: layers.map(\.diffID)).allSatisfy(snapshots.has) && layers.allSatisfy { content.has($0.blob) }
    }

    private static func digests(of layers: [BuiltLayer]) -> Set<Digest> {
        Set(layers.map(\.blob.digest)).union(chain(of: layers.map(\.diffID)))
    }

    /// The layers of an image, base first; unpacked when this returns.
    package func layers(of image: Image, in lease: BuildLease) async throws -> [BuiltLayer] {
        await hold(image.layers.map(\.digest) + image.chainIDs + [image.id, image.manifestDigest], in: lease.number)
        _ = try await snapshot(for: image)
        return try zip(zip(image.layers, image.config.rootfs.diffIDs), image.chainIDs).map { layer, chainID in
            BuiltLayer(diffID: layer.1, blob: layer.0, size: try snapshots.record(chainID)?.size ?? 0)
        }
    }

    /// The folders of `layers`, top first; empty for no layers.
    package func folders(of layers: [BuiltLayer]) -> [String] {
        chain(of: layers.map(\.diffID)).reversed().map(snapshots.layerPath)
    }

    /// The lowest folder for overlayfs when there are no layers.
    package var emptyFolder: String { snapshots.emptyLayerPath }

    /// Turns the changes in the folder `upper` into a layer on top of `below`, and removes `upper`.
    ///
    /// `mountPoints` are paths that the runtime may have created for its mounts. With `epoch` no file is newer than
    /// that.
    /// - Returns: nil when nothing was changed.
    package func commitLayer(
        upper: String, above below: [BuiltLayer], mountPoints: [String] = [], epoch: Int64? = nil, in lease: BuildLease
    ) async throws -> BuiltLayer? {
        let lower = folders(of: below)
        let contents = try await pool.run {
            let folder = try UpperFolder(upper)
            try folder.removeMountPoints(mountPoints, above: lower)
            return try folder.contents(epoch: epoch)
        }
        guard !contents.isEmpty else {
            try await pool.run { try removeTree(upper) }
            return nil
        }
        let path = content.temporaryPath()
        do {
            let (packed, digest, bytes) = try await pack(
                upper, PackingList(opaque: contents.opaque), to: path)
            let chainID = chain(of: below.map(\.diffID) + [digest]).last ?? digest
            await hold([digest, chainID], in: lease.number)
            try await pool.run { [content, snapshots, root] in
                try explainingFullDisk(root) {
                    try content.adopt(path, as: digest)
                    if snapshots.has(chainID) { return try removeTree(upper) }
                    let pending = try snapshots.makePending()
                    let target = "\(pending)/fs"
                    try syscall("rename", on: target) { rename(upper, target) }
                    let layer = UnpackedLayer(
                        diffID: digest, size: packed.size, implicitFolders: [], missingLinks: [], opaqueFolders: [])
                    try snapshots.commit(pending, layer, as: chainID, above: lower)
                }
            }
            let blob = Descriptor(mediaType: MediaType.layer, digest: digest, size: bytes)
            return BuiltLayer(diffID: digest, blob: blob, size: packed.size)
        } catch {
            await pool.runInfallible { _ = unlink(path) }
            if let error = error as? SyscallError, error.isFullDisk { throw ImageError.noSpace(root) }
            throw error
        }
    }

    func pack(
        _ upper: String, _ contents: PackingList, to path: String
    ) async throws -> (PackedLayer, Digest, Int64) {
        let worker = unpacker.worker
        let list = content.temporaryPath()
        return try await pool.run {
            defer { unlink(list) }
            try writeFileAtomically(list, encodeJSON(contents))
            let sink = try BlobSink(path)
            var pipe = try DescriptorPair.pipe()
            let source = pipe.takeFirst()
            let packing = try PackingThread(worker, upper, list, pipe.takeSecond())
            let failure = Result { try drain(source, into: sink) }
            _ = consume source  // ends a packer whose output nobody reads any more
            let packed = Result { try packing.result() }
            // If writing failed here, the packer only knows that nobody reads.
            try failure.get()
            return (try packed.get(), sink.finish(), sink.size)
        }
    }

    /// Unpacks the archive at `path` (tar, plain or compressed) into the empty folder at `folder`. Blocks: run it on a
    /// `BlockingPool`.
    package nonisolated func unpackArchive(_ path: String, into folder: String) throws {
        let archive = try openFile(path, O_RDONLY)
        let root = try openFile(folder, O_RDONLY | O_DIRECTORY)
        let task = WorkerTask.unpack(UnpackLimits())
        switch unpacker.worker {
        case .inProcess: _ = try task.perform(archive.raw, into: root)
        case .process(let program): _ = try performInWorker(task, program, archive.raw, into: root, at: folder)
        }
    }

    /// Unpacks a build context from the beginning of `archive` (tar, plain or compressed) into the empty folder at
    /// `folder`. Blocks until it is done, or `leash` is cut: run it on a `BlockingPool`.
    package nonisolated func unpackContext(
        _ archive: borrowing OwnedFD, into folder: String, leash: WorkerLeash
    ) throws {
        var limits = UnpackLimits()
        limits.bytes = 64 << 30
        limits.entries = 1_000_000
        let task = WorkerTask.context(limits)
        try explainingFullDisk(folder) {
            let root = try openFile(folder, O_RDONLY | O_DIRECTORY)
            switch unpacker.worker {
            case .inProcess: _ = try task.perform(archive.raw, into: root)
            case .process(let program):
                _ = try performInWorker(task, program, archive.raw, into: root, at: folder, leash: leash)
            }
        }
    }

    /// Stores an image with `layers` and gives it `names`. Without names the image stays as well, unless it is needed
    /// only during the build.
    package func store(
        _ layers: [BuiltLayer], _ config: ImageConfig, names: [Reference], annotations: [String: String] = [:],
        isKept: Bool = true, in lease: BuildLease
    ) async throws -> Image {
        var config = config
        config.rootfs = .init(diffIDs: layers.map(\.diffID))
        let configBytes = try encodeJSON(config)
        var manifest = Manifest(
            config: Descriptor(
                mediaType: MediaType.config, digest: digest(of: configBytes), size: Int64(configBytes.count)),
            layers: layers.map(\.blob))
        if !annotations.isEmpty { manifest.annotations = annotations }
        let manifestBytes = try encodeJSON(manifest)
        await hold([manifest.config.digest, digest(of: manifestBytes)], in: lease.number)
        let image = try record(
            config: config, configBytes: configBytes, manifest: manifest, manifestBytes: manifestBytes,
            mediaType: MediaType.manifest, size: layers.reduce(0) { $0 + $1.size })
        guard isKept else { return image }
        for reference in names { try name(image, reference, repositoryDigest: nil, renews: true) }
        if names.isEmpty { try explainingFullDisk(root) { try catalog.keepUnnamed(image.id) } }
        return image
    }
}

/// Copies a pipe to its end.
private func drain(_ source: borrowing OwnedFD, into sink: BlobSink) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    while true {
        let count = try source.read(into: buffer)
        if count == 0 { return }
        try sink.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}
