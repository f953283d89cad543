import Builder
import EngineWire
import Images
import OCI

/// A build creates an image without content and runs none of its steps.
extension SimulatedMachine {
    package func build(_ request: BuildRequest, _ surroundings: BuildSurroundings) async throws -> Image {
        let config = ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: []))
        let bytes = Array("\(newID())".utf8)
        let content = Manifest(
            config: Descriptor(mediaType: MediaType.config, digest: digest(of: bytes), size: Int64(bytes.count)),
            layers: [])
        let manifest = Descriptor(mediaType: MediaType.manifest, digest: digest(of: bytes.reversed()), size: 1)
        let image = try Image(manifest: manifest, content: content, config: config, size: 0)
        try await act("build \(request.title)", chance: \.createFails) { state in
            for tag in request.tags { state.images[tag] = MachineImage(id: "\(image.id)", config: .init()) }
        }
        surroundings.tell(
            .finished(
                image: "\(image.id)", manifest: "\(image.manifestDigest)", tags: request.tags, cached: false))
        return image
    }

    package func makeContext(_ origin: ContextOrigin) async throws -> MadeContext {
        throw EngineFailure(code: .unsupported, message: "a simulation has no folders")
    }

    package func removeContext(_ context: MadeContext) async {}

    package func buildCache() async throws -> [BuildCacheRow] { [] }
    package func shrinkBuildCache(to bytes: Int64) async throws {}
    package func pruneBuildCache(_ request: BuildPruneRequest) async throws -> PruneReport {
        PruneReport(lines: [], reclaimed: 0)
    }
}
