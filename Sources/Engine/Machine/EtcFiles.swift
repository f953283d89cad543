import Glibc
import Linux
import ProjectModel

/// hosts, hostname and resolv.conf of one container.
struct EtcFiles {
    let record: ContainerRecord
    let surroundings: Surroundings

    /// Writes them into `folder` in place: a running sharer of the files sees the change.
    func write(to folder: String) throws {
        guard record.joined["network"] == nil else { return }
        try makeFolders(folder, mode: 0o700)
        try put("\(folder)/hostname", record.hostname + "\n")
        try put("\(folder)/hosts", hosts)
        try put("\(folder)/resolv.conf", try resolver())
    }

    private func put(_ path: String, _ text: String) throws {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.write(text.utf8)
        try syscall("fchmod", on: path) { fchmod(file.raw, 0o644) }
    }

    private var hosts: String {
        var text: String
        if record.spec.networkMode == .host {
            // Its network is the host's, and so are the names in it.
            text = (try? readText("/etc/hosts")) ?? "127.0.0.1\tlocalhost\n"
            if !text.hasSuffix("\n") { text += "\n" }
        } else {
            text = "127.0.0.1\tlocalhost\n"
            text += "::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n"
            text += "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
        }
        for entry in surroundings.hosts { text += "\(entry.address)\t\(entry.names.joined(separator: " "))\n" }
        return text
    }

    private func resolver() throws -> String {
        let spec = record.spec
        if record.endpoints.isEmpty {
            guard spec.networkMode == .host else { return "" }
            guard !spec.dns.isEmpty || !spec.dnsSearch.isEmpty || !spec.dnsOptions.isEmpty else {
                return (try? readText("/etc/resolv.conf")) ?? ""
            }
        }
        let servers =
            !record.endpoints.isEmpty ? ["127.0.0.11"] : spec.dns.isEmpty ? HostResolver.current.servers : spec.dns
        var text = servers.map { "nameserver \($0)\n" }.joined()
        let search = spec.dnsSearch.isEmpty ? HostResolver.current.search : spec.dnsSearch.filter { $0 != "." }
        if !search.isEmpty { text += "search \(search.joined(separator: " "))\n" }
        var options = spec.dnsOptions.isEmpty ? HostResolver.current.options : spec.dnsOptions
        if !record.endpoints.isEmpty, !options.contains(where: { $0.hasPrefix("ndots:") }) { options.append("ndots:0") }
        return options.isEmpty ? text : text + "options \(options.joined(separator: " "))\n"
    }
}

/// The host's resolver configuration (resolv.conf(5)).
package enum HostResolver {
    /// Read anew each time: it changes when the machine changes its network.
    package static var current: NetworkSync.Resolver {
        let text = (try? readText("/etc/resolv.conf")) ?? ""
        let resolver = parse(text)
        // systemd-resolved's stub cannot be reached from a container: its own file names the servers behind it.
        guard resolver.servers == ["127.0.0.53"], let real = try? readText("/run/systemd/resolve/resolv.conf") else {
            return resolver
        }
        return parse(real)
    }

    package static func parse(_ text: String) -> NetworkSync.Resolver {
        var resolver = NetworkSync.Resolver()
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            switch words.first {
            case "nameserver" where words.count > 1: resolver.servers.append(words[1])
            case "search", "domain": resolver.search = Array(words.dropFirst())
            case "options": resolver.options += words.dropFirst()
            default: continue
            }
        }
        return resolver
    }
}
