import EngineWire
import Linux
import Logging
import NameService
import Networking
import ProjectModel
import Reconcile
import Synchronization

extension RealMachine {
    package func createNetwork(_ network: NetworkRecord) async throws {
        let addresses = zip(network.subnets, network.gateways).compactMap { subnet, gateway -> CIDR? in
            guard let range = CIDR(subnet), let address = IPAddress(gateway) else { return nil }
            return CIDR(address, prefixLength: range.prefixLength)
        }
        try await driver.ensureBridge(
            BridgeSpec(name: network.bridge, addresses: addresses, mtu: network.definition.bridgeOptions.mtu))
    }

    package func hasInterface(_ name: String) async throws -> Bool {
        try await driver.observe().interfaces.contains { $0.name == name }
    }

    package func removeNetwork(_ network: NetworkRecord) async throws { try await driver.removeBridge(network.bridge) }

    package func hostSubnets() async throws -> [String] {
        try await driver.observe().usedRanges.map { "\($0.range)" }
    }

    package func damage(of networks: [NetworkRecord]) async throws -> [String: String] {
        guard !networks.isEmpty else { return [:] }
        let (bridges, isTableIntact) = try await driver.observe(bridges: networks.map(\.bridge))
        var result: [String: String] = [:]
        for network in networks where !network.definition.external {
            guard let bridge = bridges[network.bridge] else {
                result[network.name] = "bridge \(network.bridge) is gone"
                continue
            }
            if !bridge.isUp { result[network.name] = "bridge \(network.bridge) is down" }
            for gateway in network.gateways where !bridge.addresses.contains(where: { "\($0.address)" == gateway }) {
                result[network.name] = "bridge \(network.bridge) lost its address \(gateway)"
            }
            if !isTableIntact { result[network.name] = "the firewall table was changed" }
        }
        return result
    }

    // MARK: Rules and names

    package func apply(_ state: NetworkState) async throws -> NetworkFaults {
        var faults = NetworkFaults()
        let (rules, owners) = rules(state)
        let outcome = try await driver.setRules(rules)
        for name in outcome.enabledSysctls { log.notice("switched on \(name): container networks need it") }
        for note in outcome.notes { log.warning("\(note)") }
        for (port, reason) in outcome.refusedPorts { faults.add(reason, of: owners[port], "port \(port.hostPort)") }
        for zone in state.zones {
            for network in state.networks where zone.directories.contains(network.name) {
                guard let reason = outcome.refusedNetworks[network.bridge] else { continue }
                faults.add(reason, of: zone.container, "network \(network.name)")
            }
        }
        if applied.setNetworks(state.networks.map(\.bridge)) { await openForeignFirewalls() }
        for directory in state.directories where applied.isNew(directory) { try await tell(directory) }
        for zone in state.zones where applied.isNew(zone) {
            do {
                try await serve(zone)
            } catch {
                if case NameServiceError.lost = error { throw error }
                faults.add("\(error)", of: zone.container, "names")
            }
        }
        for gone in applied.served(except: Set(state.zones.map(\.container))) { try await names.forget(gone) }
        for gone in applied.told(except: Set(state.directories.map(\.network))) {
            try await names.setDirectory(gone, nil)
        }
        let proxies = state.published.flatMap { published in
            PortPaths(
                port: published.port, addresses: published.addresses.compactMap { IPAddress($0) },
                container: published.container
            ).proxies
        }
        for (rule, reason) in try await names.setProxies(Set(proxies)) {
            faults.add(reason, of: rule.owner, "port \(rule.listen)")
        }
        for (container, reason) in try await names.holdLostPorts() { faults.add(reason, of: container, "ports") }
        return faults
    }

    /// The table's content, and whose ports those are.
    private func rules(_ state: NetworkState) -> (FirewallRules, [PublishedPort: String]) {
        var rules = FirewallRules()
        var owners: [PublishedPort: String] = [:]
        rules.networks = state.networks.map { network in
            let options = network.definition.bridgeOptions
            return NetworkRules(
                bridge: network.bridge, subnets: network.subnets.compactMap { CIDR($0) },
                isInternal: network.definition.isInternal, allowsPeers: options.allowsPeers,
                masquerades: options.masquerades)
        }
        for published in state.published {
            let paths = PortPaths(
                port: published.port, addresses: published.addresses.compactMap { IPAddress($0) },
                container: published.container)
            for port in paths.rules {
                rules.ports.append(port)
                owners[port] = published.container
            }
        }
        return (rules, owners)
    }

    private func tell(_ directory: NetworkState.Directory) async throws {
        let reverse = directory.reverse.compactMap { address, name in
            IPAddress(address).map { Zone.ReverseName($0, name) }
        }
        let names = directory.names.mapValues { $0.compactMap { IPAddress($0) } }
        try await self.names.setDirectory(directory.network, Directory(names: names, reverse: reverse))
        applied.set(directory)
    }

    /// Not while the container is being removed: a server that comes up behind its back would keep its namespace for ever.
    private func serve(_ zone: NetworkState.Zone) async throws {
        try await serving.with(zone.container) { [self] in
            guard !applied.isRetired(zone.container) else { return }
            let namespace = paths.namespace(zone.container)
            if !applied.isServed(zone.container) {
                let ports = try await names.serve(id: zone.container, namespacePath: namespace)
                try await driver.redirectDNS(
                    namespacePath: namespace, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            }
            var wanted = Zone(
                directories: zone.directories, names: zone.names.mapValues { $0.compactMap { IPAddress($0) } },
                networks: zone.networks.compactMap { CIDR($0) })
            if !zone.isInternal {
                wanted.upstreams = zone.upstreams.compactMap { IPAddress($0) }.map { .init(SocketEndpoint($0, 53)) }
            }
            wanted.keepsSingleLabels = ResolverConfiguration.keepsSingleLabels(options: zone.options)
            try await names.setZone(id: zone.container, wanted)
            applied.set(zone)
        }
    }

    /// Ends the serving of a container's names for good.
    func retire(_ container: String) async throws {
        try await serving.with(container) { [self] in
            applied.retire(container)
            // berth-net holds the namespace until it forgets it.
            try await names.forget(container)
        }
    }

    // MARK: Other firewalls

    package func obstacles() async -> [EngineFailure] { applied.obstacles }

    func openForeignFirewalls() async {
        do {
            let report = try await driver.openForeignFirewalls()
            let obstacles = report.warnings.map { warning in
                EngineFailure(code: "unsupported", message: warning.message, hint: warning.advice)
            }
            guard applied.setObstacles(obstacles) else { return }
            for warning in report.warnings { log.warning("\(warning)") }
        } catch {
            log.warning("other firewalls could not be looked at: \(error)")
        }
    }

    // MARK: Ports

    package func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    {
        let wishes = try ports.map { try Self.wish(for: $0) }
        switch try await names.hold(wishes, for: container) {
        case .held(let numbers): return zip(ports, numbers).map { $0.at($1) }
        case .taken(let clash): throw await failure(clash, wishes[clash.index], container)
        }
    }

    package func probe(_ port: ContainerRecord.Port, count: Int) async throws {
        let wish = try Self.wish(for: port)
        guard let clash = try await names.probe(wish, count: count) else { return }
        throw await failure(clash, wish, nil)
    }

    static func wish(for port: ContainerRecord.Port) throws(EngineFailure) -> PortWish {
        guard let kind = InternetSocket.Kind(rawValue: port.transport) else {
            throw EngineFailure(
                code: "unsupported",
                message: "port \(port.target)/\(port.transport): this machine has no such sockets")
        }
        return PortWish(
            addresses: try PortPaths.heldAddresses(port), ports: port.numbers, preferred: port.preferred,
            avoided: port.avoided, transport: kind)
    }

    private func failure(_ clash: PortClash, _ wish: PortWish, _ container: String?) async -> EngineFailure {
        let endpoint = clash.endpoint
        let owner: PortOwner? =
            if clash.owner == nil {
                await blocking.runInfallible { PortOwner.find(endpoint, wish.transport) }
            } else {
                nil
            }
        let who =
            clash.owner.map { $0 == container ? "this container itself" : "container \($0.prefix(12))" }
            ?? owner.map { "\($0.program) (process \($0.pid))" } ?? "another program"
        let port = "port \(endpoint)/\(wish.transport.rawValue)"
        guard wish.ports.count > 1 else {
            return EngineFailure(
                code: "port_taken", message: "\(port) is already in use by \(who)",
                hint: "stop it, or publish another port")
        }
        let range = "\(wish.ports.lowerBound)-\(wish.ports.upperBound)/\(wish.transport.rawValue)"
        let left =
            clash.free == 0 ? "none of the ports \(range) is free" : "only \(clash.free) of the ports \(range) are free"
        return EngineFailure(
            code: "port_taken", message: "\(left): \(port) is in use by \(who)", hint: "publish a longer range")
    }

    package func releasePorts(of container: String) async {
        do { try await names.letGo(of: container) } catch {
            log.warning("ports of container \(container.prefix(12)) could not be let go of: \(error)")
        }
    }
}

extension NetworkFaults {
    fileprivate mutating func add(_ reason: String, of container: String?, _ what: String) {
        guard let container, containers[container] == nil else { return }
        containers[container] = EngineFailure(code: "failed", message: "\(what): \(reason)")
    }
}

/// What was applied last, so that only changes are sent.
final class AppliedNetwork: Sendable {
    private struct State {
        var directories: [String: NetworkState.Directory] = [:]
        var zones: [String: NetworkState.Zone] = [:]
        var bridges: [String] = []
        /// Containers that are being removed: a state that was derived before may still name them.
        var retired: Set<String> = []
        var obstacles: [EngineFailure] = []
    }

    // The mutex guards all of it.
    private let state = Mutex(State())

    /// True when they are others than the last time.
    func setNetworks(_ bridges: [String]) -> Bool {
        state.withLock { state in
            defer { state.bridges = bridges }
            return state.bridges != bridges
        }
    }

    func isNew(_ directory: NetworkState.Directory) -> Bool {
        state.withLock { $0.directories[directory.network] != directory }
    }
    func set(_ directory: NetworkState.Directory) {
        state.withLock { $0.directories[directory.network] = directory }
    }
    /// Networks whose names were told and that nobody is on any more; they count as forgotten.
    func told(except wanted: Set<String>) -> [String] {
        state.withLock { state in
            let gone = state.directories.keys.filter { !wanted.contains($0) }
            for network in gone { state.directories[network] = nil }
            return gone.sorted()
        }
    }

    func isNew(_ zone: NetworkState.Zone) -> Bool { state.withLock { $0.zones[zone.container] != zone } }
    func isServed(_ container: String) -> Bool { state.withLock { $0.zones[container] != nil } }
    func set(_ zone: NetworkState.Zone) { state.withLock { $0.zones[zone.container] = zone } }
    func isRetired(_ container: String) -> Bool { state.withLock { $0.retired.contains(container) } }
    func retire(_ container: String) {
        state.withLock { state in
            state.zones[container] = nil
            state.retired.insert(container)
        }
    }

    var obstacles: [EngineFailure] { state.withLock { $0.obstacles } }
    /// True when they are others than before.
    func setObstacles(_ obstacles: [EngineFailure]) -> Bool {
        state.withLock { state in
            defer { state.obstacles = obstacles }
            return state.obstacles != obstacles
        }
    }

    /// The name service was started anew: everything has to be told again.
    func forgetAll() {
        state.withLock {
            $0.zones = [:]
            $0.directories = [:]
        }
    }

    /// Containers that are served and should not be any more; they count as forgotten.
    func served(except wanted: Set<String>) -> [String] {
        state.withLock { state in
            let gone = state.zones.keys.filter { !wanted.contains($0) }
            for container in gone { state.zones[container] = nil }
            // The next states do not name them either.
            state.retired.formIntersection(wanted)
            return gone.sorted()
        }
    }
}

extension ContainerRecord.Endpoint {
    func spec(namespace: String) -> EndpointSpec {
        EndpointSpec(
            namespacePath: namespace, interfaceName: interface, hostInterface: hostInterface, bridge: bridge,
            macAddress: macAddress.flatMap { MACAddress($0) },
            addresses: (addresses + (linkLocalAddresses ?? [])).compactMap { CIDR($0) },
            defaultGateways: gateways.compactMap { IPAddress($0) }, mtu: mtu, allowsPeers: isIsolated != true)
    }
}
