import Glibc
import Linux
import OCI

/// What `remove` did.
package enum RemovedImage: Codable, Hashable, Sendable, CustomStringConvertible {
    case untagged(Reference)
    /// The image is gone, with its blobs and layers as far as no other image has them.
    case deleted(Digest)

    package var description: String {
        switch self {
        case .untagged(let reference): "Untagged: \(reference)"
        case .deleted(let id): "Deleted: \(id)"
        }
    }
}

extension ImageStore {
    /// Takes a name away, and the image with it when that was the last; or an image by its ID with all its names.
    ///
    /// `inUse` are the IDs of images that containers have. Such an image is not removed: without `force` that is an
    /// error, with it the names go and the image stays until nobody needs it. An ID with several names needs `force` too.
    package func remove(_ name: String, force: Bool = false, inUse: Set<Digest> = []) async throws -> [RemovedImage] {
        guard let image = try resolve(name) else { throw ImageError.notFound(name) }
        let names = catalog.names(of: image.id)
        var doomed = names
        if let reference = try? Reference(name), catalog.tags[reference.stored]?.image == image.id {
            doomed = [reference.stored]
        } else if names.count > 1 && !force {
            let list = names.map(\.familiar).joined(separator: ", ")
            throw ImageError.inUse(name, reason: "it has several names (\(list)); remove them, or force it")
        }
        let isLast = doomed.count == names.count
        if isLast && inUse.contains(image.id) && !force {
            throw ImageError.inUse(name, reason: "a container uses it; remove the container first")
        }
        for reference in doomed { try catalog.untag(reference) }
        var removed = doomed.map(RemovedImage.untagged)
        if isLast && !inUse.contains(image.id) {
            try catalog.drop(image.id)
            removed.append(.deleted(image.id))
            try await sweep()
        }
        return removed
    }

    /// Removes what nobody needs any more: images that lost their last name and are not among `keeping`, blobs and layers that
    /// no image has, and downloads that broke off more than an hour ago.
    ///
    /// Safe at any time: what a running operation holds stays. An image that was loaded without a name stays, too, until it
    /// is removed or pruned: somebody is about to name it.
    @discardableResult
    package func collectGarbage(keeping: Set<Digest>) async throws -> Collected {
        try await remove(
            untagged().map(\.id).filter { !keeping.contains($0) && !catalog.isUnnamed($0) },
            partialsBefore: .seconds(3600))
    }

    /// Removes images that are not among `keeping`, the nameless ones or all, as far as `isWanted` says, with what goes with
    /// them, and every download that broke off.
    package func prune(
        includingNamed: Bool, keeping: Set<Digest>, where isWanted: @Sendable (Image) -> Bool = { _ in true }
    ) async throws -> Collected {
        let doomed = catalog.images.values.filter { image in
            !keeping.contains(image.id) && (includingNamed || catalog.names(of: image.id).isEmpty) && isWanted(image)
        }
        return try await remove(doomed.map(\.id).sorted { $0.hex < $1.hex }, partialsBefore: .zero)
    }

    private func remove(_ images: [Digest], partialsBefore age: Duration) async throws -> Collected {
        var collected = Collected()
        for id in images where !isLeased(id) {
            for reference in catalog.names(of: id) {
                try catalog.untag(reference)
                collected.images.append(.untagged(reference))
            }
            try catalog.drop(id)
            collected.images.append(.deleted(id))
        }
        if pulls.isEmpty { collected.bytes += try content.removePartials(olderThan: age) }
        collected.bytes += try await sweep()
        return collected
    }

    private func isLeased(_ digest: Digest) -> Bool { leases.values.contains { $0.contains(digest) } }

    /// Removes blobs and snapshots that no image has and no running operation holds.
    /// - Returns: the bytes that this freed.
    @discardableResult
    func sweep() async throws -> Int64 {
        while let collection { await collection.value }
        var live: Set<Digest> = []
        for image in catalog.images.values {
            live.formUnion([image.id, image.manifestDigest])
            live.formUnion(image.layers.map(\.digest))
            live.formUnion(image.chainIDs)
        }
        live.formUnion(catalog.tags.values.compactMap(\.repositoryDigest))
        for lease in leases.values { live.formUnion(lease) }
        live.formUnion(retained)
        let dead = try content.blobs().filter { !live.contains($0) }
        let blobs = dead.map(content.path)
        let layers = try snapshots.chainIDs().filter { !live.contains($0) }
        guard !blobs.isEmpty || !layers.isEmpty else { return 0 }
        let sizes =
            blobs.compactMap(regularFileSize) + layers.compactMap { try? snapshots.record($0)?.size }.map { Int($0) }
        // Set before the first wait: whoever takes a lease now waits for it and finds what is left. The task itself takes the
        // collection away: waiting for a task that has ended does not suspend, so whoever still saw it would spin for ever.
        let work = Task {
            await pool.runInfallible { [content, snapshots] in
                for path in blobs { unlink(path) }
                for digest in dead { content.forgetCompressedForm(of: digest) }
                for layer in layers { try? snapshots.discard(layer.hex) }  // what fails is tried at the next sweep
            }
            collection = nil
        }
        collection = work
        await work.value
        try await pool.run { [snapshots] in
            for path in try snapshots.leftovers(prefixes: [".gone-"]) { try removeTree(path) }
        }
        return Int64(sizes.reduce(0, +))
    }
}

/// What a collection took away.
package struct Collected: Sendable {
    /// Names before the image that they were of.
    package var images: [RemovedImage] = []
    /// Bytes of blobs, unpacked layers and broken downloads.
    package var bytes: Int64 = 0

    package init() {}
}

/// The size of the file at `path`, of none when it is gone.
private func regularFileSize(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
}
