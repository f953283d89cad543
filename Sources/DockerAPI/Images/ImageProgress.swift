import Engine
import EngineWire
import JSON

/// Progress of images in the form that clients draw: one line of JSON per step.
enum ImageProgress {
    /// Each layer with its bar, then the result. `first` has been taken from `events`.
    static func pulling(
        _ reference: String, _ first: PullEvent?, _ events: AsyncStream<PullEvent>
    ) -> AsyncStream<JSONValue> {
        let tagAt = reference.contains("@") ? reference.lastIndex(of: "@") : reference.lastIndex(of: ":")
        let name = tagAt.map { String(reference[..<$0]) } ?? reference
        let tag = tagAt.map { String(reference[reference.index(after: $0)...]) } ?? "latest"
        let (stream, continuation) = AsyncStream.makeStream(of: JSONValue.self)
        let task = Task {
            var layers = Layers()
            continuation.yield(.members(["status": "Pulling from \(path(name))", "id": tag]))
            func show(_ event: PullEvent) {
                for line in layers.lines(event) { continuation.yield(line) }
                switch event {
                case .complete(let digest, let isNew):
                    for line in layers.rest() { continuation.yield(line) }
                    if let digest { continuation.yield(.members(["status": "Digest: \(digest)"])) }
                    let end = isNew ? "Downloaded newer image for" : "Image is up to date for"
                    continuation.yield(.members(["status": "Status: \(end) \(reference)"]))
                case .failed(let failure): continuation.yield(error(failure))
                case .layers, .present, .transferred: break
                }
            }
            if let first { show(first) }
            for await event in events { show(event) }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    /// A familiar name without the host of Docker Hub.
    private static func path(_ name: String) -> String {
        let bare = name.hasPrefix("docker.io/") ? String(name.dropFirst("docker.io/".count)) : name
        return bare.contains("/") ? bare : "library/\(bare)"
    }

    static func error(_ failure: EngineFailure) -> JSONValue {
        .members(["errorDetail": JSONValue.members(["message": failure.message]), "error": failure.message])
    }

    /// What the client knows about each layer so far.
    private struct Layers {
        private var sizes: [(name: String, size: Int64)] = []
        private var done: Set<String> = []
        /// The number of bytes in the last line of each layer: a bar needs at most a hundred steps.
        private var told: [String: Int64] = [:]

        mutating func lines(_ event: PullEvent) -> [JSONValue] {
            switch event {
            case .layers(let layers):
                sizes = layers
                return layers.map { line($0.name, "Pulling fs layer") }
            case .present(let name):
                done.insert(name)
                return [line(name, "Already exists")]
            case .transferred(let name, let bytes, let total):
                guard sizes.contains(where: { $0.name == name }), !done.contains(name) else { return [] }
                if bytes >= total {
                    done.insert(name)
                    return [line(name, "Download complete"), line(name, "Pull complete")]
                }
                guard bytes - (told[name] ?? 0) >= max(1, total / 100) else { return [] }
                told[name] = bytes
                return [bar(name, "Downloading", bytes, total)]
            case .complete, .failed: return []
            }
        }

        /// Lines for the layers that are complete without having been shown so.
        mutating func rest() -> [JSONValue] {
            sizes.filter { done.insert($0.name).inserted }.map { line($0.name, "Pull complete") }
        }
    }

    static func line(_ name: String, _ status: String) -> JSONValue {
        .members(["status": status, "progressDetail": JSONValue.emptyObject, "id": name])
    }

    /// The progress of a transfer as numbers and as a bar.
    static func bar(_ name: String, _ status: String, _ bytes: Int64, _ total: Int64) -> JSONValue {
        let filled = total > 0 ? Int(50 * bytes / total) : 0
        let arrow = String(repeating: "=", count: filled) + ">" + String(repeating: " ", count: max(0, 50 - filled))
        return .members([
            "status": status, "progressDetail": JSONValue.members(["current": bytes, "total": total]),
            "progress": "[\(arrow.prefix(51))] \(units(bytes))/\(units(total))", "id": name,
        ])
    }

    private static func units(_ bytes: Int64) -> String {
        for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where Double(bytes) >= size {
            return "\((Double(bytes) / size * 100).rounded() / 100)\(unit)"
        }
        return "\(bytes)B"
    }

    // MARK: Archives

    static func loading(_ operation: Operation, isQuiet: Bool) -> AsyncStream<JSONValue> {
        lines(operation) { event in
            guard case .images(let rows) = event else { return [] }
            return rows.map {
                let text = $0.reference.map { "Loaded image: \($0)\n" } ?? "Loaded image ID: \($0.id)\n"
                return .members(["stream": text])
            }
        }
    }

    static func importing(_ operation: Operation) -> AsyncStream<JSONValue> {
        lines(operation) { event in
            guard case .images(let rows) = event else { return [] }
            return rows.map { .members(["status": $0.id]) }
        }
    }

    private static func lines(
        _ operation: Operation, _ translate: @escaping @Sendable (ProgressEvent) -> [JSONValue]
    ) -> AsyncStream<JSONValue> {
        let (stream, continuation) = AsyncStream.makeStream(of: JSONValue.self)
        Task {
            for await event in operation.events() {
                for line in translate(event) { continuation.yield(line) }
                guard case .finished(let outcome) = event else { continue }
                for failure in outcome.errors { continuation.yield(error(failure)) }
            }
            continuation.finish()
        }
        return stream
    }
}
