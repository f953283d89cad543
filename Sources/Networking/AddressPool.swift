import Linux

/// The addresses of one subnet of a network: the owner of each, and which one is next. A value; the owner of the
/// network stores it.
package struct AddressPool: Codable, Hashable, Sendable {
    package let subnet: CIDR
    /// The source of addresses that nobody asked for by number.
    package let range: CIDR
    /// The host's address in the network.
    package let gateway: IPAddress
    /// Owners by address; includes the gateway and auxiliary addresses.
    package private(set) var owners: [IPAddress: String]
    /// The last address given in sequence, so that freed addresses are reused as late as possible.
    private var last: IPAddress?

    /// The default gateway is the first address of the range that is not auxiliary. `auxiliary` addresses are reserved
    /// for the names given. `last` is the last address given in sequence.
    /// - Throws: `AddressError` when an address is outside the subnet or used twice, or the subnet is too small.
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

    /// The host's address with the subnet's prefix length, for the bridge.
    package var gatewayOnBridge: CIDR? { CIDR(gateway, prefixLength: subnet.prefixLength) }

    /// Gives `owner` a certain address of the subnet; may be repeated.
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

    /// Takes an address back. It is no error if nobody has it.
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

    /// The address of the network itself (in IPv6 the routers' anycast address), and in IPv4 the broadcast address.
    private func isReserved(_ address: IPAddress) -> Bool {
        address == subnet.first || (subnet.family == .v4 && address == subnet.last)
    }
}
