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

    /// Removes every image without a name that is not among `keeping`, and blobs and layers that no image has.
    /// - Returns: the images that went.
    @discardableResult
    package func collectGarbage(keeping: Set<Digest>) async throws -> [Digest] {
        let doomed = untagged().map(\.id).filter { !keeping.contains($0) && !isLeased($0) }
        for image in doomed { try catalog.drop(image) }
        if pulls.isEmpty { try content.removePartials() }
        try await sweep()
        return doomed
    }

    private func isLeased(_ digest: Digest) -> Bool { leases.values.contains { $0.contains(digest) } }

    /// Removes blobs and snapshots that no image has and no running operation holds.
    func sweep() async throws {
        while let collection { await collection.value }
        var live: Set<Digest> = []
        for image in catalog.images.values {
            live.formUnion([image.id, image.manifestDigest])
            live.formUnion(image.layers.map(\.digest))
            live.formUnion(image.chainIDs)
        }
        live.formUnion(catalog.tags.values.compactMap(\.repositoryDigest))
        for lease in leases.values { live.formUnion(lease) }
        let blobs = try content.blobs().filter { !live.contains($0) }.map(content.path)
        let layers = try snapshots.chainIDs().filter { !live.contains($0) }
        guard !blobs.isEmpty || !layers.isEmpty else { return }
        // Set before the first wait: whoever takes a lease now waits for it and finds what is left.
        let work = Task { [pool, snapshots] in
            await pool.runInfallible {
                for path in blobs { unlink(path) }
                for layer in layers { try? snapshots.discard(layer.hex) }  // what fails is tried at the next sweep
            }
        }
        collection = work
        await work.value
        collection = nil
        try await pool.run { [snapshots] in
            for path in try snapshots.leftovers(prefixes: [".gone-"]) { try removeTree(path) }
        }
    }
}
