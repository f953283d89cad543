import EngineWire
import Linux
import Networking
import ProjectModel
import Reconcile

extension Inventory {
    /// Subnets and gateways for a new network: those of the file, else the first free range of the pools.
    /// - Throws: `EngineFailure` when a wanted subnet clashes, naming what it clashes with.
    func chooseSubnets(
        _ definition: NetworkDefinition, hostSubnets: [String]
    ) throws -> (subnets: [String], gateways: [String]) {
        if let text = definition.ipam?.config.compactMap(\.subnet).first(where: { CIDR($0) == nil }) {
            throw EngineFailure(
                code: "invalid", message: "network \(definition.name): \"\(text)\" is no subnet",
                hint: "write it as 10.1.0.0/16")
        }
        var used = hostSubnets.compactMap { CIDR($0) }.map { RangeInUse($0, by: "a route of this host") }
        for network in allNetworks() {
            used += network.subnets.compactMap { CIDR($0) }.map { RangeInUse($0, by: "network \(network.name)") }
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
        return (pools.map { "\($0.subnet)" }, pools.map { "\($0.gateway)" })
    }

    /// Those that the file names; what cannot be read as a subnet was refused before.
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
            case .overlap: "choose another subnet, or leave it out and berth finds a free one"
            case .exhausted: "give the network a subnet of its own under `ipam`, or remove networks that are not needed"
            case .outside, .taken, .full, .tooSmall: "see `berth network inspect \(network)`"
            }
        return EngineFailure(code: "conflict", message: "network \(network): \(error)", hint: hint)
    }

    /// Adds a container's record with an endpoint on each network of its service; addresses cannot be given twice.
    /// `linkName` names the host's end of the link to a network.
    func insertAllocating(
        _ draft: ContainerRecord, linkName: @Sendable (String) -> String
    ) async throws -> ContainerRecord {
        var record = draft
        if record.spec.networkMode == nil {
            let attachments = record.spec.networks.enumerated().sorted {
                ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset)
            }.map(\.element)
            for (index, attachment) in attachments.enumerated() {
                var endpoint = try endpoint(attachment, index: index, of: record)
                endpoint.hostInterface = linkName(endpoint.network)
                record.endpoints.append(endpoint)
            }
            giveDefaultRoute(attachments, to: &record)
            giveHostAddress(to: &record)
        }
        try await insert(record)
        return record
    }

    /// Ports that name no address are published where the network that leads to them says.
    private func giveHostAddress(to record: inout ContainerRecord) {
        guard let name = record.publishingEndpoint?.network,
            let address = network(name)?.definition.bridgeOptions.hostAddress
        else { return }
        for index in record.ports.indices where record.ports[index].hostIP == nil {
            record.ports[index].hostIP = address
        }
    }

    private func endpoint(
        _ attachment: NetworkAttachment, index: Int, of record: ContainerRecord
    ) throws -> ContainerRecord.Endpoint {
        let name = record.definitions.networks[attachment.network]?.name ?? "\(record.project)_\(attachment.network)"
        guard let network = network(name), !isLeaving(network: name) else {
            throw EngineFailure(
                code: "not_found", message: "network \(name) does not exist", hint: "run `berth up` to make it")
        }
        let predecessor = record.successorOf.flatMap { containers[$0] }
        let inherited = (predecessor?.endpoints.first { $0.network == name }?.addresses ?? []).compactMap {
            IPAddress(String($0.prefix { $0 != "/" }))
        }
        let old = predecessor?.spec.networks.first { $0.network == attachment.network }
        var addresses: [String] = []
        for (subnet, gateway) in zip(network.subnets, network.gateways) {
            guard let subnet = CIDR(subnet), let gateway = IPAddress(gateway) else { continue }
            let wanted = subnet.family == .v4 ? attachment.ipv4Address : attachment.ipv6Address
            do throws(AddressError) {
                var pool = try pool(subnet, gateway, of: network, without: predecessor?.id)
                let wasFixed = (subnet.family == .v4 ? old?.ipv4Address : old?.ipv6Address) != nil
                let address: IPAddress
                if let wanted = wanted.flatMap({ IPAddress($0) }) {
                    try pool.claim(wanted, for: record.name)
                    address = wanted
                } else if let own = inherited.first(where: { subnet.contains($0) }), !wasFixed {
                    // Whoever knows it by its address goes on to reach it.
                    try pool.claim(own, for: record.name)
                    address = own
                } else if let former = addressMemory.former(of: record.name, in: name, subnet.family),
                    pool.range.contains(former), (try? pool.claim(former, for: record.name)) != nil
                {
                    address = former
                } else {
                    address = try pool.allocate(for: record.name)
                    addressMemory.given(address, in: name)
                }
                addresses.append("\(address)/\(subnet.prefixLength)")
            } catch { throw Self.failure(error, name) }
        }
        let options = network.definition.bridgeOptions
        return ContainerRecord.Endpoint(
            network: name, key: attachment.network,
            interface: attachment.interfaceName ?? "\(options.interfacePrefix)\(index)",
            hostInterface: "", bridge: network.bridge, macAddress: attachment.macAddress ?? record.spec.macAddress,
            addresses: addresses, linkLocalAddresses: Self.linkLocal(attachment), aliases: aliases(attachment, record),
            gateways: [], mtu: options.mtu, isIsolated: options.allowsPeers ? nil : true)
    }

    /// The subnet of a network with all that is held in it by others than the container `predecessor`.
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
                for text in endpoint.addresses {
                    guard let address = IPAddress(String(text.prefix { $0 != "/" })), subnet.contains(address) else {
                        continue
                    }
                    try pool.claim(address, for: user.name)
                }
            }
        }
        return pool
    }

    /// IPv4 ones have the prefix of 169.254.0.0/16 (RFC 3927), IPv6 ones that of fe80::/64 (RFC 4291).
    private static func linkLocal(_ attachment: NetworkAttachment) -> [String]? {
        let addresses = attachment.linkLocalIPs.compactMap { IPAddress($0) }
        return addresses.isEmpty ? nil : addresses.map { "\($0)/\($0.family == .v4 ? 16 : 64)" }
    }

    /// A one-off answers to its own name only, unless it was asked to stand in for the service.
    private func aliases(_ attachment: NetworkAttachment, _ record: ContainerRecord) -> [String] {
        var aliases = [record.name, String(record.id.prefix(12))]
        if record.oneOff?.useAliases ?? true { aliases += [record.service] + attachment.aliases }
        if let hostname = record.spec.hostname { aliases.append(hostname) }
        return aliases
    }

    /// The default route goes through the network with the highest gateway priority, then by name; never an internal one.
    private func giveDefaultRoute(_ attachments: [NetworkAttachment], to record: inout ContainerRecord) {
        let priorities = Dictionary(attachments.map { ($0.network, $0.gatewayPriority) }) { first, _ in first }
        let candidates = record.endpoints.indices.filter {
            network(record.endpoints[$0].network)?.definition.isInternal == false
        }
        let chosen = candidates.min { left, right in
            let a = record.endpoints[left]
            let b = record.endpoints[right]
            return (priorities[b.key] ?? 0, a.network) < (priorities[a.key] ?? 0, b.network)
        }
        guard let chosen, let network = network(record.endpoints[chosen].network) else { return }
        record.endpoints[chosen].gateways = network.gateways
    }
}
