import Glibc
import Linux
import OCI

/// The result of `remove`.
package enum RemovedImage: Codable, Hashable, Sendable, CustomStringConvertible {
    case untagged(Reference)
    /// The image was removed, with all blobs and layers that no other image uses.
    case deleted(Digest)

    package var description: String {
        switch self {
        case .untagged(let reference): "Untagged: \(reference)"
        case .deleted(let id): "Deleted: \(id)"
        }
    }
}

extension ImageStore {
    /// Removes a name, and the image if that was its last name; or an image by its ID with all its names.
    ///
    /// `inUse` are the IDs of images that containers use. Such an image is not removed: without `force` that is an
    /// error; with `force` it loses its names and stays until nobody needs it. An ID needs `force` too if
    /// the image has several tags, or names of several repositories.
    package func remove(_ name: String, force: Bool = false, inUse: Set<Digest> = []) async throws -> [RemovedImage] {
        guard let image = try resolve(name) else { throw ImageError.notFound(name) }
        let names = catalog.names(of: image.id)
        var doomed = names
        if let reference = try? Reference(name), catalog.tags[reference.stored]?.image == image.id {
            doomed = [reference.stored]
        } else if !force, names.filter({ $0.digest == nil }).count > 1 || Set(names.map(\.familiarName)).count > 1 {
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

    /// Removes unneeded data: images that lost their last name and are not in `keeping`, blobs and layers that no image
    /// uses, and downloads that were interrupted more than an hour ago.
    ///
    /// Safe at any time: everything that a running operation holds stays. An image loaded without a name also stays
    /// until it is removed or pruned, because somebody is about to name it.
    @discardableResult
    package func collectGarbage(keeping: Set<Digest>) async throws -> Collected {
        try await remove(
            untagged().map(\.id).filter { !keeping.contains($0) && !catalog.isUnnamed($0) },
            partialsBefore: .seconds(3600))
    }

    /// Keeps images that have lost their last name until somebody names, removes or prunes them.
    package func keep(_ images: Set<Digest>) throws {
        for image in images where catalog.images[image] != nil { try catalog.keepUnnamed(image) }
    }

    /// Removes images that are not in `keeping` and that `isWanted` selects, those without a name or all, with
    /// everything that only they use, and every interrupted download.
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

    /// Removes blobs and snapshots that no image uses and no running operation holds.
    /// - Returns: How many bytes this freed.
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
        // Set before the first await, so that whoever takes a lease now waits for the collection and finds what is
        // left. The task itself clears it: waiting for a finished task does not suspend, so a caller that still saw it
        // would loop forever.
        let work = Task {
            await pool.runInfallible { [content, snapshots] in
                for path in blobs { unlink(path) }
                for digest in dead { content.forgetCompressedForm(of: digest) }
                for layer in layers { try? snapshots.discard(layer.hex) }  // the next sweep tries again
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

/// The result of a collection.
package struct Collected: Sendable {
    /// For each image, its names come first.
    package var images: [RemovedImage] = []
    /// The size of blobs, unpacked layers and interrupted downloads in bytes.
    package var bytes: Int64 = 0

    package init() {}
}

/// The size of the file at `path`; nil when it is gone.
private func regularFileSize(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
}
