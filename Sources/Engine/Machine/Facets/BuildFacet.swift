import Builder
import EngineWire
import Images

/// Builds of images, and their cache.
package protocol BuildFacet: Sendable {
    /// Builds what `request` asks for, and stores the image, which it returns.
    /// - Throws: `BuildFailure`, whose notes say where and why.
    func build(_ request: BuildRequest, _ surroundings: BuildSurroundings) async throws -> Image
    /// Makes a folder out of what a build takes its files from; whoever asks for it takes it away with `removeContext`.
    func makeContext(_ origin: ContextOrigin) async throws -> MadeContext
    func removeContext(_ context: MadeContext) async
    func buildCache() async throws -> [BuildCacheRow]
    /// Takes from the build cache what `request` picks.
    func pruneBuildCache(_ request: BuildPruneRequest) async throws -> PruneReport
    /// Takes from it what was used least until no more than `bytes` are left.
    func shrinkBuildCache(to bytes: Int64) async throws
}

/// What a build has around it.
package struct BuildSurroundings: Sendable {
    /// Containers for its steps.
    package var steps: any StepContainers
    package var contexts: any ContextSource
    /// The result of a build of the same batch, once it is there.
    package var built: @Sendable (Int) async throws -> Image
    package var tell: @Sendable (BuildEvent) -> Void
    /// Waits while the client is behind with the output.
    package var waitForRoom: @Sendable () -> Void
}

/// Gives the steps of builds containers: with records, addresses and names like any, and nobody's but the build's.
package protocol StepContainers: Sendable {
    /// Runs `body` with a container for a step, which is gone afterwards.
    func with(
        _ step: RunStep, in room: StepRoom, _ body: @Sendable (ContainerRecord) async throws -> StepEnd
    ) async throws -> StepEnd
}

/// What a build takes its files from when its client does not read them.
package enum ContextOrigin: Sendable {
    /// A tar, plain or compressed, from its beginning on.
    case archive(HeldDescriptor)
    /// A repository, or the URL of a tar or a Dockerfile; the engine fetches it.
    case remote(String)
}

/// A folder that the engine made for one build.
package struct MadeContext: Sendable {
    /// All of it, for being taken away.
    package var folder: String
    /// What the build sees.
    package var path: String
    /// The Dockerfile came alone.
    package var isDockerfileAlone = false
}
