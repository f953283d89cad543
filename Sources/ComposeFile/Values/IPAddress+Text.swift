import Addresses

/// Checks whether texts are addresses.
extension IPAddress {
    package static func isValid(_ text: String) -> Bool { IPAddress(text) != nil }

    /// An address; for IPv6 also with the name of an interface: `fe80::1%eth0`.
    static func isValid(withZone text: String) -> Bool {
        let address = text.prefix { $0 != "%" }
        if address.count == text.count { return isValid(text) }
        return isIPv6(String(address)) && address.count + 1 < text.count
    }

    package static func isIPv4(_ text: Substring) -> Bool { IPAddress(text)?.family == .v4 }

    package static func isIPv6(_ text: String) -> Bool { IPAddress(text)?.family == .v6 }
}
