import Addresses
import Engine
import EngineWire
import HTTPService
import JSON
import Linux
import NIOHTTP1
import Networking
import ProjectModel

/// The routes of networks.
extension Handlers {
    var networkRoutes: [Route] {
        [
            Route(.GET, "/networks") { try await self.listNetworks($0) },
            Route(.POST, "/networks/create") { try await self.createNetwork($0) },
            Route(.POST, "/networks/prune") { try await self.pruneNetworks($0) },
            Route(.GET, "/networks/{id}") { try await self.inspectNetwork($0) },
            Route(.DELETE, "/networks/{id}") { try await self.deleteNetwork($0) },
            Route(.POST, "/networks/{id}/connect") { try await self.connect($0) },
            Route(.POST, "/networks/{id}/disconnect") { try await self.disconnect($0) },
        ]
    }

    // MARK: Joining and leaving

    private func connect(_ request: DockerRequest) async throws -> Response {
        let body = Body(try request.json())
        let network = try Self.sharedNetwork(request)
        let container = try await engine.snapshot(body["Container"].text() ?? "").record
        let place = body["EndpointConfig"]
        let attachment = try NetworkReader.attachment(network, place)
        do { try await engine.connect(container.id, attachment) } catch let failure as EngineFailure
            where failure.code == .refused
        {
            throw DockerFailure(.forbidden, DockerFailure(describing: failure).message)
        }
        return .ok
    }

    private func disconnect(_ request: DockerRequest) async throws -> Response {
        let body = Body(try request.json())
        let network = try Self.sharedNetwork(request)
        do {
            try await engine.disconnect(
                body["Container"].text() ?? "", from: network, force: body["Force"].flag() ?? false)
        } catch let failure as EngineFailure where failure.code == .refused {
            throw DockerFailure(.forbidden, DockerFailure(describing: failure).message)
        }
        return .ok
    }

    private static func sharedNetwork(_ request: DockerRequest) throws(DockerFailure) -> String {
        let name = request.parameter("id")
        for mode in ["host", "none"] where name == mode || NetworkText.id(ofMode: mode) == name {
            throw DockerFailure(
                .forbidden,
                mode == "host"
                    ? "container cannot be disconnected from host network or connected to host network"
                    : "container cannot be connected to multiple networks with one of the networks in private (none) mode"
            )
        }
        return name
    }

    private static let filterNames: Set<String> = [
        "dangling", "driver", "id", "label", "label!", "name", "scope", "type",
    ]

    private func listNetworks(_ request: DockerRequest) async throws -> Response {
        let filters = try request.query.filters(Self.filterNames)
        let dangling = try filters.flag("dangling")
        // Docker's own networks are never dangling.
        let networks = dangling == true ? await engine.networkRecords() : try await engine.networksWithCommon()
        let snapshots = dangling == nil ? [] : await engine.snapshots()
        var rows: [JSONValue] = []
        for network in networks {
            let labels = NetworkRow.labels(of: network)
            if dangling == true, network.name == Engine.commonNetwork { continue }
            let isUsed = snapshots.contains { $0.networks[network.name] != nil && Self.counts($0) }
            guard filters.allows(labels: labels), filters.allows("name", { ContainerList.matches(network.name, $0) }),
                filters.allows("id", { network.id.hasPrefix($0) }),
                filters.allows("driver", { $0 == network.definition.driver ?? "bridge" }),
                filters.allows("scope", { $0 == "local" }),
                filters.allows("type", { $0 == (network.name == "bridge" ? "builtin" : "custom") }),
                dangling.map({ $0 != isUsed }) ?? true
            else { continue }
            rows.append(NetworkRow.json(network, containers: []))
        }
        for mode in ["host", "none"] where dangling != true {
            guard filters.allows(labels: [:]), filters.allows("name", { ContainerList.matches(mode, $0) }),
                filters.allows("id", { NetworkText.id(ofMode: mode).hasPrefix($0) }),
                filters.allows("driver", { $0 == (mode == "none" ? "null" : mode) }),
                filters.allows("scope", { $0 == "local" }), filters.allows("type", { $0 == "builtin" })
            else { continue }
            rows.append(NetworkRow.bare(mode))
        }
        return .json(.array(rows))
    }

    private func inspectNetwork(_ request: DockerRequest) async throws -> Response {
        let name = request.parameter("id")
        for mode in ["host", "none"] where name == mode || NetworkText.id(ofMode: mode) == name {
            return .json(NetworkRow.bare(mode))
        }
        if let scope = request.query.word("scope"), scope != "local" {
            throw DockerFailure.notFound("network \(name) not found")
        }
        if name == "bridge" { _ = try await engine.networksWithCommon() }
        let network = try await engine.networkRecord(name)
        let users = await engine.snapshots().filter { $0.isUp && $0.networks[network.name] != nil }
        return .json(NetworkRow.json(network, containers: users))
    }

    private func createNetwork(_ request: DockerRequest) async throws -> Response {
        let body = Body(try request.json())
        guard let name = try body["Name"].text() else {
            throw DockerFailure.invalid("network name is required")
        }
        guard !["host", "none", "bridge", "default"].contains(name) else {
            throw DockerFailure(.forbidden, "operation is not permitted on predefined \(name) network ")
        }
        var wanted = NetworkRequest(name: name)
        wanted.driver = try body["Driver"].text()
        if wanted.driver == "overlay" {
            throw DockerFailure(
                .forbidden,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again."
            )
        }
        if let driver = wanted.driver, !["bridge", "macvlan", "ipvlan"].contains(driver) {
            throw DockerFailure.notFound("could not find plugin \(driver) in v1 plugin registry: plugin not found")
        }
        wanted.options = try body["Options"].textMap()
        wanted.labels = try body["Labels"].textMap()
        wanted.isInternal = try body["Internal"].flag() ?? false
        wanted.attachable = try body["Attachable"].flag() ?? false
        wanted.enableIPv4 = try body["EnableIPv4"].flag() ?? true
        wanted.enableIPv6 = try body["EnableIPv6"].flag() ?? false
        if try body["Ingress"].flag() == true || body["ConfigOnly"].flag() == true {
            throw DockerFailure(
                .forbidden, "networks of a swarm, and those that are only a configuration, cannot be had")
        }
        try readAddresses(body["IPAM"], into: &wanted)
        let row = try await engine.createNetwork(wanted)
        return .json(.members(["Id": row.id ?? "", "Warning": ""]), status: .created)
    }

    private func readAddresses(_ body: Body, into wanted: inout NetworkRequest) throws(DockerFailure) {
        if let driver = try body["Driver"].text(), driver != "default" {
            throw .notFound("could not find plugin \(driver) in v1 plugin registry: plugin not found")
        }
        for pool in try body["Config"].items() {
            if let subnet = try pool["Subnet"].text() {
                guard CIDR(subnet) != nil else {
                    throw .invalid("invalid network config:\ninvalid subnet \(subnet): invalid CIDR address: \(subnet)")
                }
                wanted.subnets.append(subnet)
            }
            if let range = try pool["IPRange"].text() { wanted.ranges.append(range) }
            if let gateway = try pool["Gateway"].text() { wanted.gateways.append(gateway) }
            for (name, address) in try pool["AuxiliaryAddresses"].textMap() { wanted.auxiliary[name] = address }
        }
    }

    private func deleteNetwork(_ request: DockerRequest) async throws -> Response {
        let name = request.parameter("id")
        guard !["host", "none", "bridge"].contains(name) else {
            throw DockerFailure(.forbidden, "\(name) is a pre-defined network and cannot be removed")
        }
        let network = try await engine.networkRecord(name)
        let users = await engine.snapshots().filter { $0.networks[network.name] != nil && Self.counts($0) }
        if !users.isEmpty {
            let list = users.map { "name:\"\($0.record.name)\" id:\"\($0.record.id.prefix(12))\"" }
            throw DockerFailure(
                .forbidden,
                "error while removing network: network \(network.name) id \(network.id) has active endpoints (\(list.joined(separator: ", ")))"
            )
        }
        _ = try await engine.removeNetworks([network.name], force: true)
        return .noContent
    }

    /// A container that does not run holds no network.
    private static func counts(_ user: ContainerSnapshot) -> Bool {
        ![.created, .exited].contains(user.record.life.phase)
    }

    private func pruneNetworks(_ request: DockerRequest) async throws -> Response {
        let filters = try request.query.filters(["label", "label!", "until"])
        let until = try Self.until(filters, now: engine.now)
        let used = await engine.snapshots().filter(Self.counts).reduce(into: Set<String>()) {
            $0.formUnion($1.networks.keys)
        }
        var gone: [String] = []
        for network in await engine.networkRecords() where network.name != "bridge" && !used.contains(network.name) {
            if let until, network.createdAt >= until { continue }
            guard filters.allows(labels: NetworkRow.labels(of: network)) else { continue }
            if (try? await engine.removeNetworks([network.name], force: true)) != nil { gone.append(network.name) }
        }
        return .json(.members(["NetworksDeleted": gone.isEmpty ? JSONValue.null : gone.json]))
    }
}

/// A network in the answers of lists and inspections.
enum NetworkRow {
    /// The network's own labels, and for a network of a project those that docker compose sets.
    static func labels(of network: NetworkRecord) -> [String: String] {
        var labels = network.definition.labels
        if let project = network.project {
            labels["com.docker.compose.project"] = project
            labels["com.docker.compose.network"] = network.key ?? network.name
        }
        return labels
    }

    static func json(_ network: NetworkRecord, containers: [ContainerSnapshot]) -> JSONValue {
        let definition = network.definition
        let pools = zip(network.subnets, network.gateways).map { subnet, gateway -> JSONValue in
            let wanted = definition.ipam?.config.first { $0.subnet == "\(subnet)" }
            let pool = JSONValue.members(["Subnet": "\(subnet)", "Gateway": "\(gateway)"])
            let names = wanted?.auxAddresses ?? [:]
            return pool.adding([
                "IPRange": wanted?.ipRange, "AuxiliaryAddresses": names.isEmpty ? JSONValue.null : names.json,
            ])
        }
        var users = JSONObject()
        for user in containers {
            guard let endpoint = user.record.endpoints.first(where: { $0.network == network.name }) else { continue }
            func address(_ family: IPAddress.Family) -> String {
                endpoint.addresses.first { $0.family == family }.map { "\($0)" } ?? ""
            }
            users[user.record.id] = .members([
                "Name": user.record.name, "EndpointID": NetworkText.endpointID(user.record.id, network.name),
                "MacAddress": endpoint.hardwareAddress.map { "\($0)" } ?? "", "IPv4Address": address(.v4),
                "IPv6Address": address(.v6),
            ])
        }
        return .members([
            "Name": network.name, "Id": network.id, "Created": Instant.text(network.createdAt), "Scope": "local",
            "Driver": definition.driver ?? "bridge", "EnableIPv4": definition.enableIPv4,
            "EnableIPv6": definition.enableIPv6,
            "IPAM": JSONValue.members([
                "Driver": definition.ipam?.driver ?? "default",
                "Options": definition.ipam.flatMap { $0.options.isEmpty ? nil : $0.options.json } ?? JSONValue.null,
                "Config": pools,
            ]), "Internal": definition.isInternal, "Attachable": definition.attachable, "Ingress": false,
            "ConfigFrom": JSONValue.members(["Network": ""]), "ConfigOnly": false,
            "Containers": JSONValue.object(users), "Options": definition.driverOptions, "Labels": labels(of: network),
        ])
    }

    /// `host` or `none`.
    static func bare(_ mode: String) -> JSONValue {
        .members([
            "Name": mode, "Id": NetworkText.id(ofMode: mode), "Created": Instant.never, "Scope": "local",
            "Driver": mode == "none" ? "null" : mode, "EnableIPv4": true, "EnableIPv6": false,
            "IPAM": JSONValue.members(["Driver": "default", "Options": JSONValue.null, "Config": JSONValue.null]),
            "Internal": false, "Attachable": false, "Ingress": false,
            "ConfigFrom": JSONValue.members(["Network": ""]), "ConfigOnly": false,
            "Containers": JSONValue.emptyObject, "Options": JSONValue.emptyObject, "Labels": JSONValue.emptyObject,
        ])
    }
}
