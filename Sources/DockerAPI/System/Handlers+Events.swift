import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1
import Networking
import OCI
import ProjectModel

/// The routes of events and of disk usage.
extension Handlers {
    var eventRoutes: [Route] {
        [
            Route(.GET, "/events") { try await self.events($0) },
            Route(.GET, "/system/df") { try await self.diskUse($0) },
        ]
    }

    private func events(_ request: DockerRequest) async throws -> Response {
        let query = request.query
        let filter = EventFilter(try query.filters(EventFilter.names))
        let now = engine.now
        func instant(_ name: String) throws(DockerFailure) -> Int64? {
            guard let text = query.word(name) else { return nil }
            guard let value = Instant.parse(text, now: now) else {
                throw .invalid("invalid value for \"\(name)\": \(text)")
            }
            return value
        }
        let since = try instant("since")
        let until = try instant("until")
        if let since, let until, since > until {
            throw DockerFailure.invalid("`since` time (\(since)) cannot be after `until` time (\(until))")
        }
        let events = engine.events(since: since, until: until)
        return .values(
            AsyncStream {
                for await event in events where filter.allows(event) { return Self.line(event) }
                return nil
            })
    }

    static func line(_ event: EngineEvent) -> JSONValue {
        var value = JSONValue.emptyObject
        // The fields of events before version 1.22, which some clients still read.
        if event.kind == .container || event.kind == .image {
            value = value.adding(["status": event.action, "id": event.id])
        }
        if event.kind == .container { value = value.adding(["from": event.attributes["image"]]) }
        return value.adding([
            "Type": event.kind.rawValue, "Action": event.action,
            "Actor": JSONValue.members(["ID": event.id, "Attributes": event.attributes]), "scope": "local",
            "time": event.time / 1_000_000_000, "timeNano": event.time,
        ])
    }

    private func diskUse(_ request: DockerRequest) async throws -> Response {
        let kinds = Set(request.query.all("type"))
        func isAsked(_ kind: String) -> Bool { kinds.isEmpty || kinds.contains(kind) }
        var value = JSONValue.emptyObject
        let snapshots = await engine.snapshots()
        if isAsked("image") {
            var counts: [String: Int] = [:]
            for snapshot in snapshots { counts[snapshot.record.imageID, default: 0] += 1 }
            let images = try await engine.imageDetails()
            value = value.adding([
                "LayersSize": images.reduce(0) { $0 + $1.size },
                "Images": images.map { Self.row($0, containers: counts[$0.id] ?? 0, request.version) },
            ])
        }
        if isAsked("container") {
            var rows: [JSONValue] = []
            let images = await engine.imageIDs(of: Set(snapshots.map { ContainerText.image($0.record) }))
            for snapshot in snapshots {
                let own = await engine.writableSize(of: snapshot.record.id)
                let all = own + (await engine.imageSize(snapshot.record.imageID) ?? 0)
                rows.append(
                    ContainerList.row(
                        snapshot, images: images, now: engine.now, version: request.version, sizes: (own, all)))
            }
            value = value.adding(["Containers": rows])
        }
        if isAsked("volume") {
            var rows: [JSONValue] = []
            for volume in await engine.volumeRecords() {
                let users = snapshots.filter { $0.mountpoints[volume.name] != nil }.count
                rows.append(VolumeText.json(volume, usage: (await engine.volumeSize(volume.name), users)))
            }
            value = value.adding(["Volumes": rows])
        }
        if isAsked("build-cache") { value = value.adding(["BuildCache": try await buildCacheRows()]) }
        return .json(value)
    }
}

/// The events that a client asks for.
struct EventFilter: Sendable {
    static let names: Set<String> = [
        "config", "container", "daemon", "event", "image", "label", "label!", "network", "node", "plugin", "scope",
        "secret", "service", "type", "volume",
    ]

    private let filters: Filters

    init(_ filters: Filters) { self.filters = filters }

    func allows(_ event: EngineEvent) -> Bool {
        // The filter `health_status` also finds `health_status: healthy`.
        let begin = event.action.split(separator: ":").first.map(String.init) ?? event.action
        return filters.allows("event") { $0 == event.action || $0 == begin }
            && filters.allows("type") { $0 == event.kind.rawValue } && filters.allows("scope") { $0 == "local" }
            && filters.allows(labels: event.attributes)
            && named("container", .container, event) && named("network", .network, event)
            && named("volume", .volume, event) && named("image", .image, event)
            && ["config", "daemon", "node", "plugin", "secret", "service"].allSatisfy { !filters.has($0) }
    }

    /// By name or the start of the id. A filter for an image also finds the containers of that image.
    private func named(_ filter: String, _ kind: EngineEvent.Kind, _ event: EngineEvent) -> Bool {
        filters.allows(filter) { wanted in
            if kind == .image, event.kind == .container {
                return Self.sameImage(event.attributes["image"] ?? "", wanted)
            }
            guard event.kind == kind else {
                // Events of networks and volumes name their container.
                return kind == .container && event.attributes["container"]?.hasPrefix(wanted) == true
            }
            return event.id == wanted || event.attributes["name"] == wanted
                || (wanted.utf8.count >= 4 && event.id.hasPrefix(wanted))
                || (kind == .image && Self.sameImage(event.id, wanted))
        }
    }

    private static func sameImage(_ name: String, _ wanted: String) -> Bool {
        name == wanted || Handlers.withTag(name) == Handlers.withTag(wanted)
            || name.split(separator: ":").first.map(String.init) == wanted
    }
}
