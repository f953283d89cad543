import Addresses
import JSON
import NIOHTTP1
import ProjectModel

/// Reads the networks of a container and its published ports.
struct NetworkReader {
    private(set) var mode: NetworkMode?
    private(set) var attachments: [NetworkAttachment] = []
    private(set) var ports: [PortMapping] = []
    private(set) var exposed: [String] = []
    private(set) var links: [Link] = []
    private(set) var extraHosts: [ExtraHost] = []
    private(set) var warnings: [String] = []

    init(config: Body, host: Body, networking: Body) throws(DockerFailure) {
        try readAttachments(config, host, networking["EndpointsConfig"])
        try readPorts(config, host)
        for text in try host["ExtraHosts"].texts() ?? [] { extraHosts.append(try Self.extraHost(text)) }
        links = try Self.links(host["Links"])
        try refuseConflicts(config, host)
    }

    /// In the form that clients send, or that an inspection shows: `/other:/this/alias`.
    private static func links(_ body: Body) throws(DockerFailure) -> [Link] {
        var links: [Link] = []
        for text in try body.texts() ?? [] {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard let target = parts.first else { throw .invalid("bad format for links: \(text)") }
            let name = target.hasPrefix("/") ? String(target.dropFirst()) : target
            let alias = parts.count > 1 ? parts[1].split(separator: "/").last.map(String.init) : nil
            let link = Link(target: name, alias: alias ?? name)
            if !links.contains(link) { links.append(link) }
        }
        return links
    }

    /// Refuses settings that contradict the network of the host or of another container.
    private func refuseConflicts(_ config: Body, _ host: Body) throws(DockerFailure) {
        guard let mode, mode != NetworkMode.none else { return }
        func refuse(_ what: String) -> DockerFailure { .invalid("conflicting options: \(what)") }
        if try config["MacAddress"].text() != nil { throw refuse("mac-address and the network mode") }
        guard case .container = mode else {
            if !links.isEmpty {
                throw refuse(
                    "host type networking can't be used with links. This would result in undefined behavior")
            }
            return
        }
        if try config["Hostname"].text() != nil { throw refuse("hostname and the network mode") }
        if !links.isEmpty {
            throw refuse(
                "container type network can't be used with links. This would result in undefined behavior")
        }
        if try !(host["Dns"].texts() ?? []).isEmpty { throw refuse("dns and the network mode") }
        if !extraHosts.isEmpty { throw refuse("custom host-to-IP mapping and the network mode") }
        let publishesAll = try host["PublishAllPorts"].flag() == true
        let bindings = try host["PortBindings"].members()
        if publishesAll || !bindings.isEmpty {
            throw refuse("port publishing and the container type network mode")
        }
        if !exposed.isEmpty { throw refuse("port exposing and the container type network mode") }
    }

    private mutating func readAttachments(
        _ config: Body, _ host: Body, _ endpoints: Body
    ) throws(DockerFailure) {
        let wanted = try host["NetworkMode"].text() ?? "default"
        switch wanted {
        case "none": mode = NetworkMode.none
        case "host": mode = .host
        case _ where wanted.hasPrefix("container:"):
            mode = .container(String(wanted.dropFirst("container:".count)))
        default: break
        }
        if try config["NetworkDisabled"].flag() == true { mode = NetworkMode.none }
        guard mode == nil else { return }
        let first = wanted == "default" ? "bridge" : wanted
        var attachment = NetworkAttachment(network: first)
        var others: [NetworkAttachment] = []
        for (name, body) in try endpoints.members() {
            let isFirst = name == first || name == wanted || (wanted == "default" && name == "bridge")
            let read = try Self.attachment(isFirst ? first : name, body)
            if isFirst { attachment = read } else { others.append(read) }
        }
        if attachment.macAddress == nil { attachment.macAddress = try config["MacAddress"].text() }
        attachments = [attachment] + others
    }

    /// Reads one entry of `EndpointsConfig`, or the body of `connect`.
    static func attachment(_ network: String, _ body: Body) throws(DockerFailure) -> NetworkAttachment {
        var attachment = NetworkAttachment(network: network)
        attachment.aliases = try body["Aliases"].texts() ?? []
        let addresses = body["IPAMConfig"]
        attachment.ipv4Address = try addresses["IPv4Address"].text()
        attachment.ipv6Address = try addresses["IPv6Address"].text()
        attachment.linkLocalIPs = try addresses["LinkLocalIPs"].texts() ?? []
        if let text = attachment.ipv4Address, IPAddress(text)?.family != .v4 {
            throw .invalid("invalid IPv4 address: \(text)")
        }
        if let text = attachment.ipv6Address, IPAddress(text)?.family != .v6 {
            throw .invalid("invalid IPv6 address: \(text)")
        }
        attachment.macAddress = try body["MacAddress"].text()
        attachment.driverOptions = try body["DriverOpts"].textMap()
        let links = try links(body["Links"])
        if !links.isEmpty { attachment.links = links }
        attachment.gatewayPriority = Int(clamping: try body["GwPriority"].integer() ?? 0)
        return attachment
    }

    private mutating func readPorts(_ config: Body, _ host: Body) throws(DockerFailure) {
        for text in try config["ExposedPorts"].keys() {
            exposed += try Self.ports(text).map { "\($0.number)/\($0.transport)" }
        }
        var known: Set<PortMapping> = []
        for (text, body) in try host["PortBindings"].members() {
            let targets = try Self.ports(text)
            guard targets.count == 1, let target = targets.first else {
                throw .invalid("invalid port specification: \"\(text)\"")
            }
            let bindings = try body.items()
            if bindings.isEmpty { ports.append(PortMapping(target: target.number, transport: target.transport)) }
            for binding in bindings {
                let address = try binding["HostIp"].text()
                if let address, IPAddress(address) == nil { throw .invalid("invalid IP address: \(address)") }
                let isAny = address == "0.0.0.0" || address == "::"
                // "0" means any free port, like an empty string.
                let published = try binding["HostPort"].text().flatMap { $0 == "0" ? nil : $0 }
                if let published {
                    let bounds = published.split(separator: "-", omittingEmptySubsequences: false)
                    guard (1...2).contains(bounds.count), bounds.allSatisfy({ UInt16($0) != nil }) else {
                        throw .invalid("invalid port specification: \"\(published)\"")
                    }
                }
                let mapping = PortMapping(
                    target: target.number, published: published, hostIP: isAny ? nil : address,
                    transport: target.transport)
                // Clients that name both 0.0.0.0 and :: mean every address.
                if known.insert(mapping).inserted { ports.append(mapping) }
            }
        }
    }

    /// `80`, `80/udp` or `8000-8010/tcp`.
    private static func ports(_ text: String) throws(DockerFailure) -> [(number: UInt16, transport: String)] {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let transport = parts.count > 1 ? parts[1].lowercased() : "tcp"
        let bounds = (parts.first ?? "").split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard ["tcp", "udp", "sctp"].contains(transport), (1...2).contains(bounds.count),
            let first = bounds.first ?? nil,
            let last = bounds.last ?? nil, first > 0, first <= last
        else { throw .invalid("invalid port specification: \"\(text)\"") }
        return (first...last).map { ($0, transport) }
    }

    /// `HOST:ADDRESS`, or with `=`.
    private static func extraHost(_ text: String) throws(DockerFailure) -> ExtraHost {
        guard let mark = text.firstIndex(where: { $0 == "=" || $0 == ":" }), mark != text.startIndex else {
            throw .invalid("bad format for add-host: \"\(text)\"")
        }
        var address = String(text[text.index(after: mark)...])
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        guard address == "host-gateway" || IPAddress(address) != nil else {
            throw .invalid("invalid IP address in add-host: \"\(address)\"")
        }
        return ExtraHost(host: String(text[..<mark]), addresses: [address])
    }
}
