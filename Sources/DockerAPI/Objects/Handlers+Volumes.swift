import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1
import ProjectModel

/// The routes of volumes.
extension Handlers {
    var volumeRoutes: [Route] {
        [
            Route(.GET, "/volumes") { try await self.listVolumes($0) },
            Route(.POST, "/volumes/create") { try await self.createVolume($0) },
            Route(.POST, "/volumes/prune") { try await self.pruneVolumes($0) },
            Route(.GET, "/volumes/{name}") { request in
                .json(VolumeText.json(try await self.engine.volumeRecord(request.parameter("name"))))
            },
            Route(.DELETE, "/volumes/{name}") { try await self.deleteVolume($0) },
        ]
    }

    private func listVolumes(_ request: DockerRequest) async throws -> Response {
        let filters = try request.query.filters(["dangling", "driver", "label", "label!", "name"])
        let dangling = try filters.flag("dangling")
        let used = await engine.volumesInUse()
        let rows = await engine.volumeRecords().filter { volume in
            filters.allows(labels: VolumeText.labels(of: volume))
                && filters.allows("name") { ContainerList.matches(volume.name, $0) }
                && filters.allows("driver") { $0 == volume.driver }
                && (dangling.map { $0 != used.contains(volume.name) } ?? true)
        }
        return .json(.members(["Volumes": rows.map { VolumeText.json($0) }, "Warnings": JSONValue.null]))
    }

    private func createVolume(_ request: DockerRequest) async throws -> Response {
        let body = Body(try request.json())
        var wanted = VolumeRequest(name: try body["Name"].text())
        wanted.driver = try body["Driver"].text()
        if let driver = wanted.driver, driver != "local" {
            throw DockerFailure.notFound(
                "create \(wanted.name ?? ""): error looking up volume plugin \(driver): plugin \"\(driver)\" not found")
        }
        wanted.options = try body["DriverOpts"].textMap()
        wanted.labels = try body["Labels"].textMap()
        if let name = wanted.name, !Self.isName(name) {
            throw DockerFailure.invalid(
                "create \(name): \"\(name)\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
            )
        }
        let row = try await engine.createVolume(wanted)
        return .json(VolumeText.json(try await engine.volumeRecord(row.name)), status: .created)
    }

    private func deleteVolume(_ request: DockerRequest) async throws -> Response {
        let name = request.parameter("name")
        do { _ = try await engine.volumeRecord(name) } catch {
            if request.query.flag("force") { return .noContent }
            throw error
        }
        let users = await engine.snapshots().filter { $0.mountpoints[name] != nil }
        guard users.isEmpty else {
            throw DockerFailure.conflict(
                "remove \(name): volume is in use - [\(users.map(\.record.id).joined(separator: ", "))]")
        }
        _ = try await engine.removeVolumes([name], force: true)
        return .noContent
    }

    private func pruneVolumes(_ request: DockerRequest) async throws -> Response {
        let filters = try request.query.filters(["all", "label", "label!"])
        // Before 1.42 a prune also removed named volumes.
        let all = try filters.flag("all") ?? (request.version < APIVersion(major: 1, minor: 42))
        let used = await engine.volumesInUse()
        var gone: [String] = []
        var bytes: Int64 = 0
        for volume in await engine.volumeRecords() where !used.contains(volume.name) && (all || volume.isAnonymous) {
            guard filters.allows(labels: VolumeText.labels(of: volume)) else { continue }
            let size = await engine.volumeSize(volume.name)
            guard (try? await engine.removeVolumes([volume.name], force: true)) != nil else { continue }
            gone.append(volume.name)
            bytes += size
        }
        return .json(
            .members(["VolumesDeleted": gone.isEmpty ? JSONValue.null : gone.json, "SpaceReclaimed": bytes]))
    }
}

/// A volume in the answers of lists and inspections.
enum VolumeText {
    /// The volume's own labels, and for a volume of a project those that docker compose sets.
    static func labels(of volume: VolumeRecord) -> [String: String] {
        var labels = volume.definition.labels
        if let project = volume.project, let key = volume.key {
            labels["com.docker.compose.project"] = project
            labels["com.docker.compose.volume"] = key
        }
        if volume.isAnonymous { labels["com.docker.volume.anonymous"] = "" }
        return labels
    }

    /// `usage`: its size in bytes, and the number of containers that use it.
    static func json(_ volume: VolumeRecord, usage: (bytes: Int64, users: Int)? = nil) -> JSONValue {
        let labels = labels(of: volume)
        let options = volume.definition.driverOptions
        let value = JSONValue.members([
            "CreatedAt": Timestamp.text(volume.createdAt, digits: 0), "Driver": volume.driver,
            "Labels": labels.isEmpty ? JSONValue.null : labels.json, "Mountpoint": volume.mountpoint ?? "",
            "Name": volume.name, "Options": options.isEmpty ? JSONValue.null : options.json, "Scope": "local",
        ])
        guard let usage else { return value }
        return value.adding([
            "UsageData": JSONValue.members(["Size": usage.bytes, "RefCount": usage.users])
        ])
    }
}
