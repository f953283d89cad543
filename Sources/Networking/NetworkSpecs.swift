import Linux

/// A bridge interface of the host: one network.
package struct BridgeSpec: Hashable, Sendable {
    /// The interface's name, at most 15 bytes.
    package var name: String
    /// The host's own addresses on it, each with the prefix of the subnet: the gateways. Empty for a network that the host
    /// itself is no part of.
    package var addresses: [CIDR]
    /// Bytes of the largest packet; nil is the kernel's 1500.
    package var mtu: UInt32?

    package init(name: String, addresses: [CIDR], mtu: UInt32? = nil) {
        self.name = name
        self.addresses = addresses
        self.mtu = mtu
    }
}

/// A container on a network: a pair of veth(4) interfaces, one end a port of the bridge, the other in the container's namespace.
package struct EndpointSpec: Hashable, Sendable {
    /// Where the container's network namespace is pinned.
    package var namespacePath: String
    /// The name inside: `eth0`.
    package var interfaceName: String
    /// The name of the host's end.
    package var hostInterface: String
    package var bridge: String
    /// nil derives one from the first address.
    package var macAddress: MACAddress?
    /// Each with the prefix of its subnet.
    package var addresses: [CIDR]
    /// At most one of each family; none for an internal network or one that is not the container's way out.
    package var defaultGateways: [IPAddress]
    package var mtu: UInt32?
    /// Whether the network lets its containers reach each other; false isolates the bridge port.
    package var allowsPeers: Bool
    /// Settings of the interface, under `net/ipv4/conf/IFNAME` and the like: path below /proc/sys → value.
    package var sysctls: [String: String]

    package init(
        namespacePath: String, interfaceName: String, hostInterface: String, bridge: String,
        macAddress: MACAddress? = nil, addresses: [CIDR], defaultGateways: [IPAddress] = [], mtu: UInt32? = nil,
        allowsPeers: Bool = true, sysctls: [String: String] = [:]
    ) {
        self.namespacePath = namespacePath
        self.interfaceName = interfaceName
        self.hostInterface = hostInterface
        self.bridge = bridge
        self.macAddress = macAddress
        self.addresses = addresses
        self.defaultGateways = defaultGateways
        self.mtu = mtu
        self.allowsPeers = allowsPeers
        self.sysctls = sysctls
    }
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

/// A port of the host that leads to one of a container.
package struct PublishedPort: Hashable, Sendable {
    /// nil, 0.0.0.0 and :: are every address of the host, of the family of the container's address.
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
