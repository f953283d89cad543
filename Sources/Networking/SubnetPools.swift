import Linux

/// The source of subnets for networks that name none.
package struct SubnetPools: Codable, Hashable, Sendable {
    /// A range to divide into subnets of one size.
    package struct Pool: Codable, Hashable, Sendable {
        package var base: CIDR
        /// The prefix length of each subnet.
        package var size: Int

        package init(base: CIDR, size: Int) {
            self.base = base
            self.size = size
        }
    }

    package var pools: [Pool]

    package init(pools: [Pool]) { self.pools = pools }

    /// 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pieces of /20: Docker's pools, in Docker's order.
    package static let standard = SubnetPools(
        pools: (17...31).compactMap { CIDR(.v4(0xac00_0000 | UInt32($0) << 16), prefixLength: 16) }
            .map { Pool(base: $0, size: 16) }
            + [CIDR(.v4(0xc0a8_0000), prefixLength: 16)].compactMap(\.self).map { Pool(base: $0, size: 20) })

    /// The first subnet that overlaps nothing in `used`.
    /// - Throws: `AddressError.exhausted` when there is none.
    package func subnet(avoiding used: [RangeInUse]) throws(AddressError) -> CIDR {
        for pool in pools where pool.size >= pool.base.prefixLength {
            let taken = used.filter { $0.range.overlaps(pool.base) }
            var index: UInt128 = 0
            while let subnet = pool.base.subnet(length: pool.size, index: index) {
                guard let clash = taken.first(where: { $0.range.overlaps(subnet) }) else { return subnet }
                // Skip the whole overlapping range, which may be larger or smaller than one subnet.
                let shift = UInt128(subnet.family.width - pool.size)
                let end = max(clash.range.last.value, subnet.last.value)
                index = (end - pool.base.first.value) >> shift + 1
            }
        }
        throw .exhausted(pools.map(\.base))
    }

    /// A unique local IPv6 subnet (RFC 4193) for the network with this id: always the same one, unless it is in `used`.
    package static func uniqueLocal(forNetwork id: String, avoiding used: [RangeInUse]) throws(AddressError) -> CIDR {
        for attempt in 0..<64 {
            let hash = stableHash("\(id)\u{0}\(attempt)")
            // fd, 40 bits of global id, 16 bits of subnet.
            let value = UInt128(0xfd) << 120 | UInt128(hash & 0xff_ffff_ffff_ffff) << 64
            guard let subnet = CIDR(.v6(value), prefixLength: 64) else { continue }
            if !used.contains(where: { $0.range.overlaps(subnet) }) { return subnet }
        }
        throw .exhausted([])
    }

    /// - Throws: `AddressError.overlap`, which names both sides, when `subnet` overlaps something in `used`.
    package static func check(_ subnet: CIDR, for network: String, against used: [RangeInUse]) throws(AddressError) {
        guard let clash = used.first(where: { $0.range.overlaps(subnet) }) else { return }
        throw .overlap(RangeInUse(subnet, by: network), clash)
    }
}

/// Addresses that are in use.
package struct RangeInUse: Codable, Hashable, Sendable {
    package var range: CIDR
    /// A text for a person: "network shop_default", "interface eth0".
    package var owner: String

    package init(_ range: CIDR, by owner: String) {
        self.range = range
        self.owner = owner
    }
}

/// Why an address or a subnet cannot be assigned.
package enum AddressError: Error, Hashable, Sendable, CustomStringConvertible {
    case exhausted([CIDR])
    case overlap(RangeInUse, RangeInUse)
    case outside(IPAddress, CIDR)
    case taken(IPAddress, by: String, wantedBy: String)
    /// No address left.
    case full(CIDR)
    /// Too small to hold a gateway and one container.
    case tooSmall(CIDR)

    package var description: String {
        switch self {
        case .exhausted(let pools):
            "no free subnet left in \(pools.map(\.description).joined(separator: ", ")): give the network one of its own "
                + "(ipam.config.subnet), or remove networks that are not used"
        case .overlap(let wanted, let used):
            "subnet \(wanted.range) of \(wanted.owner) overlaps \(used.range) of \(used.owner)"
        case .outside(let address, let range): "\(address) is not in \(range)"
        case .taken(let address, let owner, let wanter): "\(address), wanted by \(wanter), belongs to \(owner)"
        case .full(let range): "all addresses of \(range) are in use"
        case .tooSmall(let range): "\(range) has no room for a gateway and a container"
        }
    }
}

/// FNV-1a with a finisher. It must stay the same in every release, because names and subnets in use depend on it.
func stableHash(_ text: String) -> UInt64 {
    var hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    hash ^= hash >> 29
    hash = hash &* 0xbf58_476d_1ce4_e5b9
    return hash ^ (hash >> 32)
}
