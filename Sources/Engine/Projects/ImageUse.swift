import ProjectModel

/// Which images must stay in the store.
struct ImageUse: Sendable {
    let inventory: Inventory
    let machine: any Machine
    let operations: RunningOperations

    /// The ids of images that containers were created from or have mounted, and that operations are about to use.
    func ids() async -> Set<String> {
        var ids: Set<String> = []
        var references = operations.neededImages
        for record in await inventory.allContainers() {
            ids.insert(record.imageID)
            for case .image(let reference, _) in record.mounts.map(\.source) {
                if let id = record.mountedImages?[reference] { ids.insert(id) } else { references.insert(reference) }
            }
        }
        for reference in references {
            if let image = try? await machine.image(reference) { ids.insert(image.id) }
        }
        return ids
    }
}

extension ContainerTemplate {
    /// The image of its containers, and the images that they mount.
    var imageReferences: [String] {
        let mounted = volumes.compactMap { volume -> String? in
            guard case .image(let reference, _) = volume.kind else { return nil }
            return reference
        }
        return (image.map { [$0] } ?? []) + mounted
    }
}
