import EngineWire
import Linux
import Logging
import NameService
import Networking
import ProjectModel
import Synchronization

extension RealMachine {
    package func createNetwork(_ network: NetworkRecord) async throws {
        let addresses = zip(network.subnets, network.gateways).compactMap { subnet, gateway -> CIDR? in
            guard let range = CIDR(subnet), let address = IPAddress(gateway) else { return nil }
            return CIDR(address, prefixLength: range.prefixLength)
        }
        let mtu = network.definition.driverOptions["com.docker.network.driver.mtu"].flatMap { UInt32($0) }
        try await driver.ensureBridge(BridgeSpec(name: network.bridge, addresses: addresses, mtu: mtu))
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

    package func apply(_ state: NetworkState) async throws {
        let outcome = try await driver.setRules(rules(state))
        for name in outcome.enabledSysctls { log.notice("switched on \(name): container networks need it") }
        if !state.networks.isEmpty, applied.setNetworks(state.networks.map(\.bridge)) {
            await Self.openForeignFirewalls(driver, log)
        }
        for directory in state.directories where applied.isNew(directory) { try await tell(directory) }
        for zone in state.zones {
            do {
                try await serve(zone)
            } catch {
                // A container that was removed meanwhile needs no names any more.
                guard fileExists(paths.namespace(zone.container)) else { continue }
                throw error
            }
        }
        for gone in applied.served(except: Set(state.zones.map(\.container))) { try await names.forget(gone) }
        for gone in applied.told(except: Set(state.directories.map(\.network))) {
            try await names.setDirectory(gone, nil)
        }
        try await names.setProxies(Set(state.published.flatMap(Self.proxies)))
    }

    /// What no rule can forward: IPv6 of this host to a container that has IPv4 alone.
    private static func proxies(_ published: NetworkState.Published) -> [ProxyRule] {
        let addresses = published.addresses.compactMap { IPAddress($0) }
        guard !addresses.contains(where: { $0.family == .v6 }), let target = addresses.first,
            let kind = InternetSocket.Kind(rawValue: published.port.transport)
        else { return [] }
        let listen: IPAddress
        switch published.port.hostIP.flatMap({ IPAddress($0) }) {
        case nil: listen = kind == .tcp ? .anyV6 : .loopbackV6
        case let address? where address.family == .v6: listen = address
        case _?: return []
        }
        return [
            ProxyRule(
                listen: SocketEndpoint(listen, published.port.hostPort),
                target: SocketEndpoint(target, published.port.target),
                transport: kind)
        ]
    }

    private func rules(_ state: NetworkState) -> FirewallRules {
        var rules = FirewallRules()
        rules.networks = state.networks.map { network in
            let options = network.definition.driverOptions
            return NetworkRules(
                bridge: network.bridge, subnets: network.subnets.compactMap { CIDR($0) },
                isInternal: network.definition.isInternal,
                allowsPeers: options["com.docker.network.bridge.enable_icc"] != "false",
                masquerades: options["com.docker.network.bridge.enable_ip_masquerade"] != "false")
        }
        for published in state.published {
            guard let transport = Transport(rawValue: published.port.transport) else { continue }
            for address in published.addresses.compactMap({ IPAddress($0) }) {
                rules.ports.append(
                    PublishedPort(
                        hostAddress: published.port.hostIP.flatMap { IPAddress($0) }, hostPort: published.port.hostPort,
                        containerAddress: address, containerPort: published.port.target, transport: transport))
            }
        }
        return rules
    }

    private func tell(_ directory: NetworkState.Directory) async throws {
        let reverse = directory.reverse.compactMap { address, name in
            IPAddress(address).map { Zone.ReverseName($0, name) }
        }
        let names = directory.names.mapValues { $0.compactMap { IPAddress($0) } }
        try await self.names.setDirectory(directory.network, Directory(names: names, reverse: reverse))
        applied.set(directory)
    }

    private func serve(_ zone: NetworkState.Zone) async throws {
        guard applied.isNew(zone) else { return }
        let namespace = paths.namespace(zone.container)
        if !applied.isServed(zone.container) {
            let ports = try await names.serve(id: zone.container, namespacePath: namespace)
            try await driver.redirectDNS(namespacePath: namespace, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
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

    // MARK: Ports

    package func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    {
        await releasePorts(of: container)
        var result: [ContainerRecord.Port] = []
        var held: [PortWish] = []
        for port in ports {
            // The proxy binds what is not IPv4 itself.
            if let address = port.hostIP.flatMap({ IPAddress($0) }), address.family == .v6 {
                result.append(port)
                continue
            }
            guard let kind = InternetSocket.Kind(rawValue: port.transport) else {
                throw EngineFailure(
                    code: "unsupported",
                    message: "port \(port.target)/\(port.transport): this machine has no such sockets")
            }
            let addresses = port.hostIP.flatMap { IPAddress($0) }.map { [$0] } ?? [.anyV4]
            do {
                let wish = try await hold(port, addresses, kind)
                held.append(wish)
                var chosen = port
                chosen.hostPort = wish.port
                chosen.hostPortEnd = wish.port
                result.append(chosen)
            } catch {
                try? await names.release(held)
                throw error
            }
        }
        await names.keep(held, for: container)
        return result
    }

    /// The first free port of the range that was asked for.
    private func hold(_ port: ContainerRecord.Port, _ addresses: [IPAddress], _ kind: InternetSocket.Kind) async throws
        -> PortWish
    {
        var taken: EngineFailure?
        for number in port.hostPort...max(port.hostPort, port.hostPortEnd) {
            let wish = PortWish(addresses: addresses, port: number, transport: kind)
            switch try await names.reserve(wish) {
            case .held(let held)?: return PortWish(addresses: addresses, port: held, transport: kind)
            case .taken(let address, let number, let owner)?:
                let who = owner.map { "\($0.program) (process \($0.pid))" } ?? "another program"
                taken = EngineFailure(
                    code: "port_taken",
                    message: "port \(address.hostText):\(number)/\(port.transport) is already in use by \(who)",
                    hint: "stop it, or publish another port")
            case .failed(let reason)?: throw EngineFailure(code: "failed", message: "port \(number): \(reason)")
            case nil: throw EngineFailure(code: "failed", message: "port \(number) could not be held")
            }
        }
        throw taken ?? EngineFailure(code: "failed", message: "no port to hold")
    }

    package func releasePorts(of container: String) async { try? await names.releaseAll(of: container) }
}

/// What was applied last, so that only changes are sent.
final class AppliedNetwork: Sendable {
    private struct State {
        var directories: [String: NetworkState.Directory] = [:]
        var zones: [String: NetworkState.Zone] = [:]
        var bridges: [String] = []
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
    func forget(_ container: String) { state.withLock { _ = $0.zones.removeValue(forKey: container) } }
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
            defaultGateways: gateways.compactMap { IPAddress($0) })
    }
}
