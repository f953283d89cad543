/// A range of addresses by prefix (RFC 4632), or an interface's address with the prefix length of its network.
package struct CIDR: Hashable, Sendable {
    /// As written: host bits are kept.
    package let address: IPAddress
    /// The number of leading bits that identify the network, from 0 to the width of the address.
    package let prefixLength: Int

    /// - Returns: nil when the length is out of range.
    package init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...address.family.width).contains(prefixLength) else { return nil }
        self.address = address
        self.prefixLength = prefixLength
    }

    /// A single address as a range.
    package init(host address: IPAddress) {
        self.address = address
        prefixLength = address.family.width
    }

    /// Parses `address/length` with a decimal length.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), (1...3).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let length = Int(parts[1])
        else { return nil }
        self.init(address, prefixLength: length)
    }

    package var family: IPAddress.Family { address.family }

    /// The lowest address, that of the network itself.
    package var first: IPAddress { IPAddress(family: family, value: address.value & ~hostMask) }

    /// The highest address: the broadcast address in IPv4.
    package var last: IPAddress { IPAddress(family: family, value: address.value | hostMask) }

    /// The same range with the host bits cleared.
    package var network: CIDR { CIDR(unchecked: first, prefixLength) }

    package func contains(_ other: IPAddress) -> Bool { other.family == family && (first...last).contains(other) }

    package func contains(_ other: CIDR) -> Bool { contains(other.first) && contains(other.last) }

    /// Whether they have an address in common.
    package func overlaps(_ other: CIDR) -> Bool { contains(other.first) || other.contains(first) }

    /// Subnet number `index` with the prefix length `length`; nil when there is none.
    package func subnet(length: Int, index: UInt128) -> CIDR? {
        guard length >= prefixLength, length <= family.width else { return nil }
        if length - prefixLength < 128, index >> UInt128(length - prefixLength) != 0 { return nil }
        let shift = UInt128(family.width - length)
        return CIDR(
            unchecked: IPAddress(family: family, value: first.value | (shift < 128 ? index << shift : 0)), length)
    }

    private init(unchecked address: IPAddress, _ prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    private var hostMask: UInt128 {
        let bits = family.width - prefixLength
        return bits == 128 ? .max : (UInt128(1) << UInt128(bits)) - 1
    }
}

extension CIDR: CustomStringConvertible {
    package var description: String { "\(address)/\(prefixLength)" }
}

extension CIDR: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = CIDR(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not an address range")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
