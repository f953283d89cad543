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
        do { try await driver.create(network.realisation, network.plan) } catch let error as NetworkError {
            throw EngineFailure(code: .unsupported, message: "network \(network.name): \(error)")
        }
    }

    package func hasInterface(_ name: String) async throws -> Bool {
        try await driver.observe().interfaces.contains { $0.name == name }
    }

    package func removeNetwork(_ network: NetworkRecord) async throws { try await driver.remove(network.realisation) }

    package func hostSubnets() async throws -> [CIDR] { try await driver.observe().usedRanges.map(\.range) }

    package func damage(of networks: [NetworkRecord]) async throws -> [String: String] {
        let own = networks.filter { !$0.definition.external }
        guard !own.isEmpty else { return [:] }
        let wanted = Dictionary(own.map { ($0.name, ($0.realisation, $0.plan)) }) { first, _ in first }
        let found = try await driver.damage(of: wanted)
        var result = found.damage
        for network in own where !found.isTableIntact && network.realisation.guardedInterface != nil {
            result[network.name] = "the firewall table was changed"
        }
        return result
    }

    // MARK: Rules and names

    package func apply(_ change: NetworkChange) async throws -> NetworkFaults {
        var faults = NetworkFaults()
        let (rules, owners) = rules(change)
        let outcome = try await driver.changeRules(rules)
        for name in outcome.enabledSysctls { log.notice("enabled \(name): container networks need it") }
        for note in outcome.notes { log.warning("\(note)") }
        applied.merge(change)
        for (port, reason) in outcome.refusedPorts {
            if let owner = owners[port] { faults.add(reason, of: owner, "port \(port.hostPort)") }
        }
        for (interface, reason) in outcome.refusedNetworks {
            for (network, container) in applied.members(ofNetworkAt: interface) {
                faults.add(reason, of: container, "network \(network)")
            }
        }
        if applied.takeNewNetworks() { await openForeignFirewalls() }
        for (network, directory) in applied.untoldDirectories { try await tell(directory, of: network) }
        for (container, zone) in applied.untoldZones {
            do {
                if let zone { try await serve(zone) } else { try await names.forget(container) }
                applied.told(container, zone)
            } catch {
                if case NameServiceError.lost = error { throw error }
                faults.add("\(error)", of: container, "names")
            }
        }
        var proxies: [String: Set<ProxyRule>] = [:]
        for (id, container) in change.containers {
            proxies[id] = Set(container.map { $0.published.flatMap { $0.paths(of: id).proxies } } ?? [])
        }
        for (rule, reason) in try await names.setProxies(proxies, isWhole: change.isWhole) {
            faults.add(reason, of: rule.owner, "port \(rule.listen)")
        }
        for (container, reason) in try await names.holdLostPorts() { faults.add(reason, of: container, "ports") }
        return faults
    }

    /// The change to the firewall table, and the container of each published port.
    private func rules(_ change: NetworkChange) -> (FirewallChange, [PublishedPort: String]) {
        var rules = FirewallChange(isWhole: change.isWhole)
        var owners: [PublishedPort: String] = [:]
        for (name, network) in change.networks {
            guard let network, let interface = network.realisation.guardedInterface else {
                rules.networks[name] = .some(nil)
                continue
            }
            let options = network.definition.bridgeOptions
            rules.networks[name] = NetworkRules(
                bridge: interface, subnets: network.subnets,
                isInternal: network.definition.isInternal, allowsPeers: options.allowsPeers,
                masquerades: options.masquerades)
        }
        for (id, container) in change.containers {
            let ports = container?.published.flatMap { $0.paths(of: id).rules } ?? []
            rules.ports[id] = ports
            for port in ports { owners[port] = id }
        }
        return (rules, owners)
    }

    private func tell(_ directory: NetworkChange.Directory?, of network: String) async throws {
        if let directory {
            let reverse = directory.reverse.map { Zone.ReverseName($0, $1) }
            try await names.setDirectory(network, Directory(names: directory.names, reverse: reverse))
        } else {
            try await names.setDirectory(network, nil)
        }
        applied.told(directory, of: network)
    }

    /// Never while the container is being removed: a server started then would keep its namespace forever.
    private func serve(_ zone: NetworkChange.Zone) async throws {
        try await serving.with(zone.container) { [self] in
            guard !applied.isRetired(zone.container) else { return }
            let namespace = paths.namespace(zone.container)
            if !applied.isServed(zone.container) {
                let ports = try await names.serve(id: zone.container, namespacePath: namespace)
                try await driver.redirectDNS(
                    namespacePath: namespace, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            }
            var wanted = Zone(
                directories: zone.directories, names: zone.names, networks: zone.networks)
            if !zone.isInternal {
                wanted.upstreams = zone.upstreams.map { .init(SocketEndpoint($0, 53)) }
            }
            wanted.keepsSingleLabels = ResolverConfiguration.keepsSingleLabels(options: zone.options)
            try await names.setZone(id: zone.container, wanted)
        }
    }

    /// Stops serving a container's names for good.
    func retire(_ container: String) async throws {
        try await serving.with(container) { [self] in
            applied.retire(container)
            // berth-net holds the namespace until it forgets it.
            try await names.forget(container)
        }
    }

    // MARK: Other firewalls

    package func obstacles() async -> [EngineFailure] {
        // There are no events for the older packet filter, so check it each time.
        let legacy = (try? await driver.legacyFirewallWarnings()) ?? []
        return applied.obstacles + legacy.map(Self.obstacle)
    }

    private static func obstacle(_ warning: ForeignFirewallReport.Warning) -> EngineFailure {
        EngineFailure(code: .unsupported, message: warning.message, hint: warning.advice)
    }

    func openForeignFirewalls() async {
        do {
            let report = try await driver.openForeignFirewalls()
            guard applied.setObstacles(report.warnings.map(Self.obstacle)) else { return }
            let legacy = try await driver.legacyFirewallWarnings()
            for warning in report.warnings + legacy { log.warning("\(warning)") }
        } catch {
            log.warning("other firewalls could not be read: \(error)")
        }
    }

    // MARK: Ports

    package func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    {
        let wishes = try ports.map { try Self.wish(for: $0) }
        switch try await names.hold(wishes, for: container) {
        case .held(let numbers): return zip(ports, numbers).map { $0.at($1) }
        case .taken(let clash): throw await taken(clash, wishes[clash.index], container)
        }
    }

    package func probe(_ port: ContainerRecord.Port, count: Int) async throws {
        let wish = try Self.wish(for: port)
        guard let clash = try await names.probe(wish, count: count) else { return }
        throw await taken(clash, wish, nil)
    }

    static func wish(for port: ContainerRecord.Port) throws(EngineFailure) -> PortWish {
        guard let kind = InternetSocket.Kind(rawValue: port.transport) else {
            throw EngineFailure(
                code: .unsupported,
                message: "port \(port.target)/\(port.transport): this machine does not support such sockets")
        }
        return PortWish(
            addresses: try PortPaths.heldAddresses(port), ports: port.numbers, preferred: port.preferred,
            avoided: port.avoided, transport: kind)
    }

    private func taken(_ clash: PortClash, _ wish: PortWish, _ container: String?) async -> PortTaken {
        let endpoint = clash.endpoint
        let holder: PortTaken.Holder
        if let owner = clash.owner {
            holder = owner == container ? .itself : .container(owner)
        } else {
            let owner = await blocking.runInfallible { PortOwner.find(endpoint, wish.transport) }
            holder = owner.map { .program($0) } ?? .unknown
        }
        let kind = wish.transport.rawValue
        let range = PortTaken.Range(
            ports: "\(wish.ports.lowerBound)-\(wish.ports.upperBound)/\(kind)", free: clash.free)
        return PortTaken(port: "\(endpoint)/\(kind)", holder: holder, range: wish.ports.count > 1 ? range : nil)
    }

    package func releasePorts(of container: String) async {
        do { try await names.letGo(of: container) } catch {
            log.warning("ports of container \(container.prefix(12)) could not be released: \(error)")
        }
    }
}

extension NetworkRecord {
    /// What it should be, whatever kind of network it is.
    fileprivate var plan: NetworkPlan {
        let addresses = zip(subnets, gateways).compactMap { CIDR($1, prefixLength: $0.prefixLength) }
        return NetworkPlan(addresses: addresses, mtu: definition.bridgeOptions.mtu)
    }
}

extension NetworkChange.Published {
    fileprivate func paths(of container: String) -> PortPaths {
        PortPaths(port: port, addresses: addresses, container: container)
    }
}

extension ContainerRecord.Endpoint {
    func spec(namespace: String) -> EndpointSpec {
        EndpointSpec(
            namespacePath: namespace, interfaceName: interface, hostInterface: hostInterface, realisation: link,
            macAddress: macAddress,
            addresses: addresses + (linkLocalAddresses ?? []),
            defaultGateways: gateways, mtu: mtu, allowsPeers: isIsolated != true,
            settings: settings ?? [])
    }
}
