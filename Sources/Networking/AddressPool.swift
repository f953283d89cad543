import Linux

/// The addresses of one subnet of a network: who has which, and which comes next. A value: whoever owns the network stores it.
package struct AddressPool: Codable, Hashable, Sendable {
    package let subnet: CIDR
    /// Addresses given without being asked for by name come from here.
    package let range: CIDR
    /// The host's address in the network.
    package let gateway: IPAddress
    /// Owner by address; the gateway and auxiliary addresses included.
    package private(set) var owners: [IPAddress: String]
    /// The last one given in sequence: freed addresses are reused as late as possible.
    private var last: IPAddress?

    /// The gateway is the first address of the range that is not auxiliary unless given; `auxiliary` addresses belong to others by name.
    /// `last` is the one that was given last in sequence.
    /// - Throws: `AddressError` when something lies outside the subnet or twice in it, or the subnet is too small.
    package init(
        subnet: CIDR, range: CIDR? = nil, gateway: IPAddress? = nil, auxiliary: [String: IPAddress] = [:],
        last: IPAddress? = nil
    ) throws(AddressError) {
        let subnet = subnet.network
        let range = range?.network ?? subnet
        guard subnet.contains(range) else { throw .outside(range.address, subnet) }
        guard subnet.family.width - subnet.prefixLength >= 2 else { throw .tooSmall(subnet) }
        self.subnet = subnet
        self.range = range
        self.last = last.flatMap { range.contains($0) ? $0 : nil }
        owners = [:]
        var first = range.first == subnet.first ? range.first.value + 1 : range.first.value
        while auxiliary.values.contains(IPAddress(family: subnet.family, value: first)) { first += 1 }
        self.gateway = gateway ?? IPAddress(family: subnet.family, value: first)
        try claim(self.gateway, for: "the gateway")
        for (name, address) in auxiliary.sorted(by: { $0.key < $1.key }) { try claim(address, for: name) }
    }

    /// The host's address with the subnet's length, as the bridge bears it.
    package var gatewayOnBridge: CIDR? { CIDR(gateway, prefixLength: subnet.prefixLength) }

    /// Gives `owner` a certain address of the subnet; again is fine.
    package mutating func claim(_ address: IPAddress, for owner: String) throws(AddressError) {
        guard subnet.contains(address), !isReserved(address) else { throw .outside(address, subnet) }
        if let other = owners[address], other != owner { throw .taken(address, by: other, wantedBy: owner) }
        owners[address] = owner
    }

    /// Gives `owner` the next address of the range.
    package mutating func allocate(for owner: String) throws(AddressError) -> IPAddress {
        guard let address = next(after: last) ?? next(after: nil) else { throw .full(range) }
        owners[address] = owner
        last = address
        return address
    }

    /// Takes an address back; one that nobody has is fine.
    package mutating func release(_ address: IPAddress) {
        if address != gateway { owners[address] = nil }
    }

    private func next(after previous: IPAddress?) -> IPAddress? {
        var value = previous.map { $0.value + 1 } ?? range.first.value
        while value <= range.last.value {
            let address = IPAddress(family: range.family, value: value)
            if owners[address] == nil && !isReserved(address) { return address }
            if value == .max { return nil }
            value += 1
        }
        return nil
    }

    /// The network's own address (in IPv6 the routers' anycast address), and in IPv4 the broadcast address.
    private func isReserved(_ address: IPAddress) -> Bool {
        address == subnet.first || (subnet.family == .v4 && address == subnet.last)
    }
}
