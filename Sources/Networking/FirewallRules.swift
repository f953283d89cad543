import Linux

/// What the table of an engine has to enforce, as a whole.
package struct FirewallRules: Hashable, Sendable {
    package var networks: [NetworkRules]
    package var ports: [PublishedPort]

    package init(networks: [NetworkRules] = [], ports: [PublishedPort] = []) {
        self.networks = networks
        self.ports = ports
    }
}

/// What changes of the rules: all that it does not name stays as it is.
package struct FirewallChange: Hashable, Sendable {
    /// By the name of the network; without rules it goes.
    package var networks: [String: NetworkRules?]
    /// By who publishes them: all of its ports.
    package var ports: [String: [PublishedPort]]
    /// What is not named goes.
    package var isWhole: Bool

    package init(
        networks: [String: NetworkRules?] = [:], ports: [String: [PublishedPort]] = [:], isWhole: Bool = false
    ) {
        self.networks = networks
        self.ports = ports
        self.isWhole = isWhole
    }

    /// From whatever was before to `rules`.
    package init(to rules: FirewallRules) {
        self.init(
            networks: Dictionary(rules.networks.map { ($0.bridge, $0) }) { first, _ in first },
            ports: ["": rules.ports], isWhole: true)
    }
}

/// What bringing rules into force changed beside the engine's own table, and what of them could not be brought into force.
package struct RulesOutcome: Hashable, Sendable {
    /// Settings of the host that were off and are on now, by their path below /proc/sys: a person should be told once, since the
    /// machine now passes packets on between its interfaces. They stay on.
    package var enabledSysctls: [String]
    /// What is not in force, with the reason: everything else is. Networks by their bridge.
    package var refusedPorts: [PublishedPort: String] = [:]
    package var refusedNetworks: [String: String] = [:]
    /// What did not work and holds nobody up.
    package var notes: [String] = []

    package init(enabledSysctls: [String] = []) { self.enabledSysctls = enabledSysctls }
}

/// How packets of one network may travel.
package struct NetworkRules: Hashable, Sendable {
    package var bridge: String
    package var subnets: [CIDR]
    /// No way out and none in, except to and from the host itself.
    package var isInternal: Bool
    /// Containers of the network reach each other.
    package var allowsPeers: Bool
    /// Packets that leave the machine bear its address.
    package var masquerades: Bool
    /// Others may reach the containers' own addresses, not only published ports: for a routed network.
    package var isRouted: Bool

    package init(
        bridge: String, subnets: [CIDR], isInternal: Bool = false, allowsPeers: Bool = true, masquerades: Bool = true,
        isRouted: Bool = false
    ) {
        self.bridge = bridge
        self.subnets = subnets
        self.isInternal = isInternal
        self.allowsPeers = allowsPeers
        self.masquerades = masquerades
        self.isRouted = isRouted
    }
}

/// Rules that cannot be made, or that the kernel did not take.
package enum FirewallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Two containers want one port of the host.
    case portClash(PublishedPort, PublishedPort)
    /// An address of one family published to a container's address of the other.
    case familiesDiffer(PublishedPort)
    /// libnftables refused; its words.
    case refused(String)

    package var description: String {
        switch self {
        case .portClash(let first, let second):
            "port \(first.hostPort)/\(first.transport.rawValue) of the host is published twice: to "
                + "\(first.containerAddress.hostText):\(first.containerPort) and to "
                + "\(second.containerAddress.hostText):\(second.containerPort)"
        case .familiesDiffer(let port):
            "\(port.hostAddress?.hostText ?? "any"):\(port.hostPort) cannot lead to \(port.containerAddress): "
                + "one is IPv4 and the other IPv6"
        case .refused(let words): "nftables: \(words)"
        }
    }
}
