import Linux

/// A bridge interface of the host, for one network.
package struct BridgeSpec: Hashable, Sendable {
    /// The interface's name, at most 15 bytes.
    package var name: String
    /// The host's own addresses on it, each with the subnet's prefix length: the gateways. Empty for a network that the
    /// host is not on.
    package var addresses: [CIDR]
    /// The MTU in bytes; nil means the kernel's 1500.
    package var mtu: UInt32?

    package init(name: String, addresses: [CIDR], mtu: UInt32? = nil) {
        self.name = name
        self.addresses = addresses
        self.mtu = mtu
    }
}

/// A container on a network.
package struct EndpointSpec: Hashable, Sendable {
    /// The path at which the container's network namespace is pinned.
    package var namespacePath: String
    /// Its name in the container: `eth0`.
    package var interfaceName: String
    /// The name of the host's end, if this kind of network has one.
    package var hostInterface: String
    package var realisation: Realisation
    /// nil: derived from the first address, if this kind of network gives each container an Ethernet address.
    package var macAddress: MACAddress?
    /// Each with its subnet's prefix length.
    package var addresses: [CIDR]
    /// At most one for each family; none for an internal network or one without the container's default route.
    package var defaultGateways: [IPAddress]
    package var mtu: UInt32?
    /// Whether the network lets its containers reach each other; false isolates the bridge port.
    package var allowsPeers: Bool
    /// Settings of the interface, in the order to write them.
    package var settings: [InterfaceSetting]
    /// The default routes use the interface itself and no gateway.
    var routesByInterface = false

    package init(
        namespacePath: String, interfaceName: String, hostInterface: String, realisation: Realisation,
        macAddress: MACAddress? = nil, addresses: [CIDR], defaultGateways: [IPAddress] = [], mtu: UInt32? = nil,
        allowsPeers: Bool = true, settings: [InterfaceSetting] = []
    ) {
        self.namespacePath = namespacePath
        self.interfaceName = interfaceName
        self.hostInterface = hostInterface
        self.realisation = realisation
        self.macAddress = macAddress
        self.addresses = addresses
        self.defaultGateways = defaultGateways
        self.mtu = mtu
        self.allowsPeers = allowsPeers
        self.settings = settings
    }
}

/// A setting of one interface below /proc/sys/net: `ipv4.conf.IFNAME.log_martians`.
package struct InterfaceSetting: Codable, Hashable, Sendable {
    package enum Family: String, Codable, Hashable, Sendable, CaseIterable { case ipv4, ipv6, mpls }
    /// The kernel's folder for it: `conf` or `neigh`.
    package enum Area: String, Codable, Hashable, Sendable, CaseIterable { case conf, neigh }

    package var family: Family
    package var area: Area
    /// Letters, digits and `_`.
    package var name: String
    package var value: String

    /// Parses `net.ipv4.conf.IFNAME.log_martians=1`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = (sides.first ?? "").split(separator: ".", omittingEmptySubsequences: false)
        guard sides.count == 2, parts.count == 5, parts[0] == "net", parts[3] == "IFNAME",
            let family = Family(rawValue: String(parts[1])), let area = Area(rawValue: String(parts[2])),
            !parts[4].isEmpty,
            parts[4].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F }),
            !sides[1].isEmpty, !sides[1].utf8.contains(where: { $0 < 0x20 })
        else { return nil }
        (self.family, self.area, name, value) = (family, area, String(parts[4]), String(sides[1]))
    }

    /// The path below /proc/sys.
    func path(of interface: String) -> String { "net/\(family.rawValue)/\(area.rawValue)/\(interface)/\(name)" }
}

/// The protocols whose ports can be published.
package enum Transport: String, Codable, Hashable, Sendable, CaseIterable {
    case tcp, udp, sctp

    /// Its number in an IP header (IANA protocol numbers).
    package var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
}

/// A host port that leads to a container's port.
package struct PublishedPort: Hashable, Sendable {
    /// nil, 0.0.0.0 and :: mean every address of the host in the family of the container's address.
    package var hostAddress: IPAddress?
    package var hostPort: UInt16
    package var containerAddress: IPAddress
    package var containerPort: UInt16
    package var transport: Transport

    package init(
        hostAddress: IPAddress? = nil, hostPort: UInt16, containerAddress: IPAddress, containerPort: UInt16,
        transport: Transport = .tcp
    ) {
        self.hostAddress = hostAddress
        self.hostPort = hostPort
        self.containerAddress = containerAddress
        self.containerPort = containerPort
        self.transport = transport
    }
}
