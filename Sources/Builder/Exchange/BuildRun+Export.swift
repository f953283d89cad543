import EngineWire
import Images
import Linux
import OCI

// Results of steps that a build exports.
extension BuildRun {
    /// The results of this build's steps: those that end in layers of `result`, or with `isWhole` all of them.
    func results(for result: [BuiltLayer], isWhole: Bool) -> StepCache {
        var cache = StepCache()
        for record in noted.values.sorted(by: { ($0.layers.count, $0.key.hex) < ($1.layers.count, $1.key.hex) }) {
            let diffIDs = record.layers.map(\.diffID)
            let isOfImage = diffIDs == result.prefix(diffIDs.count).map(\.diffID)
            guard isWhole || isOfImage else { continue }
            // With a fixed time the same build gives the same bytes.
            let created = epoch ?? record.created
            cache.add(record.commonKey ?? record.key, record.layers, created: timestamp(created))
        }
        return cache
    }

    /// The cache that goes into the image, if one is asked for.
    func inlineCache(for result: [BuiltLayer]) throws -> String? {
        guard parts.request.cacheTo.contains(.inline) || parts.request.arguments["BUILDKIT_INLINE_CACHE"] == "1" else {
            return nil
        }
        return try results(for: result, isWhole: false).inline(for: result)
    }

    /// Gives the client results as the output at this place of the request.
    func deliverCache(at place: Int, _ cache: StepCache) async throws {
        try await parts.images.withLayout(of: cache, tag: "latest") { [parts] layout in
            try await parts.pool.run { try parts.contexts.deliver(place) { sink in try layout(sink) } }
        }
    }

    /// Sends the results to the registries that are asked for.
    func pushCaches(of result: [BuiltLayer]) async throws {
        for case .registry(let reference, let isWhole, let mayFail) in parts.request.cacheTo {
            do {
                try await showing("exporting the cache to \(reference)") {
                    let cache = results(for: result, isWhole: isWhole)
                    try await parts.host.push(cache, to: reference, in: parts.lease)
                }
            } catch {
                try Task.checkCancellation()
                var note = BuildNote(describing: error)
                note.message = "the cache \(reference) cannot be written: \(note.message)"
                note.hint = note.hint ?? (mayFail ? nil : "with ignore-error=true the build goes on without it")
                guard mayFail else { throw BuildFailure([note]) }
                parts.tell(.warning(note))
            }
        }
    }
}
