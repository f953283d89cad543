import Dockerfile

extension StepWork {
    /// Runs `body` with the folders of the step's cache mounts, by their place among its mounts, and gives them back.
    ///
    /// A cache that several mounts name is taken once, and all are taken in the order of their ids: steps that lock the same ones
    /// never wait for each other, nor one for itself.
    func withCacheFolders<Result: Sendable>(
        _ step: RunStep, _ body: ([Int: String]) async throws -> Result
    ) async throws -> Result {
        var held: [String] = []
        let result: Swift.Result<Result, any Error>
        do {
            var folders: [Int: String] = [:]
            let places = Dictionary(grouping: step.mounts.indices.filter { step.mounts[$0].kind == .cache }) {
                step.mounts[$0].id
            }
            for (id, places) in places.sorted(by: { $0.key < $1.key }) {
                let sharings = places.map { step.mounts[$0].sharing }
                let shared: String? =
                    if sharings.contains(.locked) {
                        try await parts.cache.mounts.take(id, .locked)
                    } else if sharings.contains(.shared) {
                        try await parts.cache.mounts.take(id, .shared)
                    } else {
                        nil
                    }
                if let shared { held.append(shared) }
                for place in places {
                    if let shared, step.mounts[place].sharing != .private {
                        folders[place] = shared
                    } else {
                        let own = try await parts.cache.mounts.take(id, .private)
                        held.append(own)
                        folders[place] = own
                    }
                }
            }
            result = .success(try await body(folders))
        } catch {
            result = .failure(error)
        }
        for folder in held { await parts.cache.mounts.release(folder) }
        return try result.get()
    }
}
