/// The proxies for hosts, from the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, in upper or lower case.
package struct ProxySettings: Hashable, Sendable {
    /// An HTTP proxy; encrypted connections go through a tunnel.
    package struct Proxy: Hashable, Sendable {
        package var host: String
        package var port: Int
        package var user: String?
        package var password: String?
    }

    private var plain: Proxy?
    private var encrypted: Proxy?
    private var exceptions: [Substring] = []

    package init() {}

    /// Ignores values that are not the URL of a proxy.
    package init(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name.uppercased()] ?? environment[name] }
        plain = value("http_proxy").flatMap(Self.proxy)
        encrypted = value("https_proxy").flatMap(Self.proxy)
        exceptions = (value("no_proxy") ?? "").split(whereSeparator: { $0 == "," || $0 == " " })
    }

    /// The proxy for `url`; nil for a direct connection. Connections to this machine are always direct.
    package func proxy(for url: String) -> Proxy? {
        let origin = URLParts(url).origin
        let isEncrypted = origin.hasPrefix("https://")
        guard let proxy = isEncrypted ? encrypted : plain else { return nil }
        let authority = String(origin.drop { $0 != ":" }.dropFirst(3))
        let (host, port) = Self.parts(authority, standardPort: isEncrypted ? 443 : 80)
        guard !RegistryHost.isLoopback(host), !exceptions.contains(where: { Self.covers($0, host, port) }) else {
            return nil
        }
        return proxy
    }

    /// An entry of NO_PROXY: `*`, an address, a network, a domain with all its subdomains, `.domain` for subdomains
    /// only; each may have a port.
    private static func covers(_ entry: Substring, _ host: String, _ port: Int) -> Bool {
        if entry == "*" { return true }
        if entry.contains("/") { return RegistryHost.isIn(String(entry), host) }
        let (name, wanted) = parts(String(entry), standardPort: port)
        guard wanted == port else { return false }
        let lowered = name.lowercased()
        if lowered.hasPrefix(".") { return host.hasSuffix(lowered) }
        if lowered.hasPrefix("*.") { return host.hasSuffix(lowered.dropFirst()) }
        return host == lowered || host.hasSuffix(".\(lowered)")
    }

    private static func parts(_ authority: String, standardPort: Int) -> (host: String, port: Int) {
        let host = RegistryHost.host(of: authority)
        let rest = authority.hasPrefix("[") ? authority.drop { $0 != "]" }.dropFirst() : authority.dropFirst(host.count)
        return (host, Int(rest.dropFirst()) ?? standardPort)
    }

    /// `http://user:password@host:port`; everything except the host is optional.
    private static func proxy(_ text: String) -> Proxy? {
        var rest = text[...]
        if let scheme = rest.firstRange(of: "://") {
            guard rest[..<scheme.lowerBound].lowercased() == "http" else { return nil }
            rest = rest[scheme.upperBound...]
        }
        rest = rest.prefix { $0 != "/" }
        var login: [String] = []
        if let at = rest.lastIndex(of: "@") {
            login = rest[..<at].split(separator: ":", maxSplits: 1).map { decoded($0) }
            rest = rest[rest.index(after: at)...]
        }
        let (host, port) = parts(String(rest), standardPort: 80)
        guard !host.isEmpty else { return nil }
        return Proxy(host: host, port: port, user: login.first, password: login.count > 1 ? login[1] : nil)
    }

    /// Decodes percent-encoded bytes.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
