import Engine
import EngineWire
import JSON
import Monitor
import OCI
import ProjectModel

/// `GET /containers/json`: the containers that it lists, and their rows.
struct ContainerList {
    static let filterNames: Set<String> = [
        "ancestor", "before", "expose", "exited", "health", "id", "is-task", "isolation", "label", "label!", "name",
        "network", "publish", "since", "status", "volume",
    ]

    let filters: Filters
    /// Lists containers that do not run as well.
    let all: Bool
    /// Lists only this many containers, the newest ones.
    let limit: Int?
    /// The ids of the images that the filter `ancestor` names.
    let ancestors: Set<String>

    /// Newest first, like dockerd.
    func chosen(_ snapshots: [ContainerSnapshot]) throws(DockerFailure) -> [ContainerSnapshot] {
        try check()
        let sorted = snapshots.sorted { ($0.record.createdAt, $0.record.id) > ($1.record.createdAt, $1.record.id) }
        let before = try filters["before"].first.map { (name) throws(DockerFailure) in try find(name, sorted) }
        let since = try filters["since"].first.map { (name) throws(DockerFailure) in try find(name, sorted) }
        let rows = sorted.filter { snapshot in
            if let before, snapshot.record.createdAt >= before.record.createdAt { return false }
            if let since, snapshot.record.createdAt <= since.record.createdAt { return false }
            return isShown(snapshot) && fits(snapshot)
        }
        return limit.map { Array(rows.prefix($0)) } ?? rows
    }

    private static let states: Set<String> = [
        "created", "running", "paused", "restarting", "removing", "exited", "dead",
    ]

    private func check() throws(DockerFailure) {
        if let state = filters["status"].first(where: { !Self.states.contains($0) }) {
            throw .invalid("invalid filter 'status=\(state)'")
        }
        if let code = filters["exited"].first(where: { Int($0) == nil }) {
            throw .invalid("invalid filter 'exited=\(code)'")
        }
        if let health = filters["health"].first(where: { !["none", "starting", "healthy", "unhealthy"].contains($0) }) {
            throw .invalid("invalid filter 'health=\(health)'")
        }
        _ = try filters.flag("is-task")
    }

    private func find(_ name: String, _ all: [ContainerSnapshot]) throws(DockerFailure) -> ContainerSnapshot {
        let bare = name.hasPrefix("/") ? String(name.dropFirst()) : name
        guard let found = all.first(where: { $0.record.name == bare || $0.record.id.hasPrefix(bare) }) else {
            throw .notFound("No such container: \(name)")
        }
        return found
    }

    private func isShown(_ snapshot: ContainerSnapshot) -> Bool {
        // A filter for the state and a limit also find containers that do not run.
        if all || limit != nil || filters.has("status") || filters.has("exited") { return true }
        return ["running", "paused", "restarting"].contains(snapshot.state)
    }

    private func fits(_ snapshot: ContainerSnapshot) -> Bool {
        let record = snapshot.record
        let health = record.healthcheck == nil ? "none" : snapshot.health?.status ?? "starting"
        return filters.allows(labels: record.labels) && filters.allows("id") { record.id.hasPrefix($0) }
            && filters.allows("name") { Self.matches(record.name, $0) }
            && filters.allows("status") { $0 == snapshot.state }
            && filters.allows("exited") { Int($0) == snapshot.exitCode && ["exited", "dead"].contains(snapshot.state) }
            && filters.allows("health") { $0 == health }
            && (!filters.has("ancestor") || ancestors.contains(record.imageID))
            && filters.allows("volume") { place in record.mounts.contains { Self.isMount($0, place) } }
            && filters.allows("network") { network in
                record.endpoints.contains { endpoint in
                    endpoint.network == network || snapshot.networks[endpoint.network]?.id.hasPrefix(network) == true
                } || ContainerText.networkMode(record) == network
            }
            && filters.allows("publish") { port in
                record.ports.contains { Self.isPort($0.hostPort, $0.transport, port) }
            }
            && filters.allows("expose") { port in
                Set(record.template.expose + (record.image.exposedPorts ?? [:]).keys).contains {
                    InspectedContainer.withTransport($0) == InspectedContainer.withTransport(port)
                } || record.ports.contains { Self.isPort($0.target, $0.transport, port) }
            } && filters.allows("is-task") { ["0", "f", "false"].contains($0.lowercased()) }
    }

    /// The pattern may be any part of the name; `^` and `$` mean its start and end. A slash before the name is allowed.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        guard let expression = try? Regex(pattern) else { return name.contains(pattern) }
        return "/\(name)".contains(expression) || name.contains(expression)
    }

    private static func isMount(_ mount: ContainerRecord.Mount, _ place: String) -> Bool {
        if mount.target == place { return true }
        switch mount.source {
        case .volume(let name, _, _, _): return name == place
        case .bind(let path, _, _, _, _): return path == place
        case .tmpfs, .image: return false
        }
    }

    /// `80`, `80/udp` or `8000-8010/tcp`.
    private static func isPort(_ number: UInt16, _ transport: String, _ text: String) -> Bool {
        let parts = text.split(separator: "/")
        guard let numbers = parts.first else { return false }
        if (parts.count > 1 ? parts[1] : "tcp") != transport { return false }
        let bounds = numbers.split(separator: "-").compactMap { UInt16($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last else { return false }
        return (first...last).contains(number)
    }

    // MARK: A row

    /// `images`: which images the names of images mean now.
    static func row(
        _ snapshot: ContainerSnapshot, images: [String: String], now: Int64, version: APIVersion,
        sizes: (own: Int64, all: Int64)?
    ) -> JSONValue {
        let record = snapshot.record
        // A name that means another image by now would mislead.
        let name = ContainerText.image(record)
        let image = images[name] == record.imageID ? name : record.imageID
        let words = record.arguments.map { $0.contains(" ") || $0.isEmpty ? "'\($0)'" : $0 }
        var row = JSONValue.members([
            "Id": record.id, "Names": ["/\(record.name)"], "Image": image,
            "ImageID": record.imageID, "Command": words.joined(separator: " "),
            "Created": record.createdAt / 1_000_000_000, "Ports": ports(record),
        ])
        if let sizes { row = row.adding(["SizeRw": sizes.own, "SizeRootFs": sizes.all]) }
        return row.adding([
            "Labels": record.labels, "State": snapshot.state, "Status": ContainerText.status(snapshot, now: now),
            "HostConfig": JSONValue.members(["NetworkMode": ContainerText.networkMode(record)]),
            "NetworkSettings": JSONValue.members([
                "Networks": NetworkSettings(snapshot: snapshot, version: version).networks
            ]), "Mounts": MountList(snapshot: snapshot).json,
        ])
    }

    private static func ports(_ record: ContainerRecord) -> [JSONValue] {
        guard record.isUp else { return [] }
        var rows: [JSONValue] = []
        var published: Set<String> = []
        for port in record.ports {
            published.insert("\(port.target)/\(port.transport)")
            for address in port.hostIP.map({ [$0] }) ?? ["0.0.0.0", "::"] {
                rows.append(
                    .members([
                        "IP": address, "PrivatePort": port.target, "PublicPort": port.hostPort,
                        "Type": port.transport,
                    ]))
            }
        }
        let exposed = Set(
            (record.template.expose + (record.image.exposedPorts ?? [:]).keys).map(InspectedContainer.withTransport))
        for text in exposed.subtracting(published).sorted() {
            let parts = text.split(separator: "/")
            guard parts.count == 2, let number = UInt16(parts[0]) else { continue }
            rows.append(.members(["PrivatePort": number, "Type": parts[1]]))
        }
        return rows
    }
}
