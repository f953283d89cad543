import Glibc
import JSON
import Linux
import OCI

extension ImageStore {
    /// Creates an image from `base` with the changes in the folder `upper` on top. Does not change the folder, which
    /// may be in use.
    ///
    /// `mountPoints` are paths that the runtime may have created for its mounts. `changes` are Dockerfile instructions.
    /// - Throws: `ImageError.invalidChange` before anything is packed.
    package func commit(
        upper: String, above base: Image, mountPoints: [String], as execution: ImageConfig.Execution,
        changes: [String], author: String?, message: String?, command: String, reference: Reference?
    ) async throws -> Image {
        var execution = execution
        for change in changes { try ImageChange.apply(change, to: &execution) }
        let lease = beginLease()
        do {
            var layers = try await layers(of: base, in: lease)
            let new = try await copyLayer(upper, above: layers, mountPoints, of: base, in: lease)
            if let new { layers.append(new) }
            var config = base.config
            config.config = execution
            config.created = timestamp()
            config.author = author ?? config.author
            var step = ImageConfig.History(
                created: config.created, createdBy: command, comment: message, emptyLayer: new == nil ? true : nil)
            step.author = author
            config.history = (config.history ?? []) + [step]
            let image = try await store(layers, config, names: reference.map { [$0] } ?? [], in: lease)
            await end(lease)
            return image
        } catch {
            await end(lease)
            throw error
        }
    }

    /// nil when it is empty.
    private func copyLayer(
        _ upper: String, above below: [BuiltLayer], _ mountPoints: [String], of base: Image, in lease: BuildLease
    ) async throws -> BuiltLayer? {
        let lower = folders(of: below)
        let list = try await pool.run {
            let folder = try UpperFolder(upper)
            return PackingList(
                opaque: try folder.contents().opaque, omitted: try folder.mountPoints(mountPoints, above: lower))
        }
        let path = content.temporaryPath()
        do {
            let (packed, digest, bytes) = try await pack(upper, list, to: path)
            guard packed.entries > 0 else {
                await pool.runInfallible { _ = unlink(path) }
                return nil
            }
            let blob = Descriptor(mediaType: MediaType.layer, digest: digest, size: bytes)
            let plan = LayerPlan(layers: base.layers + [blob], diffIDs: base.config.rootfs.diffIDs + [digest])
            await hold(plan.chainIDs + [digest], in: lease.number)
            try await pool.run { [content, root] in
                try explainingFullDisk(root) { try content.adopt(path, as: digest) }
            }
            _ = try await unpack(plan)
            return BuiltLayer(diffID: digest, blob: blob, size: packed.size)
        } catch {
            await pool.runInfallible { _ = unlink(path) }
            if let error = error as? SyscallError, error.isFullDisk { throw ImageError.noSpace(root) }
            throw error
        }
    }
}
