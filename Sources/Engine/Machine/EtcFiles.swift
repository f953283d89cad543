import Glibc
import Linux
import Networking
import ProjectModel

/// The files hosts, hostname and resolv.conf of one container.
struct EtcFiles {
    let record: ContainerRecord
    let surroundings: Surroundings

    /// Writes the files in place, so that running containers that share them see the change.
    func write(to folder: String) throws {
        guard record.joined["network"] == nil else { return }
        try makeFolders(folder, mode: 0o700)
        try put("\(folder)/hostname", record.hostname + "\n")
        try put("\(folder)/hosts", hosts)
        try put("\(folder)/resolv.conf", resolver())
    }

    private func put(_ path: String, _ text: String) throws {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.write(text.utf8)
        try syscall("fchmod", on: path) { fchmod(file.raw, 0o644) }
    }

    private var hosts: String {
        var text: String
        if record.template.networkMode == .host {
            // It uses the host's network, so it gets the host's names too.
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

    private func resolver() -> String {
        let spec = record.template
        let host = ResolverConfiguration.ofHost()
        guard record.endpoints.isEmpty else {
            return host.containerText(search: spec.dnsSearch, options: spec.dnsOptions)
        }
        guard spec.networkMode == .host else { return "" }
        guard !spec.dns.isEmpty || !spec.dnsSearch.isEmpty || !spec.dnsOptions.isEmpty else {
            return (try? readText("/etc/resolv.conf")) ?? ""
        }
        return host.hostText(servers: spec.dns, search: spec.dnsSearch, options: spec.dnsOptions)
    }
}
