import EngineWire
import Images
import Linux

// Outputs of a build.
extension BuildRun {
    /// Gives the client the output that it asked for at this place of the request.
    func deliver(
        _ output: BuildRequest.Output, at place: Int, _ image: Image, _ layers: [BuiltLayer]
    ) async throws {
        let title: String
        switch output {
        case .image, .none: return
        case .files, .tree: title = "exporting the files"
        case .oci: title = "exporting an OCI archive"
        case .docker: title = "exporting a docker archive"
        case .cache, .wholeCache: title = "exporting the cache"
        }
        try await showing(title) {
            if output == .cache || output == .wholeCache {
                return try await deliverCache(at: place, results(for: layers, isWhole: output == .wholeCache))
            }
            let folders = await parts.images.folders(of: layers)
            let empty = await parts.images.emptyFolder
            try await parts.pool.run { [parts, names] in
                try parts.contexts.deliver(place) { sink in
                    switch output {
                    case .files, .tree:
                        try writeTree(
                            of: folders.isEmpty ? [empty] : folders, hasDevices: output == .tree, to: sink)
                    case .oci:
                        try parts.images.writeArchive(of: [ArchivedImage(image, names: names)], as: .oci, to: sink)
                    case .docker:
                        try parts.images.writeArchive(of: [ArchivedImage(image, names: names)], as: .docker, to: sink)
                    case .image, .none, .cache, .wholeCache: return
                    }
                }
            }
        }
    }
}
