import Linux

/// The content of an engine's table: constant chains, and sets and maps whose elements follow from `FirewallRules`.
///
/// A packet meets the same few rules however many networks and ports there are; a change adds and deletes elements only.
struct FirewallTable: Hashable, Sendable {
    /// Elements by the name of their set, as nftables writes them.
    private(set) var elements: [String: Set<String>] = [:]

    /// Every set and map of the table with its declaration.
    static let declarations: [(name: String, declaration: String)] = [
        ("bridges", "set bridges { type ifname\n }"),
        ("internal", "set internal { type ifname\n }"),
        ("routed", "set routed { type ifname\n }"),
        ("peers", "set peers { type ifname . ifname\n }"),
        ("subnets4", "set subnets4 { type ipv4_addr\n flags interval\n }"),
        ("subnets6", "set subnets6 { type ipv6_addr\n flags interval\n }"),
        ("masquerade4", "set masquerade4 { type ipv4_addr\n flags interval\n }"),
        ("masquerade6", "set masquerade6 { type ipv6_addr\n flags interval\n }"),
        ("exact4", "map exact4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service\n }"),
        ("exact6", "map exact6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service\n }"),
        ("any4", "map any4 { type inet_proto . inet_service : ipv4_addr . inet_service\n }"),
        ("any6", "map any6 { type inet_proto . inet_service : ipv6_addr . inet_service\n }"),
    ]

    /// A published port first by the exact address, then by "any address of the host".
    private static let destination = """
            meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @exact4
            meta nfproto ipv6 dnat ip6 to ip6 daddr . meta l4proto . th dport map @exact6
            meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4
            meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6
        """

    private static let chains = """
        chain raw {
            type filter hook prerouting priority raw; policy accept;
            comment "route_localnet is on for our bridges: nothing on them may speak to or as 127.0.0.0/8"
            iifname @bridges ip daddr 127.0.0.0/8 drop
            iifname @bridges ip saddr 127.0.0.0/8 drop
        }
        chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            comment "ports published on 127.0.0.1 and ::1 are for the host itself, whatever arrives from outside"
            fib daddr type != local return
            ip daddr 127.0.0.0/8 return
            ip6 daddr ::1 return
        \(destination)
        }
        chain output {
            type nat hook output priority -100; policy accept;
            fib daddr type != local return
            ip6 daddr ::1 return
        \(destination)
        }
        chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            comment "where a destination was rewritten, the answer must come back through the host"
            oifname @bridges ct status dnat fib saddr type local masquerade
            oifname @bridges ct status dnat ip saddr @subnets4 masquerade
            oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade
            oifname @bridges accept
            ip saddr @masquerade4 masquerade
            ip6 saddr @masquerade6 masquerade
        }
        chain forwarding {
            type filter hook forward priority filter; policy accept;
            ct state established,related accept
            iifname . oifname @peers accept
            iifname @internal drop
            oifname @internal drop
            oifname @bridges ct status dnat accept
            iifname != @bridges oifname @routed accept
            oifname @bridges drop
        }
        """

    /// Ports that contradict themselves or one before them, and are left out.
    private(set) var refused: [PublishedPort: FirewallError] = [:]

    init(_ rules: FirewallRules) {
        for network in rules.networks { add(network) }
        addSubnets(of: rules.networks, to: "subnets")
        addSubnets(of: rules.networks.filter { $0.masquerades && !$0.isInternal }, to: "masquerade")
        var owners: [String: PublishedPort] = [:]
        for port in rules.ports {
            do throws(FirewallError) {
                guard let (map, key) = try Self.place(of: port) else { continue }
                let other = owners["\(map) \(key)"] ?? port
                guard other.containerAddress == port.containerAddress, other.containerPort == port.containerPort else {
                    throw .portClash(other, port)
                }
                owners["\(map) \(key)"] = port
                insert("\(key) : \(port.containerAddress) . \(port.containerPort)", into: map)
            } catch {
                refused[port] = error
            }
        }
    }

    /// The transaction that replaces the table, whatever it holds, by this one.
    func creation(of table: String) -> String {
        var text = "add table inet \(table)\ndelete table inet \(table)\ntable inet \(table) {\n"
        for (_, declaration) in Self.declarations { text += "\(declaration)\n" }
        return text + Self.chains + "\n}\n" + Self.commands("add", elements, table)
    }

    /// The transaction that turns a table holding `old` into this one; empty when they are equal.
    func change(of table: String, from old: FirewallTable) -> String {
        Self.commands("delete", old.elements(missingIn: self), table)
            + Self.commands("add", elements(missingIn: old), table)
    }

    private func elements(missingIn other: FirewallTable) -> [String: Set<String>] {
        var result: [String: Set<String>] = [:]
        for (name, members) in elements { result[name] = members.subtracting(other.elements[name] ?? []) }
        return result
    }

    private static func commands(_ verb: String, _ elements: [String: Set<String>], _ table: String) -> String {
        var text = ""
        for (name, _) in declarations {
            guard let members = elements[name], !members.isEmpty else { continue }
            text += "\(verb) element inet \(table) \(name) { \(members.sorted().joined(separator: ", ")) }\n"
        }
        return text
    }

    private mutating func add(_ network: NetworkRules) {
        let name = "\"\(network.bridge)\""
        insert(name, into: "bridges")
        if network.allowsPeers { insert("\(name) . \(name)", into: "peers") }
        if network.isInternal { insert(name, into: "internal") }
        if network.isRouted { insert(name, into: "routed") }
    }

    /// An interval set takes no range twice: one that lies in another is in the set already.
    private mutating func addSubnets(of networks: [NetworkRules], to set: String) {
        let subnets = Set(networks.flatMap(\.subnets).map(\.network))
        for subnet in subnets where !subnets.contains(where: { $0 != subnet && $0.contains(subnet) }) {
            insert("\(subnet)", into: "\(set)\(subnet.family == .v4 ? "4" : "6")")
        }
    }

    private mutating func insert(_ element: String, into set: String) { elements[set, default: []].insert(element) }

    /// nil for ::1, which no rule can lead elsewhere: IPv6 has no route_localnet.
    private static func place(of port: PublishedPort) throws(FirewallError) -> (map: String, key: String)? {
        let family = port.containerAddress.family
        let suffix = "\(port.transport.rawValue) . \(port.hostPort)"
        if let address = port.hostAddress, address.family != family { throw .familiesDiffer(port) }
        guard let address = port.hostAddress, !address.isUnspecified else {
            return (family == .v4 ? "any4" : "any6", suffix)
        }
        if address == .loopbackV6 { return nil }
        return (family == .v4 ? "exact4" : "exact6", "\(address) . \(suffix)")
    }
}
