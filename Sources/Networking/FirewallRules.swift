import Linux

/// All rules that the table of an engine must enforce.
package struct FirewallRules: Hashable, Sendable {
    package var networks: [NetworkRules]
    package var ports: [PublishedPort]

    package init(networks: [NetworkRules] = [], ports: [PublishedPort] = []) {
        self.networks = networks
        self.ports = ports
    }
}

/// A change to the rules; whatever it does not name stays the same.
package struct FirewallChange: Hashable, Sendable {
    /// By the name of the network; nil removes it.
    package var networks: [String: NetworkRules?]
    /// By publisher: all ports of each.
    package var ports: [String: [PublishedPort]]
    /// Remove everything that is not named.
    package var isWhole: Bool

    package init(
        networks: [String: NetworkRules?] = [:], ports: [String: [PublishedPort]] = [:], isWhole: Bool = false
    ) {
        self.networks = networks
        self.ports = ports
        self.isWhole = isWhole
    }

    /// Replaces everything by `rules`.
    package init(to rules: FirewallRules) {
        self.init(
            networks: Dictionary(rules.networks.map { ($0.bridge, $0) }) { first, _ in first },
            ports: ["": rules.ports], isWhole: true)
    }
}

/// What applying rules changed outside of the engine's own table, and which rules could not be applied.
package struct RulesOutcome: Hashable, Sendable {
    /// Host settings that were off and are on now, by their path below /proc/sys; they stay on. The machine now
    /// forwards packets between its interfaces, so a person should be told once.
    package var enabledSysctls: [String]
    /// Ports and networks that could not be applied, with the reason; everything else was. Networks by their bridge.
    package var refusedPorts: [PublishedPort: String] = [:]
    package var refusedNetworks: [String: String] = [:]
    /// Failures that stop nothing.
    package var notes: [String] = []

    package init(enabledSysctls: [String] = []) { self.enabledSysctls = enabledSysctls }
}

/// The traffic that one network allows.
package struct NetworkRules: Hashable, Sendable {
    package var bridge: String
    package var subnets: [CIDR]
    /// No traffic in or out, except with the host itself.
    package var isInternal: Bool
    /// Containers of the network can reach each other.
    package var allowsPeers: Bool
    /// Outgoing packets get the machine's address.
    package var masquerades: Bool
    /// Others can reach the containers' own addresses, not only published ports: for a routed network.
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

/// Rules that are impossible, or that the kernel refused.
package enum FirewallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Two containers publish one host port.
    case portClash(PublishedPort, PublishedPort)
    /// A host address of one family is published to a container's address of the other.
    case familiesDiffer(PublishedPort)
    /// libnftables refused; its text.
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
