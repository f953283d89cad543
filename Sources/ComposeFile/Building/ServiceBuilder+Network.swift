import ProjectModel
import YAML

extension ServiceBuilder {
    func fillNetwork(_ service: inout Service) {
        (service.networkMode, service.networks) = networks()
        service.ports = (node["ports"]?.sequence ?? []).compactMap(port)
        service.expose = (node["expose"]?.texts ?? []).flatMap(Self.exposed)
        service.links = (node["links"]?.texts ?? []).map(Self.link)
        service.externalLinks = (node["external_links"]?.texts ?? []).map(Self.link)
        service.dns = node["dns"]?.texts ?? []
        service.dnsSearch = node["dns_search"]?.texts ?? []
        service.dnsOptions = node["dns_opt"]?.texts ?? []
        service.extraHosts = Self.extraHosts(node["extra_hosts"])
        service.macAddress = node.string(at: "mac_address")
    }

    private func networks() -> (NetworkMode?, [NetworkAttachment]) {
        switch node.string(at: "network_mode") {
        case nil: return (nil, attachments())
        case "": return (nil, [])
        case "none": return (NetworkMode.none, [])
        case "host": return (.host, [])
        case "bridge", "default": return (nil, [NetworkAttachment(network: "default")])
        case let mode?:
            if mode.hasPrefix("service:") { return (.service(String(mode.dropFirst(8))), []) }
            if mode.hasPrefix("container:") { return (.container(String(mode.dropFirst(10))), []) }
            return (nil, [NetworkAttachment(network: mode)])
        }
    }

    /// By priority, highest first, then by name.
    private func attachments() -> [NetworkAttachment] {
        let all = (node["networks"]?.mapping?.entries ?? []).map { entry in
            var attachment = NetworkAttachment(network: entry.key)
            attachment.aliases = entry.value["aliases"]?.texts ?? []
            attachment.ipv4Address = entry.value["ipv4_address"]?.string
            attachment.ipv6Address = entry.value["ipv6_address"]?.string
            attachment.linkLocalIPs = entry.value["link_local_ips"]?.texts ?? []
            attachment.macAddress = entry.value.string(at: "mac_address")
            attachment.interfaceName = entry.value.string(at: "interface_name")
            attachment.driverOptions = entry.value["driver_opts"].texts
            attachment.priority = Int(clamping: entry.value["priority"]?.integer ?? 0)
            attachment.gatewayPriority = Int(clamping: entry.value["gw_priority"]?.integer ?? 0)
            return attachment
        }
        return all.sorted { ($1.priority, $0.network) < ($0.priority, $1.network) }
    }

    private func port(_ node: Node) -> PortMapping? {
        guard let target = node["target"]?.integer.flatMap({ UInt16(exactly: $0) }) else { return nil }
        let published = node.string(at: "published")
        var port = PortMapping(
            target: target, published: published == "" || published == "0" ? nil : published,
            hostIP: node.string(at: "host_ip"), transport: node.string(at: "protocol").map { $0.lowercased() } ?? "tcp")
        port.name = node.string(at: "name")
        port.mode = node.string(at: "mode")
        port.appProtocol = node.string(at: "app_protocol")
        return port
    }

    /// `3000`, `53/udp`, `3000-3002`: each as `PORT/PROTOCOL`.
    private static func exposed(_ text: String) -> [String] {
        let parts = text.split(separator: "/")
        let transport = parts.count > 1 ? parts[1].lowercased() : "tcp"
        let ends = (parts.first ?? "").split(separator: "-").map { UInt16($0) }
        if ends.count == 2, let first = ends[0], let last = ends[1], first <= last {
            return (first...last).map { "\($0)/\(transport)" }
        }
        return ["\(parts.first ?? "")/\(transport)"]
    }

    private static func link(_ text: String) -> Link {
        let target = text.prefix { $0 != ":" }
        let alias = text[target.endIndex...].dropFirst()
        return Link(target: String(target), alias: String(alias.isEmpty ? target : alias))
    }

    static func extraHosts(_ node: Node?) -> [ExtraHost] {
        var hosts: [ExtraHost] = []
        for line in node?.texts ?? [] {
            let host = String(line.prefix { $0 != "=" })
            let address = String(line.dropFirst(host.count + 1))
            if let index = hosts.firstIndex(where: { $0.host == host }) {
                hosts[index].addresses.append(address)
            } else {
                hosts.append(ExtraHost(host: host, addresses: [address]))
            }
        }
        return hosts
    }
}
