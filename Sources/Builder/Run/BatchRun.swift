import EngineWire
import Images

/// Several builds as one graph: all at once, each begins with what it takes of another as soon as that is built. One that fails
/// takes only those with it that need it.
package struct BatchRun: Sendable {
    private let requests: [BuildRequest]
    private let results: BatchResults

    /// - Throws: `EngineFailure` when a build takes the result of one that does not come before it.
    package init(_ requests: [BuildRequest]) throws {
        for (index, request) in requests.enumerated() {
            for case .build(let other) in request.contexts.values where !(0..<index).contains(other) {
                throw EngineFailure(
                    code: .invalid, message: "\(request.title) takes a build that does not come before it")
            }
        }
        self.requests = requests
        results = BatchResults(requests.map(\.title))
    }

    /// Runs `build` for each; `built` gives it the results of others. Every build's end is told: `.finished` by itself, what went
    /// wrong here.
    package func run(
        tell: @escaping @Sendable (Int, BuildEvent) -> Void,
        build:
            @escaping @Sendable (
                Int, BuildRequest, _ built: @escaping @Sendable (Int) async throws -> Image
            ) async throws -> Image
    ) async {
        await withTaskGroup { group in
            for (index, request) in requests.enumerated() {
                group.addTask { [results] in
                    do {
                        let image = try await build(index, request) { try await results.image($0) }
                        await results.finish(index, .success(image))
                    } catch {
                        let isCancelled = error is CancellationError
                        await results.finish(index, .failure(isCancelled ? error : NeededBuildFailed()))
                        tell(index, .failed(Self.notes(error, isCancelled)))
                    }
                }
            }
        }
    }

    private static func notes(_ error: any Error, _ isCancelled: Bool) -> [BuildNote] {
        if isCancelled { return [BuildNote(code: .cancelled, message: "the build was cancelled")] }
        if let failure = error as? BuildFailure { return failure.notes }
        return [BuildNote(describing: error)]
    }
}

private struct NeededBuildFailed: Error {}

/// The results of a batch's builds, for those who wait for them.
private actor BatchResults {
    private let titles: [String]
    private var finished: [Int: Result<Image, any Error>] = [:]
    private var waiters: [Int: [CheckedContinuation<Void, Never>]] = [:]

    init(_ titles: [String]) { self.titles = titles }

    func finish(_ index: Int, _ result: Result<Image, any Error>) {
        finished[index] = result
        for waiter in waiters.removeValue(forKey: index) ?? [] { waiter.resume() }
    }

    func image(_ index: Int) async throws -> Image {
        // Every build ends here, also a cancelled one.
        while finished[index] == nil { await withCheckedContinuation { waiters[index, default: []].append($0) } }
        try Task.checkCancellation()
        switch finished[index] {
        case .success(let image)?: return image
        case .failure(is CancellationError)?, nil: throw CancellationError()
        case .failure?:
            throw EngineFailure(
                code: .failed, message: "\(titles[index]) was not built, but this build needs its image",
                hint: "the error of \(titles[index]) says why")
        }
    }
}
