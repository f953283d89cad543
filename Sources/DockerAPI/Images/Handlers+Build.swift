import Builder
import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1

/// The routes of builds with the classic builder, and of the build cache.
extension Handlers {
    var buildRoutes: [Route] {
        [
            Route(.POST, "/build") { request in try await self.keepingReplaced { try await self.build(request) } },
            Route(.POST, "/build/prune") { try await self.pruneBuilds($0) },
        ]
    }

    private func build(_ request: DockerRequest) async throws -> Response {
        let wanted = try BuildQuery(request)
        let origin: ContextOrigin
        if let remote = wanted.remote {
            origin = .remote(remote)
        } else {
            guard let file = request.request.file else { throw DockerFailure.invalid("no build context was sent") }
            origin = .archive(HeldDescriptor(try file.reopened()))
        }
        var order = wanted.request
        if let name = wanted.network { order.network = try await engine.networkRecord(name).name }
        let running = try await engine.build(
            ContextBuild(origin: origin, dockerfile: wanted.dockerfile, request: order))
        let transcript = BuildTranscript(
            running.outline.steps, remarks: wanted.remarks, isQuiet: wanted.isQuiet)
        let reader = BuildReader(running.feed, transcript)
        return .chunks(["content-type": "application/json"], AsyncStream { await reader.next() })
    }

    private func pruneBuilds(_ request: DockerRequest) async throws -> Response {
        let query = request.query
        let filters = try Filters(query.text("filters") ?? "")
        var wanted = BuildPruneRequest(all: query.flag("all"))
        for name in ["keep-storage", "reserved-space", "max-used-space"] {
            if let bytes = try query.integer(name), bytes > 0 { wanted.keepBytes = Int64(bytes) }
        }
        if let text = (filters["until"] + filters["unused-for"]).first {
            guard let instant = Instant.parse(text, now: engine.now) else {
                throw DockerFailure.invalid("invalid filter 'until=\(text)'")
            }
            wanted.unusedFor = max(0, engine.now - instant) / 1_000_000_000
        }
        let report = try await engine.pruneBuildCache(wanted)
        let names = report.lines.map { line in line.split(separator: "\t").first.map(String.init) ?? line }
        return .json(.members(["CachesDeleted": names.json, "SpaceReclaimed": report.reclaimed]))
    }

    /// The build cache in the answer of `system df`.
    func buildCacheRows() async throws -> JSONValue {
        .array(
            try await engine.buildCache().map { row in
                .members([
                    "ID": row.id, "Type": row.kind == "mount" ? "exec.cachemount" : "regular",
                    "Description": row.title, "InUse": false, "Shared": false, "Size": row.size,
                    "CreatedAt": Instant.text(row.created * 1_000_000_000),
                    "LastUsedAt": Instant.text(row.used * 1_000_000_000), "UsageCount": 1,
                ])
            })
    }
}

/// Reads the events of a build as fast as the client reads the lines. When it is released, the build ends.
private actor BuildReader {
    private let feed: BuildFeed
    private var transcript: BuildTranscript

    init(_ feed: BuildFeed, _ transcript: BuildTranscript) {
        self.feed = feed
        self.transcript = transcript
    }

    deinit { feed.close() }

    /// nil after the last line.
    func next() async -> [UInt8]? {
        while let events = await feed.next() {
            let lines = events.flatMap { transcript.lines($0) }
            if !lines.isEmpty { return lines.flatMap(\.line) }
        }
        return nil
    }
}
