/// The address of a registry, and whether unencrypted connections are allowed.
struct RegistryHost: Hashable, Sendable {
    /// Host and port as in a URL.
    let authority: String
    /// The schemes to try, in order.
    let schemes: [String]

    /// `insecure` lists hosts (`name`, `name:port`, or IPv4 networks such as `10.0.0.0/8`) for which plain HTTP is
    /// allowed. It is always allowed for this machine.
    init(domain: String, insecure: [String]) {
        authority = domain == "docker.io" ? "registry-1.docker.io" : domain
        let host = Self.host(of: domain)
        let isInsecure = Self.isLoopback(host) || insecure.contains { Self.matches($0, domain: domain, host: host) }
        schemes = isInsecure ? ["https", "http"] : ["https"]
    }

    var allowsPlain: Bool { schemes.contains("http") }

    /// The host in a domain with or without a port; without the brackets of an IPv6 address.
    static func host(of domain: String) -> String {
        if domain.hasPrefix("[") { return String(domain.dropFirst().prefix { $0 != "]" }) }
        return String(domain.prefix { $0 != ":" })
    }

    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || isIn("127.0.0.0/8", host)
    }

    private static func matches(_ entry: String, domain: String, host: String) -> Bool {
        entry == domain || entry == host || isIn(entry, host)
    }

    static func isIn(_ network: String, _ host: String) -> Bool {
        let parts = network.split(separator: "/")
        guard parts.count == 2, let length = UInt32(parts[1]), length <= 32, let base = address(String(parts[0])),
            let address = address(host)
        else { return false }
        let mask: UInt32 = length == 0 ? 0 : ~0 << (32 - length)
        return base & mask == address & mask
    }

    private static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(UInt32?(0)) { result, part in
            guard let result, let part else { return nil }
            return result << 8 | UInt32(part)
        }
    }
}
