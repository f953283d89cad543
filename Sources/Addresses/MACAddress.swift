/// The address of an Ethernet interface.
package struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    /// Six bytes in network order.
    package let bytes: [UInt8]

    /// Parses `02:42:ac:11:00:02`, with `:` or `-`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
        let bytes = parts.compactMap { $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) ? UInt8($0, radix: 16) : nil }
        guard parts.count == 6, bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// A locally administered address derived from `address`. The same IP address always gets the same Ethernet
    /// address, so neighbours' caches stay valid when a container is replaced and keeps its address.
    package init(for address: IPAddress) {
        switch address {
        case .v4: bytes = [0x02, 0x42] + address.bytes
        case .v6:
            let folded = address.bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            bytes = [0x06] + (0..<5).map { UInt8(truncatingIfNeeded: folded >> (8 * $0)) }
        }
    }

    package var description: String {
        bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined(separator: ":")
    }
}

extension MACAddress: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = MACAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not a MAC address")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
