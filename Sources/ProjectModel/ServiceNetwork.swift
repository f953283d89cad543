/// The network that a service uses instead of networks of its own.
package enum NetworkMode: Codable, Hashable, Sendable {
    case none, host
    case service(String)
    /// The name or id of a container.
    case container(String)
}

/// `services.*.networks.*`.
package struct NetworkAttachment: Codable, Hashable, Sendable {
    /// The key under the top-level `networks`.
    package var network: String
    package var aliases: [String] = []
    package var ipv4Address: String?
    package var ipv6Address: String?
    package var linkLocalIPs: [String] = []
    package var macAddress: String?
    package var interfaceName: String?
    package var driverOptions: [String: String] = [:]
    /// The order of connecting, highest first.
    package var priority: Int = 0
    /// The network with the highest priority gets the default route.
    package var gatewayPriority: Int = 0
    /// Names that only this container gives to others on the network; nil is none.
    package var links: [Link]?

    enum CodingKeys: String, CodingKey {
        case network, aliases, priority, links
        case ipv4Address = "ipv4_address"
        case ipv6Address = "ipv6_address"
        case linkLocalIPs = "link_local_ips"
        case macAddress = "mac_address"
        case interfaceName = "interface_name"
        case driverOptions = "driver_opts"
        case gatewayPriority = "gw_priority"
    }

    package init(network: String) { self.network = network }
}

/// `services.*.ports[]`: one target port.
package struct PortMapping: Codable, Hashable, Sendable {
    package var target: UInt16
    /// A port, or a range `8000-8010` to choose from; nil means any free one.
    package var published: String?
    /// nil means every address of the host.
    package var hostIP: String?
    /// `tcp`, `udp` or `sctp`.
    package var transport: String
    package var name: String?
    package var mode: String?
    package var appProtocol: String?

    enum CodingKeys: String, CodingKey {
        case target, published, name, mode
        case hostIP = "host_ip"
        case transport = "protocol"
        case appProtocol = "app_protocol"
    }

    package init(target: UInt16, published: String? = nil, hostIP: String? = nil, transport: String = "tcp") {
        self.target = target
        self.published = published
        self.hostIP = hostIP
        self.transport = transport
    }
}

package struct Link: Codable, Hashable, Sendable {
    package var target: String
    package var alias: String

    package init(target: String, alias: String) {
        self.target = target
        self.alias = alias
    }
}

/// A line for /etc/hosts; the address may be `host-gateway`.
package struct ExtraHost: Codable, Hashable, Sendable {
    package var host: String
    package var addresses: [String]

    package init(host: String, addresses: [String]) {
        self.host = host
        self.addresses = addresses
    }
}
