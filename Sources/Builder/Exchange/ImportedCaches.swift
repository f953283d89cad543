import Dockerfile
import EngineWire
import Images
import Linux
import OCI

/// The caches that a build was given. Each is asked for when the first step is looked for in it; one that cannot be had is told
/// of, and the build goes on without.
actor ImportedCaches {
    /// A result that one of them has.
    struct Found: Sendable {
        /// nil: the step changes nothing.
        var layer: StepCache.Layer?
        var created: String?
        /// What a person calls the cache.
        var title: String
        /// Brings a blob of it into the image store.
        var fetch: @Sendable (Descriptor) async throws -> Void
    }

    private struct Source: Sendable {
        var cache: OutsideCache
        var title: String
        var fetch: @Sendable (Descriptor) async throws -> Void
    }

    private let request: BuildRequest
    private let host: any BuildHost
    private let images: ImageStore
    private let layouts: LayoutReader
    private let tell: @Sendable (BuildEvent) -> Void
    private var task: Task<[Source], Never>?
    /// Wrong results, as the title of the cache and the key: they are not used again.
    private var rejected: Set<String> = []

    init(
        _ request: BuildRequest, host: any BuildHost, images: ImageStore, layouts: LayoutReader,
        tell: @escaping @Sendable (BuildEvent) -> Void
    ) {
        self.request = request
        self.host = host
        self.images = images
        self.layouts = layouts
        self.tell = tell
    }

    /// The result of a step from the first cache that knows it. A cache knows a step by its key, an image also by its history: `past` are
    /// the instructions up to it, nil where they do not say all that counts.
    func result(of key: Digest, above below: [BuiltLayer], past: [String]?) async -> Found? {
        guard !request.cacheFrom.isEmpty else { return nil }
        let task = task ?? Task { await load() }
        self.task = task
        for source in await task.value where !rejected.contains("\(source.title) \(key)") {
            if let (layer, created) = source.cache.steps.result(of: key, above: below) {
                return Found(layer: layer, created: created, title: source.title, fetch: source.fetch)
            }
            if let past, let (layer, created) = source.cache.image?.result(of: past, above: below) {
                return Found(layer: layer, created: created, title: source.title, fetch: source.fetch)
            }
        }
        return nil
    }

    func reject(_ found: Found, for key: Digest) { rejected.insert("\(found.title) \(key)") }

    private func load() async -> [Source] {
        var sources: [Source] = []
        for source in request.cacheFrom {
            do {
                sources.append(try await load(source))
            } catch {
                guard !Task.isCancelled else { return [] }
                tell(
                    .warning(
                        BuildNote(
                            message: "the cache \(source.title) is not used: \(BuildNote(describing: error).message)")))
            }
        }
        return sources
    }

    private func load(_ source: BuildCacheSource) async throws -> Source {
        switch source {
        case .registry(let reference):
            let cache = try await host.cache(reference, platform: request.platform)
            return Source(cache: cache, title: source.title) { [host] in try await host.fetch($0, of: reference) }
        case .image(let reference):
            guard let image = try await images.resolve(reference) else { return try await load(.registry(reference)) }
            return Source(cache: images.cache(of: image), title: source.title) { _ in
                throw ImageError.notFound(reference)
            }
        case .layout(let layout):
            let (top, bytes) = try await layouts.top(of: layout)
            let platform = try Platform.named(request.platform) ?? .host
            let cache = try await layouts.documents(of: layout).cache(top, bytes, platform: platform)
            return Source(cache: cache, title: source.title) { [layouts] in try await layouts.fetch($0, of: layout) }
        }
    }
}

extension OutsideCache.InlineImage {
    /// What the instruction that `past` ends with left in the image, when the instructions before it are the same and it begins
    /// with the same layers.
    func result(of past: [String], above below: [BuiltLayer]) -> (layer: StepCache.Layer?, created: String?)? {
        guard past.count <= history.count, let step = history.prefix(past.count).last,
            zip(past, history).allSatisfy({ $0 == $1.createdBy })
        else { return nil }
        // An image may have layers without a line in its history: those of an imported base.
        let (isEmpty, after) = (step.emptyLayer == true, history.dropFirst(past.count).count { $0.emptyLayer != true })
        guard layers.count == below.count + (isEmpty ? 0 : 1) + after,
            layers.prefix(below.count).map(\.diffID) == below.map(\.diffID)
        else { return nil }
        return (isEmpty ? nil : layers[below.count], step.created)
    }
}
