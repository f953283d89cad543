import EngineWire
import Linux
import Networking
import ProjectModel
import Reconcile

extension ContainerRecord {
    /// The full name of the network with the key `key`.
    func networkName(_ key: String) -> String {
        definitions.networks[key]?.name ?? project.map { "\($0)_\(key)" } ?? key
    }
}

extension Inventory {
    /// The subnets and gateways of a new network: those in the file, or else the first free range of the address pools.
    /// - Throws: `EngineFailure` that names what a requested subnet overlaps with.
    func chooseSubnets(
        _ definition: NetworkDefinition, hostSubnets: [CIDR]
    ) throws -> (subnets: [CIDR], gateways: [IPAddress]) {
        if let text = definition.ipam?.config.compactMap(\.subnet).first(where: { CIDR($0) == nil }) {
            throw EngineFailure(
                code: .invalid, message: "network \(definition.name): \"\(text)\" is not a subnet",
                hint: "write it as 10.1.0.0/16")
        }
        // A network that shares an interface of the host uses the subnet of that interface.
        let routes = definition.kind?.hasHost == false && definition.ipam != nil ? [] : hostSubnets
        var used = routes.map { RangeInUse($0, by: "a route of this host") }
        for network in allNetworks() {
            used += network.subnets.map { RangeInUse($0, by: "network \(network.name)") }
        }
        var pools: [AddressPool] = []
        do throws(AddressError) {
            for pool in try wantedPools(of: definition) {
                let others = pools.map { RangeInUse($0.subnet, by: "the same network") }
                try SubnetPools.check(pool.subnet, for: "network \(definition.name)", against: used + others)
                pools.append(pool)
            }
            if definition.enableIPv4, !pools.contains(where: { $0.subnet.family == .v4 }) {
                pools.append(try AddressPool(subnet: addressPools.subnet(avoiding: used)))
            }
            if definition.enableIPv6, !pools.contains(where: { $0.subnet.family == .v6 }) {
                let subnet = try SubnetPools.uniqueLocal(forNetwork: definition.name, avoiding: used)
                pools.append(try AddressPool(subnet: subnet))
            }
        } catch { throw Self.failure(error, definition.name) }
        return (pools.map(\.subnet), pools.map(\.gateway))
    }

    /// The pools in the file. Subnets that cannot be parsed were refused earlier.
    private func wantedPools(of definition: NetworkDefinition) throws(AddressError) -> [AddressPool] {
        var pools: [AddressPool] = []
        for pool in definition.ipam?.config ?? [] {
            guard let subnet = pool.subnet.flatMap({ CIDR($0) })?.network else { continue }
            pools.append(
                try AddressPool(
                    subnet: subnet, range: pool.ipRange.flatMap { CIDR($0) },
                    gateway: pool.gateway.flatMap { IPAddress($0) },
                    auxiliary: pool.auxAddresses.compactMapValues { IPAddress($0) }))
        }
        return pools
    }

    private static func failure(_ error: AddressError, _ network: String) -> EngineFailure {
        let hint =
            switch error {
            case .overlap: "choose another subnet, or leave it out, and berth finds a free one"
            case .exhausted: "give the network a subnet of its own under `ipam`, or remove networks that are not needed"
            case .outside, .taken, .full, .tooSmall: "see `berth network inspect \(network)`"
            }
        return EngineFailure(code: .conflict, message: "network \(network): \(error)", hint: hint)
    }

    /// Adds a container's record with an endpoint on each network of its service. Never gives one address to two
    /// containers. `linkName` names the host's end of the link to a network.
    func insertAllocating(
        _ draft: ContainerRecord, linkName: @Sendable (String) -> String
    ) async throws -> ContainerRecord {
        var record = draft
        var given: [GivenAddress] = []
        if record.template.networkMode == nil {
            let attachments = record.template.networks.enumerated().sorted {
                ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset)
            }.map(\.element)
            for (index, attachment) in attachments.enumerated() {
                // It joins when it starts, as docker compose expects: it makes a container before it stops the one that has the address.
                if record.wish?.goal == .created, hasTakenAddress(attachment, of: record) { continue }
                var endpoint = try endpoint(attachment, index: index, of: record, &given)
                endpoint.hostInterface = linkName(endpoint.network)
                record.endpoints.append(endpoint)
            }
            giveDefaultRoute(attachments, to: &record)
            // Without an endpoint that the host reaches, ports cannot be published.
            if !record.endpoints.isEmpty, record.publishingEndpoint == nil { record.ports = [] }
            giveHostAddress(to: &record)
        }
        try await insert(record, given: given)
        return record
    }

    /// Another container has an address that `attachment` names.
    private func hasTakenAddress(_ attachment: NetworkAttachment, of record: ContainerRecord) -> Bool {
        !holders(of: attachment, for: record).isEmpty
    }

    /// The stopped containers of no project that have an address that `attachment` names. As with Docker, another container gets it
    /// when it starts; these look for it again at their own start.
    func restingHolders(of attachment: NetworkAttachment, for record: ContainerRecord) -> [String] {
        holders(of: attachment, for: record).filter { holder in
            guard case .free = holder.owner else { return false }
            return !holder.isLive
        }.map(\.id)
    }

    private func holders(of attachment: NetworkAttachment, for record: ContainerRecord) -> [ContainerRecord] {
        let wanted = [attachment.ipv4Address, attachment.ipv6Address].compactMap { $0.flatMap { IPAddress($0) } }
        let name = record.networkName(attachment.network)
        return users(ofNetwork: name).filter { user in
            user.id != record.id
                && user.endpoints.contains { $0.network == name && $0.bareAddresses.contains(where: wanted.contains) }
        }
    }

    /// Connects an existing container to one more network.
    func addEndpoint(
        _ attachment: NetworkAttachment, _ definition: NetworkDefinition?, to id: String,
        linkName: @Sendable (String) -> String
    ) async throws -> ContainerRecord {
        let record = try await rewrite(id) { record, given in
            if let definition { record.definitions.networks[attachment.network] = definition }
            let names = Set(record.endpoints.map(\.interface))
            var endpoint = try self.endpoint(attachment, index: 0, of: record, &given)
            if attachment.interfaceName == nil {
                // The lowest number that none of its other interfaces has.
                let prefix = endpoint.interface.dropLast()
                let number = (0...names.count).first { !names.contains("\(prefix)\($0)") }
                endpoint.interface = "\(prefix)\(number ?? names.count)"
            }
            endpoint.hostInterface = linkName(endpoint.network)
            record.endpoints.append(endpoint)
            self.giveDefaultRoute(record.template.networks + [attachment], to: &record)
        }
        guard let record else { throw EngineFailure(code: .notFound, message: "container \(id.prefix(12)) is gone") }
        return record
    }

    /// Disconnects a container from a network that is being removed; the container's service still names the network.
    func removeEndpoint(on network: String, of id: String) async throws {
        _ = try await rewrite(id) { record, _ in
            record.endpoints.removeAll { $0.network == network }
            self.giveDefaultRoute(record.template.networks, to: &record)
        }
    }

    /// Disconnects a container from networks that its service does not name.
    func removeUnjoinedEndpoints(of id: String) async throws -> ContainerRecord? {
        try await rewrite(id) { record, _ in
            let keys = Set(record.template.networks.map(\.network))
            record.endpoints.removeAll { !keys.contains($0.key) }
            self.giveDefaultRoute(record.template.networks, to: &record)
        }
    }

    /// `record` with everything from `wanted` except the set of networks: service, labels, ports, and its names on the
    /// networks that it is on.
    func described(_ record: ContainerRecord, as wanted: ContainerRecord) -> ContainerRecord {
        var next = record
        next.template = wanted.template
        // Only the networks that it is already on.
        let joined = Set(record.template.networks.map(\.network))
        next.template.networks.removeAll { !joined.contains($0.network) }
        next.labels = wanted.labels
        next.definitions = wanted.definitions
        next.ports = wanted.ports.map { port in
            let own = record.ports.first { $0.target == port.target && $0.transport == port.transport }
            guard let own, own.hostPort != 0, port.numbers.contains(own.hostPort) || port.numbers.lowerBound == 0 else {
                return port
            }
            return port.at(own.hostPort)
        }
        giveHostAddress(to: &next)
        for index in next.endpoints.indices {
            let attachment = next.template.networks.first { $0.network == next.endpoints[index].key }
            if let attachment { next.endpoints[index].aliases = aliases(attachment, next) }
        }
        giveDefaultRoute(next.template.networks, to: &next)
        return next
    }

    /// Fills in the host address of ports that name none, from the options of the network that they lead to.
    private func giveHostAddress(to record: inout ContainerRecord) {
        guard let name = record.publishingEndpoint?.network,
            let address = network(name)?.definition.bridgeOptions.hostAddress ?? networkDefaults.publishAddress
        else { return }
        for index in record.ports.indices where record.ports[index].hostIP == nil {
            record.ports[index].hostIP = address
        }
    }

    private func endpoint(
        _ attachment: NetworkAttachment, index: Int, of record: ContainerRecord, _ given: inout [GivenAddress]
    ) throws -> ContainerRecord.Endpoint {
        let name = record.networkName(attachment.network)
        guard let network = network(name), !isLeaving(network: name) else {
            throw EngineFailure(
                code: .notFound, message: "network \(name) does not exist", hint: "run `berth up` to create it")
        }
        let predecessor = record.runsBeside == true ? nil : record.successorOf.flatMap { containers[$0] }
        let inherited = predecessor?.endpoints.first { $0.network == name }?.bareAddresses ?? []
        let old = predecessor?.template.networks.first { $0.network == attachment.network }
        var addresses: [CIDR] = []
        for (subnet, gateway) in zip(network.subnets, network.gateways) {
            let wanted = subnet.family == .v4 ? attachment.ipv4Address : attachment.ipv6Address
            do throws(AddressError) {
                var pool = try pool(subnet, gateway, of: network, without: predecessor?.id)
                let wasFixed = (subnet.family == .v4 ? old?.ipv4Address : old?.ipv6Address) != nil
                let address: IPAddress
                if let wanted = wanted.flatMap({ IPAddress($0) }) {
                    try pool.claim(wanted, for: record.name)
                    address = wanted
                } else if let own = inherited.first(where: { subnet.contains($0) }), !wasFixed {
                    // Clients that know it by its address keep reaching it.
                    try pool.claim(own, for: record.name)
                    address = own
                } else if let former = addressMemory.former(of: record.name, in: name, subnet.family),
                    pool.range.contains(former), (try? pool.claim(former, for: record.name)) != nil
                {
                    address = former
                } else {
                    address = try pool.allocate(for: record.name)
                    addressMemory.given(address, in: name)
                    given.append(GivenAddress(network: name, address: address))
                }
                addresses += [CIDR(address, prefixLength: subnet.prefixLength)].compactMap(\.self)
            } catch { throw Self.failure(error, name) }
        }
        let options = network.definition.bridgeOptions
        let own = try EndpointOptions(attachment.driverOptions)
        return ContainerRecord.Endpoint(
            network: name, key: attachment.network,
            interface: attachment.interfaceName ?? own.interfaceName ?? "\(options.interfacePrefix)\(index)",
            hostInterface: "", realisation: network.realisation,
            macAddress: (attachment.macAddress ?? record.template.macAddress).flatMap { MACAddress($0) },
            addresses: addresses, linkLocalAddresses: Self.linkLocal(attachment), aliases: aliases(attachment, record),
            gateways: [], mtu: options.mtu ?? networkDefaults.mtu, isIsolated: options.allowsPeers ? nil : true,
            settings: own.settings.isEmpty ? nil : own.settings)
    }

    /// The subnet of a network, with the addresses that containers other than `predecessor` hold.
    private func pool(
        _ subnet: CIDR, _ gateway: IPAddress, of network: NetworkRecord, without predecessor: String?
    ) throws(AddressError) -> AddressPool {
        let definition = network.definition.ipam?.config.first {
            $0.subnet.flatMap { CIDR($0) }?.network == subnet.network
        }
        var pool = try AddressPool(
            subnet: subnet, range: definition?.ipRange.flatMap { CIDR($0) }, gateway: gateway,
            auxiliary: (definition?.auxAddresses ?? [:]).compactMapValues { IPAddress($0) },
            last: addressMemory.last(in: network.name, subnet.family))
        for user in users(ofNetwork: network.name) where user.id != predecessor {
            for endpoint in user.endpoints where endpoint.network == network.name {
                for address in endpoint.bareAddresses where subnet.contains(address) {
                    try pool.claim(address, for: user.name)
                }
            }
        }
        return pool
    }

    /// IPv4 addresses get the prefix length of 169.254.0.0/16 (RFC 3927), IPv6 ones that of fe80::/64 (RFC 4291).
    private static func linkLocal(_ attachment: NetworkAttachment) -> [CIDR]? {
        let addresses = attachment.linkLocalIPs.compactMap { IPAddress($0) }
        return addresses.isEmpty
            ? nil : addresses.compactMap { CIDR($0, prefixLength: $0.family == .v4 ? 16 : 64) }
    }

    /// A replica is reachable by its own name and by its service's name.
    private func aliases(_ attachment: NetworkAttachment, _ record: ContainerRecord) -> [String] {
        var aliases = [record.name, String(record.id.prefix(12))]
        if case .replica(_, let service, _) = record.owner { aliases.append(service) }
        aliases += attachment.aliases
        if let hostname = record.template.hostname { aliases.append(hostname) }
        return aliases
    }

    /// The default route goes through the network with the highest gateway priority, then the first by name; never
    /// through an internal network.
    private func giveDefaultRoute(_ attachments: [NetworkAttachment], to record: inout ContainerRecord) {
        let priorities = Dictionary(attachments.map { ($0.network, $0.gatewayPriority) }) { first, _ in first }
        let candidates = record.endpoints.indices.filter {
            network(record.endpoints[$0].network).map { !$0.definition.isInternal && $0.realisation.leadsOut } == true
        }
        let chosen = candidates.min { left, right in
            let a = record.endpoints[left]
            let b = record.endpoints[right]
            return (priorities[b.key] ?? 0, a.network) < (priorities[a.key] ?? 0, b.network)
        }
        for index in record.endpoints.indices { record.endpoints[index].gateways = [] }
        guard let chosen, let network = network(record.endpoints[chosen].network) else { return }
        record.endpoints[chosen].gateways = network.gateways
    }
}
