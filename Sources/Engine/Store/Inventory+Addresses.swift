import EngineWire
import Linux
import Networking
import ProjectModel

extension Inventory {
    /// Subnets and gateways for a new network: those of the file, else the first free range of the pools.
    /// - Throws: `EngineFailure` when a wanted subnet clashes, naming what it clashes with.
    func chooseSubnets(
        _ definition: NetworkDefinition, hostSubnets: [String]
    ) throws -> (subnets: [String], gateways: [String]) {
        var used: [(CIDR, String)] = hostSubnets.compactMap { text in CIDR(text).map { ($0, "a route of this host") } }
        for network in allNetworks() {
            used += network.subnets.compactMap { text in CIDR(text).map { ($0, "network \(network.name)") } }
        }
        var subnets: [String] = []
        var gateways: [String] = []
        for pool in definition.ipam?.config ?? [] {
            guard let text = pool.subnet else { continue }
            guard let subnet = CIDR(text)?.network else {
                throw EngineFailure(
                    code: "invalid", message: "network \(definition.name): \"\(text)\" is no subnet",
                    hint: "write it as 10.1.0.0/16")
            }
            if let clash = used.first(where: { $0.0.overlaps(subnet) }) {
                throw EngineFailure(
                    code: "conflict",
                    message: "network \(definition.name): subnet \(subnet) overlaps \(clash.0), \(clash.1)",
                    hint: "choose another subnet, or leave it out and berth finds a free one")
            }
            let gateway =
                pool.gateway.flatMap { IPAddress($0) }
                ?? IPAddress(family: subnet.family, value: subnet.first.value + 1)
            guard subnet.contains(gateway) else {
                throw EngineFailure(
                    code: "invalid",
                    message: "network \(definition.name): gateway \(gateway) is not in subnet \(subnet)")
            }
            subnets.append("\(subnet)")
            gateways.append("\(gateway)")
        }
        let families = subnets.compactMap { CIDR($0)?.family }
        if definition.enableIPv4, !families.contains(.v4) { try addFree(.v4, definition, used, &subnets, &gateways) }
        if definition.enableIPv6, !families.contains(.v6) { try addFree(.v6, definition, used, &subnets, &gateways) }
        return (subnets, gateways)
    }

    private func addFree(
        _ family: IPAddress.Family, _ definition: NetworkDefinition, _ used: [(CIDR, String)],
        _ subnets: inout [String],
        _ gateways: inout [String]
    ) throws {
        let candidates = family == .v4 ? AddressPools.ipv4 : AddressPools.ipv6(for: definition.name)
        guard let free = candidates.first(where: { candidate in !used.contains { $0.0.overlaps(candidate) } }) else {
            throw EngineFailure(
                code: "conflict", message: "network \(definition.name): every address range of the pools is in use",
                hint: "give the network a subnet of its own under `ipam`, or remove networks that are not needed")
        }
        subnets.append("\(free)")
        gateways.append("\(IPAddress(family: family, value: free.first.value + 1))")
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
        }
        try await insert(record)
        return record
    }

    private func endpoint(
        _ attachment: NetworkAttachment, index: Int, of record: ContainerRecord
    ) throws -> ContainerRecord.Endpoint {
        let name = record.definitions.networks[attachment.network]?.name ?? "\(record.project)_\(attachment.network)"
        guard let network = network(name) else {
            throw EngineFailure(
                code: "not_found", message: "network \(name) does not exist", hint: "run `berth up` to make it")
        }
        var taken = Set(network.gateways)
        for user in users(ofNetwork: name) {
            for endpoint in user.endpoints where endpoint.network == name {
                taken.formUnion(endpoint.addresses.map { String($0.prefix { $0 != "/" }) })
            }
        }
        for pool in network.definition.ipam?.config ?? [] { taken.formUnion(pool.auxAddresses.values) }
        let addresses = try network.subnets.compactMap { CIDR($0) }.map { subnet in
            let wanted = subnet.family == .v4 ? attachment.ipv4Address : attachment.ipv6Address
            return try address(in: subnet, wanted: wanted, taken: taken, network)
        }
        return ContainerRecord.Endpoint(
            network: name, key: attachment.network, interface: attachment.interfaceName ?? "eth\(index)",
            hostInterface: "", bridge: network.bridge, macAddress: attachment.macAddress ?? record.spec.macAddress,
            addresses: addresses, aliases: aliases(attachment, record), gateways: [])
    }

    private func address(in subnet: CIDR, wanted: String?, taken: Set<String>, _ network: NetworkRecord) throws
        -> String
    {
        if let wanted {
            guard let address = IPAddress(wanted), subnet.contains(address) else {
                throw EngineFailure(
                    code: "invalid",
                    message: "network \(network.name): address \(wanted) is not in its subnet \(subnet)")
            }
            guard !taken.contains("\(address)") else {
                throw EngineFailure(code: "conflict", message: "network \(network.name): address \(wanted) is in use")
            }
            return "\(address)/\(subnet.prefixLength)"
        }
        let ranges = (network.definition.ipam?.config ?? []).compactMap { $0.ipRange.flatMap { CIDR($0) } }
        let range = ranges.first { subnet.contains($0) } ?? subnet
        var value = range.first.value + (range.first == subnet.first ? 1 : 0)
        while value < range.last.value || (range.last != subnet.last && value == range.last.value) {
            let candidate = IPAddress(family: subnet.family, value: value)
            if !taken.contains("\(candidate)") { return "\(candidate)/\(subnet.prefixLength)" }
            value += 1
        }
        throw EngineFailure(code: "conflict", message: "network \(network.name): every address of \(range) is in use")
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

/// Where networks without a subnet of their own get one: docker's pools.
enum AddressPools {
    /// 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20.
    static let ipv4: [CIDR] =
        (17...31).compactMap { CIDR("172.\($0).0.0/16") }
        + stride(from: 0, to: 256, by: 16).compactMap { CIDR("192.168.\($0).0/20") }

    /// Unique local /64s (RFC 4193) derived from the network's name, so that it gets the same one again.
    static func ipv6(for name: String) -> [CIDR] {
        let hash = name.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return (0..<16).compactMap { attempt in
            let value = UInt128(0xfd) << 120 | UInt128((hash &+ UInt64(attempt)) & 0xFF_FFFF_FFFF_FFFF) << 64
            return CIDR(IPAddress(family: .v6, value: value), prefixLength: 64)
        }
    }
}
