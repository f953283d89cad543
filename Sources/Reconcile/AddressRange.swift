/// A range of IP addresses given as CIDR (RFC 4632, RFC 4291), to see whether two overlap.
struct AddressRange: Hashable {
    /// Network byte order: 4 bytes or 16.
    private let bytes: [UInt8]
    private let prefix: Int

    /// nil unless `cidr` is an address, with or without `/PREFIX`.
    init?(cidr: String) {
        let parts = cidr.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let text = parts.first, let bytes = Self.ipv4(text) ?? Self.ipv6(text) else { return nil }
        self.bytes = bytes
        guard parts.count == 2 else {
            prefix = bytes.count * 8
            return
        }
        guard let prefix = Int(parts[1]), (0...bytes.count * 8).contains(prefix) else { return nil }
        self.prefix = prefix
    }

    /// One holds the other, or they are the same; ranges of one family only.
    func overlaps(_ other: AddressRange) -> Bool {
        guard bytes.count == other.bytes.count else { return false }
        let bits = min(prefix, other.prefix)
        for index in 0..<(bits / 8) where bytes[index] != other.bytes[index] { return false }
        guard bits % 8 != 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> (bits % 8))
        return bytes[bits / 8] & mask == other.bytes[bits / 8] & mask
    }

    private static func ipv4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let bytes = parts.compactMap { part in part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt8(part) : nil }
        return bytes.count == 4 ? bytes : nil
    }

    private static func ipv6(_ text: Substring) -> [UInt8]? {
        guard text.contains(":") else { return nil }
        let halves = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        let groups = halves.map { half in
            half.isEmpty ? [] : half.split(separator: ":", omittingEmptySubsequences: false)
        }
        guard let head = groups.first.flatMap(words) else { return nil }
        guard groups.count == 2 else { return head.count == 16 ? head : nil }
        guard let tail = words(groups[1]), head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Groups of hexadecimal digits as bytes; the last may be an IPv4 address.
    private static func words(_ groups: [Substring]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for (index, group) in groups.enumerated() {
            if group.contains("."), index == groups.count - 1, let last = ipv4(group) {
                bytes += last
            } else if group.count <= 4, let word = UInt16(group, radix: 16) {
                bytes += [UInt8(word >> 8), UInt8(word & 0xFF)]
            } else {
                return nil
            }
        }
        return bytes
    }
}
