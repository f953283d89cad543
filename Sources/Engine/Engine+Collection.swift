import EngineWire
import Images
import Linux
import Logging
import OCI
import ProjectModel
import Reconcile

/// Removes images that nobody needs: by itself, and with `image prune`.
extension Engine {
    /// Runs after an operation has ended, when no other one is running: removes images that lost their name and that nobody needs.
    func collectImages(after moments: AsyncStream<Void>) async {
        for await _ in moments {
            // Handle several ends in a row as one, and do not let the next verb wait for the disk.
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            guard parts.operations.isEmpty else { continue }
            do {
                let collected = try await parts.machine.collectImages(keeping: await imagesInUse())
                guard !collected.images.isEmpty else { continue }
                parts.log.info(
                    "removed images that nothing needs",
                    metadata: ["images": "\(collected.images.count)", "bytes": "\(collected.bytes)"])
            } catch {
                parts.log.warning("the image store could not be tidied up: \(error)")
            }
        }
    }

    /// Images of containers, images that operations are about to use, and images that desired services name or are pinned to.
    func imagesInUse() async -> Set<Digest> {
        let use = ImageUse(inventory: parts.inventory, machine: parts.machine, operations: parts.operations)
        // A rollback needs the images of earlier versions.
        var ids = await use.ids().union(parts.inventory.keptImages)
        for loop in allLoops() {
            for service in await loop.desired?.services ?? [] where service.goal != .absent {
                if let pinned = service.pinnedImage { ids.insert(pinned) }
                for reference in service.spec.imageReferences {
                    if let image = try? await parts.machine.image(reference) { ids.insert(image.id) }
                }
            }
        }
        return Set(ids.compactMap { Digest($0) })
    }

    /// Ids of all images that have a name.
    package func namedImages() async throws -> Set<Digest> {
        Set(try await parts.machine.storedImages().named.map(\.image.id))
    }

    /// Keeps those images that have lost their last name since `namedImages()` gave `before`.
    package func keepReplaced(_ before: Set<Digest>) async {
        do {
            let lost = before.subtracting(try await namedImages())
            if !lost.isEmpty { try await parts.machine.keepImages(lost) }
        } catch {
            parts.log.warning("images that lost their name are not kept: \(error)")
        }
    }

    package func pruneImages(_ request: PruneRequest) async throws -> PruneReport {
        let collected = try await parts.machine.pruneImages(
            includingNamed: request.all, keeping: await imagesInUse()
        ) {
            image in
            let created = image.config.created.flatMap { Timestamp.parse($0) }.map { Double($0) / 1e9 }
            return request.allows(labels: image.config.config?.labels ?? [:], created: created)
        }
        let lines = collected.images.map { removed in
            switch removed {
            case .untagged(let reference): "untagged: \(reference.familiar)"
            case .deleted(let id): "deleted: \(id)"
            }
        }
        return PruneReport(lines: lines, reclaimed: collected.bytes)
    }
}
