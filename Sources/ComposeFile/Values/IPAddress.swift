/// Textual IP addresses (RFC 4291, section 2.2; dotted decimal without leading zeros).
package enum IPAddress {
    package static func isValid(_ text: String) -> Bool { isIPv4(text[...]) || isIPv6(text) }

    /// An address, of IPv6 with the name of an interface too: `fe80::1%eth0`.
    static func isValid(withZone text: String) -> Bool {
        let address = text.prefix { $0 != "%" }
        return isIPv4(text[...])
            || isIPv6(String(address)) && (address.count == text.count || address.count + 1 < text.count)
    }

    package static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8(part) != nil
                    && (part.utf8.count == 1 || part.first != "0")
            }
    }

    package static func isIPv6(_ text: String) -> Bool {
        let halves = text.components(separatedByDoubleColon: ())
        guard halves.count <= 2 else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, part) in parts.enumerated() {
                if position == parts.count - 1, index == halves.count - 1, part.contains(".") {
                    guard isIPv4(part) else { return false }
                    groups += 2
                } else {
                    guard (1...4).contains(part.utf8.count), UInt16(part, radix: 16) != nil, part.first != "+" else {
                        return false
                    }
                    groups += 1
                }
            }
        }
        return halves.count == 2 ? groups < 8 : groups == 8
    }
}

extension String {
    /// The pieces between occurrences of `::`.
    fileprivate func components(separatedByDoubleColon: Void) -> [Substring] {
        var pieces: [Substring] = []
        var start = startIndex
        var index = startIndex
        while index < endIndex {
            let next = self.index(after: index)
            if self[index] == ":", next < endIndex, self[next] == ":" {
                pieces.append(self[start..<index])
                start = self.index(after: next)
                index = start
            } else {
                index = next
            }
        }
        return pieces + [self[start...]]
    }
}
