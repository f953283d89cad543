import Linux
import NameService

/// The content of resolv.conf(5): servers, search list, options.
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

    /// Parses a resolv.conf; like the C library, skips what it cannot understand.
    package init(parsing text: String) {
        self.init()
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let keyword = words.first, !keyword.hasPrefix("#"), !keyword.hasPrefix(";") else { continue }
            switch keyword {
            case "nameserver":
                // A zone such as fe80::1%eth0 has no meaning outside the host's namespace.
                if words.count > 1, let address = IPAddress(words[1]) { nameservers.append(address) }
            case "search": search = Array(words.dropFirst())
            case "domain": search = Array(words.dropFirst().prefix(1))
            case "options": options += words.dropFirst()
            default: break
            }
        }
    }

    /// The host's own configuration. If systemd-resolved listens on the loopback interface, this reads the servers
    /// behind it: containers can reach them, and they see the host's VPN like the container does.
    package static func ofHost() -> ResolverConfiguration {
        let host = ResolverConfiguration(parsing: (try? readText("/etc/resolv.conf")) ?? "")
        let stub: [IPAddress] = [.v4(0x7f00_0035), .v4(0x7f00_0036)]  // 127.0.0.53 and .54
        guard !host.nameservers.isEmpty, host.nameservers.allSatisfy(stub.contains),
            let text = try? readText("/run/systemd/resolve/resolv.conf")
        else { return host }
        let behind = ResolverConfiguration(parsing: text)
        return behind.nameservers.isEmpty ? host : behind
    }

    /// The resolv.conf of a container whose queries berth answers: 127.0.0.11 only, the user's search list or the
    /// host's (`.` means none), the user's options or the host's, and `ndots:0` unless one of them sets it.
    package func containerText(search: [String] = [], options: [String] = []) -> String {
        var all = replacing(search: search, options: options)
        if !all.options.contains(where: { $0.hasPrefix("ndots:") }) { all.options.append("ndots:0") }
        return all.text(servers: ["127.0.0.11"])
    }

    /// The resolv.conf of a container in the host's network: the user's choices, and the host's values for the rest.
    package func hostText(servers: [String], search: [String], options: [String]) -> String {
        replacing(search: search, options: options)
            .text(servers: servers.isEmpty ? nameservers.map(\.description) : servers)
    }

    /// Replaces the host's values with the user's, where given.
    package func replacing(search chosenSearch: [String], options chosenOptions: [String]) -> ResolverConfiguration {
        var result = self
        if !chosenSearch.isEmpty { result.search = chosenSearch.filter { $0 != "." } }
        if !chosenOptions.isEmpty { result.options = chosenOptions }
        return result
    }

    private func text(servers: [String]) -> String {
        var lines = servers.map { "nameserver \($0)" }
        if !search.isEmpty { lines.append("search \(search.joined(separator: " "))") }
        if !options.isEmpty { lines.append("options \(options.joined(separator: " "))") }
        return lines.map { "\($0)\n" }.joined()
    }

    /// Whether the user's own options keep single-label names from the upstream servers (`Zone.keepsSingleLabels`).
    package static func keepsSingleLabels(options: [String]) -> Bool {
        options.contains { $0.hasPrefix("ndots:") && (Int($0.dropFirst(6)) ?? 0) > 0 }
    }
}
