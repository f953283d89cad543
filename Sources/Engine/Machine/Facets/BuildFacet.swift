import Builder
import EngineWire
import Images

/// Builds of images, and their cache.
package protocol BuildFacet: Sendable {
    /// Builds `request`, stores the image and returns it.
    /// - Throws: `BuildFailure`, whose notes say where and why.
    func build(_ request: BuildRequest, _ surroundings: BuildSurroundings) async throws -> Image
    /// Creates the folder of a build context. The caller must remove it with `removeContext`.
    func makeContext(_ origin: ContextOrigin) async throws -> MadeContext
    func removeContext(_ context: MadeContext) async
    func buildCache() async throws -> [BuildCacheRow]
    /// Removes the parts of the build cache that `request` selects.
    func pruneBuildCache(_ request: BuildPruneRequest) async throws -> PruneReport
    /// Removes the least recently used parts of the build cache until at most `bytes` are left.
    func shrinkBuildCache(to bytes: Int64) async throws
}

/// What a build gets from the engine.
package struct BuildSurroundings: Sendable {
    /// Containers for its steps.
    package var steps: any StepContainers
    package var contexts: any ContextSource
    /// The result of another build in the same batch; waits until it exists.
    package var built: @Sendable (Int) async throws -> Image
    package var tell: @Sendable (BuildEvent) -> Void
    /// Where the client takes the shells of steps that failed; nil for clients that take none.
    package var shells: BuildShells?
    /// Waits while the client is behind with reading the output.
    package var waitForRoom: @Sendable () -> Void
}

/// Runs build steps in containers, which have records, addresses and names like all others but belong only to the
/// build.
package protocol StepContainers: Sendable {
    /// Runs `body` with a container for a step and removes the container afterwards.
    func with(
        _ step: RunStep, in room: StepRoom, _ body: @Sendable (ContainerRecord) async throws -> StepEnd
    ) async throws -> StepEnd
}

/// The source of a build context that the client does not read itself.
package enum ContextOrigin: Sendable {
    /// A tar, plain or compressed, from its first byte.
    case archive(HeldDescriptor)
    /// A repository, or the URL of a tar or a Dockerfile; the engine downloads it.
    case remote(String)
}

/// A folder that the engine made for one build.
package struct MadeContext: Sendable {
    /// The whole folder, for its removal.
    package var folder: String
    /// The folder that the build sees.
    package var path: String
    /// The source was a Dockerfile only.
    package var isDockerfileAlone = false
}
