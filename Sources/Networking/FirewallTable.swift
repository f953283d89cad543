import Linux

/// The content of an engine's table: constant chains, and sets and maps with elements for networks and ports.
///
/// Every packet passes the same few rules, however many networks and ports there are. A change only adds and deletes
/// elements, so its cost depends on the size of the change.
struct FirewallTable: Sendable {
    /// By name.
    private(set) var networks: [String: NetworkRules] = [:]
    /// By publisher.
    private(set) var ports: [String: [PublishedPort]] = [:]
    /// Elements by the name of their set, in nftables syntax.
    private(set) var elements: [String: Set<String>] = [:]
    /// Elements to add to the kernel's table, and elements to delete from it.
    private var added: [String: Set<String>] = [:]
    private var deleted: [String: Set<String>] = [:]
    /// By set: how many networks have each subnet.
    private var subnets: [String: [CIDR: Int]] = [:]
    /// By map and key: all publishers that want it; the first one has it.
    private var claims: [Place: [PublishedPort]] = [:]
    /// Ports that are impossible in themselves.
    private var impossible: [PublishedPort: FirewallError] = [:]
    /// Ports that lost to an earlier one.
    private var outdone: Set<PublishedPort> = []

    private struct Place: Hashable {
        var map: String
        var key: String
    }

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

    /// A published port is looked up first by the exact address, then as "any address of the host".
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

    /// Ports that are impossible or lost to an earlier one; they are left out.
    var refused: [PublishedPort: FirewallError] {
        var result = impossible
        for port in outdone {
            guard let place = try? Self.place(of: port), let first = claims[place]?.first else { continue }
            result[port] = .portClash(first, port)
        }
        return result
    }

    /// The publisher of a refused port; nil when there is none.
    func owner(of port: PublishedPort) -> String? { ports.first { $0.value.contains(port) }?.key }

    mutating func apply(_ change: FirewallChange) {
        if change.isWhole {
            for name in networks.keys where change.networks[name] == nil { set(nil, as: name) }
            for owner in ports.keys where change.ports[owner] == nil { setPorts([], of: owner) }
        }
        for (name, rules) in change.networks { set(rules, as: name) }
        for (owner, ports) in change.ports.sorted(by: { $0.key < $1.key }) { setPorts(ports, of: owner) }
    }

    mutating func set(_ rules: NetworkRules?, as name: String) {
        let old = networks[name]
        guard old != rules else { return }
        networks[name] = rules
        if let old { edit(old, -1) }
        if let rules { edit(rules, 1) }
    }

    mutating func setPorts(_ wanted: [PublishedPort], of owner: String) {
        let old = ports[owner] ?? []
        guard old != wanted else { return }
        ports[owner] = wanted.isEmpty ? nil : wanted
        for port in old where !wanted.contains(port) { withdraw(port) }
        for port in wanted where !old.contains(port) { claim(port) }
    }

    /// The transaction that replaces the table, whatever it contains, with this one.
    func creation(of table: String) -> String {
        var text = "add table inet \(table)\ndelete table inet \(table)\ntable inet \(table) {\n"
        for (_, declaration) in Self.declarations { text += "\(declaration)\n" }
        return text + Self.chains + "\n}\n" + Self.commands("add", elements, table)
    }

    /// The transaction that updates the kernel's table to this one; empty when nothing changes.
    func change(of table: String) -> String {
        Self.commands("delete", deleted, table) + Self.commands("add", added, table)
    }

    /// The kernel's table equals this one now.
    mutating func settle() {
        added = [:]
        deleted = [:]
    }

    private static func commands(_ verb: String, _ elements: [String: Set<String>], _ table: String) -> String {
        var text = ""
        for (name, _) in declarations {
            guard let members = elements[name], !members.isEmpty else { continue }
            text += "\(verb) element inet \(table) \(name) { \(members.sorted().joined(separator: ", ")) }\n"
        }
        return text
    }

    private mutating func edit(_ network: NetworkRules, _ step: Int) {
        let name = "\"\(network.bridge)\""
        func edit(_ element: String, in set: String) {
            if step > 0 { insert(element, into: set) } else { remove(element, from: set) }
        }
        edit(name, in: "bridges")
        if network.allowsPeers { edit("\(name) . \(name)", in: "peers") }
        if network.isInternal { edit(name, in: "internal") }
        if network.isRouted { edit(name, in: "routed") }
        for subnet in network.subnets.map(\.network) {
            let suffix = subnet.family == .v4 ? "4" : "6"
            count(subnet, step, in: "subnets\(suffix)")
            if network.masquerades, !network.isInternal { count(subnet, step, in: "masquerade\(suffix)") }
        }
    }

    /// An interval set accepts no overlapping ranges, so a subnet inside another one is not added.
    private mutating func count(_ subnet: CIDR, _ step: Int, in set: String) {
        let before = subnets[set]?[subnet] ?? 0
        let after = before + step
        subnets[set, default: [:]][subnet] = after == 0 ? nil : after
        guard before == 0 || after == 0 else { return }
        let others = (subnets[set] ?? [:]).keys.filter { $0 != subnet }
        guard !others.contains(where: { $0.contains(subnet) }) else { return }
        let inside = others.filter { inner in
            subnet.contains(inner) && !others.contains { $0 != inner && $0.contains(inner) }
        }
        if before == 0 {
            for inner in inside { remove("\(inner)", from: set) }
            insert("\(subnet)", into: set)
        } else {
            remove("\(subnet)", from: set)
            for inner in inside { insert("\(inner)", into: set) }
        }
    }

    private mutating func claim(_ port: PublishedPort) {
        do throws(FirewallError) {
            guard let place = try Self.place(of: port) else { return }
            claims[place, default: []].append(port)
            guard let first = claims[place]?.first, first != port else {
                insert(Self.element(port, place), into: place.map)
                return
            }
            if !Self.leadToTheSame(first, port) { outdone.insert(port) }
        } catch {
            impossible[port] = error
        }
    }

    private mutating func withdraw(_ port: PublishedPort) {
        impossible[port] = nil
        outdone.remove(port)
        guard let place = try? Self.place(of: port), var left = claims[place], let first = left.first,
            let index = left.firstIndex(of: port)
        else { return }
        left.remove(at: index)
        claims[place] = left.isEmpty ? nil : left
        guard index == 0, left.first.map({ Self.leadToTheSame($0, first) }) != true else { return }
        remove(Self.element(first, place), from: place.map)
        guard let next = left.first else { return }
        insert(Self.element(next, place), into: place.map)
        for port in left {
            if Self.leadToTheSame(next, port) { outdone.remove(port) } else { outdone.insert(port) }
        }
    }

    private static func element(_ port: PublishedPort, _ place: Place) -> String {
        "\(place.key) : \(port.containerAddress) . \(port.containerPort)"
    }

    private static func leadToTheSame(_ one: PublishedPort, _ other: PublishedPort) -> Bool {
        one.containerAddress == other.containerAddress && one.containerPort == other.containerPort
    }

    private mutating func insert(_ element: String, into set: String) {
        guard elements[set, default: []].insert(element).inserted else { return }
        if deleted[set]?.remove(element) == nil { added[set, default: []].insert(element) }
    }

    private mutating func remove(_ element: String, from set: String) {
        guard elements[set]?.remove(element) != nil else { return }
        if added[set]?.remove(element) == nil { deleted[set, default: []].insert(element) }
    }

    /// nil for ::1, which no rule can redirect: IPv6 has no route_localnet.
    private static func place(of port: PublishedPort) throws(FirewallError) -> Place? {
        let family = port.containerAddress.family
        let suffix = "\(port.transport.rawValue) . \(port.hostPort)"
        if let address = port.hostAddress, address.family != family { throw .familiesDiffer(port) }
        guard let address = port.hostAddress, !address.isUnspecified else {
            return Place(map: family == .v4 ? "any4" : "any6", key: suffix)
        }
        if address == .loopbackV6 { return nil }
        return Place(map: family == .v4 ? "exact4" : "exact6", key: "\(address) . \(suffix)")
    }
}
