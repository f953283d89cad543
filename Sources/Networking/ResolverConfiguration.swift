import Linux
import NameService

/// What resolv.conf(5) says: whom to ask, where to search, how.
package struct ResolverConfiguration: Codable, Hashable, Sendable {
    package var nameservers: [IPAddress]
    package var search: [String]
    /// `ndots:2`, `timeout:1` …
    package var options: [String]

    package init(nameservers: [IPAddress] = [], search: [String] = [], options: [String] = []) {
        self.nameservers = nameservers
        self.search = search
        self.options = options
    }

    /// Reads the text of a resolv.conf; what cannot be understood is left out, as the C library does.
    package init(parsing text: String) {
        self.init()
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let keyword = words.first, !keyword.hasPrefix("#"), !keyword.hasPrefix(";") else { continue }
            switch keyword {
            case "nameserver":
                // A zone such as fe80::1%eth0 means nothing outside the host's namespace.
                if words.count > 1, let address = IPAddress(words[1]) { nameservers.append(address) }
            case "search": search = Array(words.dropFirst())
            case "domain": search = Array(words.dropFirst().prefix(1))
            case "options": options += words.dropFirst()
            default: break
            }
        }
    }

    /// The host's own. Where systemd-resolved listens on the loopback interface, the servers behind it are read instead: they can be
    /// asked from a container's network, and see the host's VPN as the container does.
    package static func ofHost() -> ResolverConfiguration {
        let host = ResolverConfiguration(parsing: (try? readText("/etc/resolv.conf")) ?? "")
        let stub: [IPAddress] = [.v4(0x7f00_0035), .v4(0x7f00_0036)]  // 127.0.0.53 and .54
        guard !host.nameservers.isEmpty, host.nameservers.allSatisfy(stub.contains),
            let text = try? readText("/run/systemd/resolve/resolv.conf")
        else { return host }
        let behind = ResolverConfiguration(parsing: text)
        return behind.nameservers.isEmpty ? host : behind
    }

    /// Whom the name service of a container asks: the user's servers, else the host's.
    package func upstreams(chosen: [IPAddress] = []) -> [Zone.Upstream] {
        (chosen.isEmpty ? nameservers : chosen).prefix(3).map { Zone.Upstream(SocketEndpoint($0, 53)) }
    }

    /// The resolv.conf of a container whose names berth answers: 127.0.0.11 alone, the user's search list or the host's (`.` is none),
    /// the user's options or the host's, and `ndots:0` unless one of them says otherwise.
    package func containerText(search chosenSearch: [String] = [], options chosenOptions: [String] = []) -> String {
        var domains = chosenSearch.isEmpty ? search : chosenSearch
        if domains == ["."] { domains = [] }
        var words = chosenOptions.isEmpty ? options : chosenOptions
        if !words.contains(where: { $0.hasPrefix("ndots:") }) { words.append("ndots:0") }
        let searchLine = domains.isEmpty ? "" : "search \(domains.joined(separator: " "))\n"
        return "nameserver 127.0.0.11\n\(searchLine)options \(words.joined(separator: " "))\n"
    }

    /// The resolv.conf of a container in the host's network: what was chosen in place of what the host has.
    package func hostText(servers: [String], search chosenSearch: [String], options chosenOptions: [String]) -> String {
        let domains = chosenSearch == ["."] ? [] : chosenSearch.isEmpty ? search : chosenSearch
        let words = chosenOptions.isEmpty ? options : chosenOptions
        return (servers.isEmpty ? nameservers.map(\.description) : servers).map { "nameserver \($0)\n" }.joined()
            + (domains.isEmpty ? "" : "search \(domains.joined(separator: " "))\n")
            + (words.isEmpty ? "" : "options \(words.joined(separator: " "))\n")
    }

    /// Whether the user's own options keep names of one label from being asked upstream (`Zone.keepsSingleLabels`).
    package static func keepsSingleLabels(options: [String]) -> Bool {
        options.contains { $0.hasPrefix("ndots:") && (Int($0.dropFirst(6)) ?? 0) > 0 }
    }
}
