/// An address for Docker's clients, in the form of `DOCKER_HOST` and of dockerd's `hosts`.
package enum DockerHost: Hashable, Sendable, CustomStringConvertible {
    case unix(String)
    case tcp(host: String, port: Int)
    /// Sockets from the service manager.
    case systemd

    /// The port that dockerd uses with TLS.
    private static let standardPort = 2376

    /// Reads `unix:///run/docker.sock`, `tcp://HOST[:PORT]` or `fd://`; nil for anything else.
    package init?(_ text: String) {
        if text.hasPrefix("unix://"), text.dropFirst(7).hasPrefix("/") {
            self = .unix(String(text.dropFirst(7)))
        } else if text == "fd://" || text == "fd://*" {
            self = .systemd
        } else if text.hasPrefix("tcp://"), let place = Self.address(text.dropFirst(6)) {
            self = .tcp(host: place.host, port: place.port)
        } else {
            return nil
        }
    }

    private static func address(_ text: Substring) -> (host: String, port: Int)? {
        var text = text
        if text.last == "/" { text.removeLast() }
        guard !text.contains("/") else { return nil }
        var host = text
        var port = standardPort
        // The last colon, unless it is inside the brackets of an IPv6 address.
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
            port = Int(number)
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.contains("[") && !host.contains("]") && !host.contains(" ") else { return nil }
        return (host.isEmpty ? "127.0.0.1" : String(host), port)
    }

    package var isTCP: Bool {
        if case .tcp = self { return true }
        return false
    }

    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        case .systemd: "fd://"
        }
    }
}
