import Glibc
import Linux
import OCI

/// An image's unpacked layers, ready to be the lower folders of an overlayfs mount.
package struct Snapshot: Hashable, Sendable {
    /// Absolute paths, top first; never empty.
    package let lower: [String]
    /// A layer with the mount points of every container that the image lacks; nil when they must be made in the container's own
    /// layer.
    var mountPoints: String?

    /// What a container is mounted from, top first. It shows what `lower` shows, and the mount points.
    package var mounted: [String] { (mountPoints.map { [$0] } ?? []) + lower }
}

/// Layers to unpack, base first.
struct LayerPlan: Sendable {
    let layers: [Descriptor]
    let diffIDs: [Digest]
    let chainIDs: [Digest]
    /// Returns when the blob of the layer with this index is in the content store.
    let arrival: @Sendable (Int) async throws -> Void
    /// Gets the number of unpacked bytes of the layer with this index; may be called from any thread.
    let progress: @Sendable (Int, Int64) -> Void

    init(
        layers: [Descriptor], diffIDs: [Digest], progress: @escaping @Sendable (Int, Int64) -> Void = { _, _ in },
        arrival: @escaping @Sendable (Int) async throws -> Void = { _ in }
    ) {
        self.progress = progress
        self.layers = layers
        self.diffIDs = diffIDs
        chainIDs = chain(of: diffIDs)
        self.arrival = arrival
    }
}

extension ImageStore {
    /// The unpacked layers of `image`; unpacks what is missing.
    package func snapshot(for image: Image) async throws -> Snapshot {
        guard !image.layers.isEmpty else { return Snapshot(lower: [snapshots.emptyLayerPath]) }
        let chainIDs = image.chainIDs
        if chainIDs.allSatisfy(snapshots.has) {
            return await withMountPoints(Snapshot(lower: chainIDs.reversed().map(snapshots.layerPath)), of: chainIDs)
        }
        return try await withLease { lease in
            await hold(chainIDs + image.layers.map(\.digest), in: lease)
            let plan = LayerPlan(layers: image.layers, diffIDs: image.config.rootfs.diffIDs)
            return await withMountPoints(try await unpack(plan), of: chainIDs)
        }
    }

    private func withMountPoints(_ snapshot: Snapshot, of chainIDs: [Digest]) async -> Snapshot {
        guard let top = chainIDs.last else { return snapshot }
        var snapshot = snapshot
        if let path = snapshots.mountPoints(of: top) {
            snapshot.mountPoints = path
        } else {
            let lower = snapshot.lower
            // Without this layer each container makes its own mount points, and reports what is wrong with the disk.
            snapshot.mountPoints = try? await pool.run { [snapshots] in
                try snapshots.makeMountPoints(of: top, above: lower)
            }
        }
        return snapshot
    }

    /// Unpacks the layers concurrently; each is completed on top of the one below it.
    func unpack(_ plan: LayerPlan) async throws -> Snapshot {
        guard !plan.layers.isEmpty else { return Snapshot(lower: [snapshots.emptyLayerPath]) }
        for _ in 0..<10 {
            // Another caller that shared a layer was cancelled and ended the work, so start again alone.
            do { return try await unpackShared(plan) } catch is CancellationError where !Task.isCancelled {}
        }
        return try await unpackShared(plan)
    }

    private func unpackShared(_ plan: LayerPlan) async throws -> Snapshot {
        let tasks = plan.chainIDs.indices.map { layerTask($0, plan) }
        var failure: (any Error)?
        for (chainID, task) in zip(plan.chainIDs, tasks) {
            do {
                _ = try await withTaskCancellationHandler {
                    try await task.value
                } onCancel: {
                    task.cancel()
                }
            } catch {
                failure = failure ?? error
                for task in tasks { task.cancel() }
            }
            if layerTasks[chainID] == task { layerTasks[chainID] = nil }
        }
        if let failure { throw failure }
        return Snapshot(lower: plan.chainIDs.reversed().map(snapshots.layerPath))
    }

    /// The size of the files of these layers, once they are unpacked.
    func size(ofLayers chainIDs: [Digest]) throws -> Int64 {
        try chainIDs.reduce(0) { try $0 + (snapshots.record($1)?.size ?? 0) }
    }

    /// The task that ends with layer `index` unpacked; its value is that layer and those below it, top first.
    private func layerTask(_ index: Int, _ plan: LayerPlan) -> Task<[String], any Error> {
        let chainID = plan.chainIDs[index]
        if let task = layerTasks[chainID] { return task }
        let below = index > 0 ? layerTask(index - 1, plan) : nil
        let isThere = snapshots.has(chainID)
        let task = Task { [snapshots, pool, unpacker, root, path = content.path(plan.layers[index].digest)] in
            guard !isThere else { return [snapshots.layerPath(chainID)] + (try await below?.value ?? []) }
            try await plan.arrival(index)
            let pending = try await unpacker.unpack(path, in: snapshots, on: pool) { done, _ in
                plan.progress(index, done)
            }
            plan.progress(index, plan.layers[index].size)
            do {
                guard pending.layer.diffID == plan.diffIDs[index] else {
                    throw ImageError.digestMismatch(
                        what: "layer \(index + 1), unpacked,", expected: plan.diffIDs[index],
                        actual: pending.layer.diffID)
                }
                let lower = try await below?.value ?? []
                try Task.checkCancellation()
                return try await pool.run {
                    try explainingFullDisk(root) {
                        try snapshots.commit(pending.path, pending.layer, as: chainID, above: lower)
                    }
                    return [snapshots.layerPath(chainID)] + lower
                }
            } catch {
                try? await pool.run { try removeTree(pending.path) }  // otherwise the next start removes it
                throw error
            }
        }
        layerTasks[chainID] = task
        return task
    }
}
