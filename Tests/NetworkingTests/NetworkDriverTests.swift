import Linux
import Networking
import Testing

@Suite(.enabled(if: TestNetwork.isPossible, "needs root"), .serialized)
struct NetworkDriverTests {
    static let front = NetworkRules(bridge: "berth-front", subnets: [CIDR("172.30.0.0/24")].compactMap(\.self))
    static let back = NetworkRules(bridge: "berth-back", subnets: [CIDR("172.31.0.0/24")].compactMap(\.self))

    static func port(
        _ hostPort: UInt16, to address: String, _ containerPort: UInt16, at hostAddress: String? = nil
    ) throws -> PublishedPort {
        PublishedPort(
            hostAddress: hostAddress.flatMap { IPAddress($0) }, hostPort: hostPort,
            containerAddress: try #require(IPAddress(address)), containerPort: containerPort)
    }

    static func makeBridges(_ network: TestNetwork) async throws {
        for (name, address) in [("berth-front", "172.30.0.1/24"), ("berth-back", "172.31.0.1/24")] {
            try await network.driver.ensureBridge(BridgeSpec(name: name, addresses: [#require(CIDR(address))]))
        }
    }

    @Test("what kinds of interfaces there are is found out without making one")
    func kinds() async throws {
        try await TestNetwork.with { network in
            let before = try await network.driver.observe().interfaces
            #expect(try await network.driver.hasLinks(of: "bridge"))
            #expect(try await network.driver.hasLinks(of: "veth"))
            #expect(try await !network.driver.hasLinks(of: "nosuch"))
            #expect(try await network.driver.observe().interfaces.map(\.name) == before.map(\.name))
        }
    }

    @Test(arguments: [0, 1])
    func containersOfOneNetworkReachEachOtherTheHostAndTheOutside(bridgeFilter: Int) async throws {
        try await TestNetwork.with { network in
            try network.setBridgeFilter(bridgeFilter)
            try await Self.makeBridges(network)
            try await network.driver.setRules(FirewallRules(networks: [Self.front, Self.back]))
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let two = try await network.container("two", on: "berth-front", "172.30.0.3/24", gateway: "172.30.0.1")
            let peer = try network.server("peer", in: two)
            let far = try network.server("far", in: network.outside)
            let host = try network.server("host", in: network.host)
            #expect(try ask("172.30.0.3", peer.port, from: one) == "172.30.0.2 peer")
            #expect(try ask("172.30.0.1", host.port, from: one) == "172.30.0.2 host")
            #expect(try ask("172.30.0.3", peer.port, from: network.host) == "172.30.0.1 peer")
            #expect(try ask("198.51.100.2", far.port, from: one) == "198.51.100.1 far", "not masqueraded")
        }
    }

    @Test func networksAreClosedToEachOtherAndToTheOutside() async throws {
        try await TestNetwork.with { network in
            try await Self.makeBridges(network)
            try await network.driver.setRules(FirewallRules(networks: [Self.front, Self.back]))
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let two = try await network.container("two", on: "berth-back", "172.31.0.2/24", gateway: "172.31.0.1")
            let server = try network.server("server", in: two)
            try network.shell("ip route add 172.16.0.0/12 via 198.51.100.1", in: network.outside)
            #expect(try ask("172.31.0.2", server.port, from: one, milliseconds: 300) == nil)
            #expect(try ask("172.31.0.2", server.port, from: network.outside, milliseconds: 300) == nil)
            #expect(try ask("172.31.0.2", server.port, from: network.host) == "172.31.0.1 server")
        }
    }

    /// With br_netfilter, which Docker and Kubernetes load, bridged packets meet the rules too.
    @Test(arguments: [0, 1])
    func publishedPortsAreReachedFromEverywhere(bridgeFilter: Int) async throws {
        try await TestNetwork.with { network in
            try network.setBridgeFilter(bridgeFilter)
            try await Self.makeBridges(network)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let two = try await network.container("two", on: "berth-back", "172.31.0.2/24", gateway: "172.31.0.1")
            let near = try await network.container("near", on: "berth-front", "172.30.0.3/24", gateway: "172.30.0.1")
            let server = try network.server("web", in: one)
            try await network.driver.setRules(
                FirewallRules(
                    networks: [Self.front, Self.back], ports: [Self.port(8080, to: "172.30.0.2", server.port)]))
            #expect(try ask("198.51.100.1", 8080, from: network.outside) == "198.51.100.2 web", "source address lost")
            #expect(try ask("127.0.0.1", 8080, from: network.host) == "172.30.0.1 web")
            #expect(try ask("198.51.100.1", 8080, from: network.host) == "172.30.0.1 web")
            #expect(try ask("198.51.100.1", 8080, from: two) != nil, "from another network by the host's address")
            #expect(try ask("198.51.100.1", 8080, from: near) == "172.30.0.1 web", "from a neighbour")
            #expect(try ask("198.51.100.1", 8080, from: one) == "172.30.0.1 web", "from the container itself")
            #expect(try ask("172.30.0.1", 8080, from: one) == "172.30.0.1 web", "by the gateway's address")
        }
    }

    @Test func portsPublishedOnLoopbackAreClosedFromOutside() async throws {
        try await TestNetwork.with { network in
            try await Self.makeBridges(network)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let evil = try await network.container("evil", on: "berth-front", "172.30.0.3/24", gateway: "172.30.0.1")
            let server = try network.server("web", in: one)
            let secret = try network.server("secret", in: network.host, on: .loopbackV4)
            try await network.driver.setRules(
                FirewallRules(
                    networks: [Self.front, Self.back],
                    ports: [Self.port(8080, to: "172.30.0.2", server.port, at: "127.0.0.1")]))
            #expect(try ask("127.0.0.1", 8080, from: network.host) == "172.30.0.1 web")
            #expect(try ask("198.51.100.1", 8080, from: network.outside, milliseconds: 300) == nil)
            // Packets to 127.0.0.1 put on the wire: from the LAN, and from a container whose bridge has route_localnet.
            for (namespace, device, gateway) in [
                (network.outside, "lan0", "198.51.100.1"), (evil, "eth0", "172.30.0.1"),
            ] {
                try network.shell(
                    """
                    ip addr del 127.0.0.1/8 dev lo; sysctl -qw net.ipv4.conf.all.route_localnet=1
                    ip route flush table local; ip route add 127.0.0.1 via \(gateway) dev \(device)
                    """, in: namespace)
                for port in [8080, secret.port] {
                    #expect(
                        try ask("127.0.0.1", port, from: namespace, milliseconds: 300) == nil, "\(port) from \(device)")
                }
            }
        }
    }

    @Test func whatCannotBeMadeKeepsNothingElseOut() async throws {
        try await TestNetwork.with { network in
            try await Self.makeBridges(network)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let server = try network.server("web", in: one)
            let good = try Self.port(8080, to: "172.30.0.2", server.port)
            let clashing = try Self.port(8080, to: "172.30.0.3", server.port)
            let mixed = try Self.port(8081, to: "172.30.0.2", server.port, at: "::1")
            let odd = NetworkRules(bridge: "a\"b", subnets: [])
            for isKnown in [false, true] {
                if isKnown { try await network.driver.setRules(FirewallRules(networks: [Self.front])) }
                let outcome = try await network.driver.setRules(
                    FirewallRules(networks: [odd, Self.front, Self.back], ports: [good, clashing, mixed]))
                #expect(Set(outcome.refusedPorts.keys) == [clashing, mixed])
                #expect(Set(outcome.refusedNetworks.keys) == ["a\"b"])
                #expect(try ask("198.51.100.1", 8080, from: network.outside) == "198.51.100.2 web")
            }
            // Ranges that lie in each other are one for the sets.
            var wide = Self.front
            wide.subnets += [try #require(CIDR("172.30.0.0/16")), try #require(CIDR("172.30.0.128/25"))]
            let outcome = try await network.driver.setRules(FirewallRules(networks: [wide, Self.back], ports: [good]))
            #expect(outcome.refusedPorts.isEmpty && outcome.refusedNetworks.isEmpty, "\(outcome)")
            for (rules, subnets) in [
                (wide, ["172.30.0.0/16", "172.31.0.0/24"]), (Self.front, ["172.30.0.0/24", "172.31.0.0/24"]),
                (Self.back, ["172.31.0.0/24"]), (wide, ["172.30.0.0/16", "172.31.0.0/24"]),
            ] {
                try await network.driver.setRules(FirewallRules(networks: [rules, Self.back]))
                let set = try network.shell("nft list set inet berth subnets4", in: network.host)
                #expect(set.contains("elements = { \(subnets.joined(separator: ", ")) }"), "\(set)")
            }
            try await network.driver.setRules(FirewallRules(networks: [wide, Self.back], ports: [good]))
            #expect(try ask("198.51.100.1", 8080, from: network.outside) == "198.51.100.2 web")
        }
    }

    @Test(arguments: [0, 1])
    func containersOfANetworkWithoutPeersReachOnlyPublishedPorts(bridgeFilter: Int) async throws {
        try await TestNetwork.with { network in
            try network.setBridgeFilter(bridgeFilter)
            try await Self.makeBridges(network)
            var front = Self.front
            front.allowsPeers = false
            let one = try await network.container(
                "one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1", allowsPeers: false)
            let two = try await network.container(
                "two", on: "berth-front", "172.30.0.3/24", gateway: "172.30.0.1", allowsPeers: false)
            let server = try network.server("web", in: one)
            let far = try network.server("far", in: network.outside)
            try await network.driver.setRules(
                FirewallRules(networks: [front], ports: [Self.port(8080, to: "172.30.0.2", server.port)]))
            #expect(try ask("172.30.0.2", server.port, from: two, milliseconds: 300) == nil)
            // With br_netfilter the rewritten packet stays inside the bridge, whose isolated port does not let it in.
            if bridgeFilter == 0 { #expect(try ask("198.51.100.1", 8080, from: two) == "172.30.0.1 web") }
            #expect(try ask("198.51.100.1", 8080, from: network.outside) == "198.51.100.2 web")
            #expect(try ask("198.51.100.2", far.port, from: two) == "198.51.100.1 far")
        }
    }

    @Test func anInternalNetworkHasNoWayOutAndNoneIn() async throws {
        try await TestNetwork.with { network in
            try await Self.makeBridges(network)
            var front = Self.front
            front.isInternal = true
            try await network.driver.setRules(FirewallRules(networks: [front, Self.back]))
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: nil)
            let two = try await network.container("two", on: "berth-front", "172.30.0.3/24", gateway: nil)
            let server = try network.server("inside", in: one)
            let far = try network.server("far", in: network.outside)
            #expect(try ask("172.30.0.2", server.port, from: two) == "172.30.0.3 inside")
            #expect(try ask("172.30.0.2", server.port, from: network.host) == "172.30.0.1 inside")
            try network.shell("ip route add default via 172.30.0.1", in: one)
            #expect(
                try ask("198.51.100.2", far.port, from: one, milliseconds: 300) == nil, "a route of its own led out")
        }
    }

    @Test func changingRulesKeepsWhatIsNotConcerned() async throws {
        try await TestNetwork.with { network in
            try await Self.makeBridges(network)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let server = try network.server("web", in: one)
            let other = try network.server("other", in: one)
            let both = [
                try Self.port(8080, to: "172.30.0.2", server.port), try Self.port(8081, to: "172.30.0.2", other.port),
            ]
            try await network.driver.setRules(FirewallRules(networks: [Self.front], ports: both))
            let moved = [both[0], try Self.port(8081, to: "172.30.0.2", server.port)]
            try await network.driver.setRules(FirewallRules(networks: [Self.front, Self.back], ports: moved))
            #expect(try ask("198.51.100.1", 8080, from: network.outside) == "198.51.100.2 web")
            #expect(try ask("198.51.100.1", 8081, from: network.outside) == "198.51.100.2 web")
            try await network.driver.setRules(FirewallRules(networks: [Self.front], ports: [both[1]]))
            #expect(try ask("198.51.100.1", 8081, from: network.outside) == "198.51.100.2 other")
            #expect(try ask("198.51.100.1", 8080, from: network.outside) == nil)
            // A bridge that was deleted and made anew has lost its setting for 127.0.0.1.
            try await network.driver.removeLink("berth-front")
            try await Self.makeBridges(network)
            try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            try await network.driver.setRules(FirewallRules(networks: [Self.front], ports: [both[1]]))
            #expect(try ask("127.0.0.1", 8081, from: network.host) == "172.30.0.1 other")
            try await network.driver.setRules(FirewallRules())
            #expect(try network.shell("nft list tables", in: network.host) == "")
        }
    }

    @Test func ipv6IsAFullMember() async throws {
        try await TestNetwork.with { network in
            let subnet = try #require(CIDR("fd00:30::/64"))
            let gateways = [CIDR("172.30.0.1/24"), CIDR("fd00:30::1/64")].compactMap(\.self)
            try await network.driver.ensureBridge(BridgeSpec(name: "berth-front", addresses: gateways))
            let gateway = "172.30.0.1,fd00:30::1"
            let one = try await network.container(
                "one", on: "berth-front", "172.30.0.2/24,fd00:30::2/64", gateway: gateway)
            let two = try await network.container(
                "two", on: "berth-front", "172.30.0.3/24,fd00:30::3/64", gateway: gateway)
            let server = try network.server("web", in: one, on: .anyV6)
            let far = try network.server("far", in: network.outside, on: .anyV6)
            var rules = Self.front
            rules.subnets.append(subnet)
            let outcome = try await network.driver.setRules(
                FirewallRules(networks: [rules], ports: [Self.port(8080, to: "fd00:30::2", server.port)]))
            #expect(outcome.enabledSysctls == ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"])
            #expect(try ask("fd00:30::2", server.port, from: two) == "fd00:30::3 web")
            #expect(try ask("2001:db8::2", far.port, from: two) == "2001:db8::1 far", "not masqueraded")
            #expect(try ask("2001:db8::1", 8080, from: network.outside) == "2001:db8::2 web")
            #expect(try ask("2001:db8::1", 8080, from: network.host) == "fd00:30::1 web")
            #expect(try ask("2001:db8::1", 8080, from: two) == "fd00:30::1 web")
        }
    }

    @Test func aContainerMadeAnewTakesOverNameAndAddress() async throws {
        try await TestNetwork.with { network in
            try await network.driver.ensureBridge(
                BridgeSpec(name: "shop0", addresses: [#require(CIDR("172.30.0.1/24"))], mtu: 1400))
            let peer = try await network.container("peer", on: "shop0", "172.30.0.9/24", gateway: "172.30.0.1")
            for round in 0..<3 {
                // Somebody still holds the old namespace when the next one is made.
                let old = NetworkNamespace(path: "\(network.folder)/one")
                let held = old.exists ? try old.open() : nil
                try await network.driver.removeNamespace(old.path)
                let one = try await network.container("one", on: "shop0", "172.30.0.2/24", gateway: "172.30.0.1")
                let server = try network.server("round \(round)", in: one)
                // The neighbour remembers the hardware address of the one before.
                #expect(try ask("172.30.0.2", server.port, from: peer) == "172.30.0.9 round \(round)")
                _ = consume held
            }
            let observed = try await network.driver.observe()
            #expect(observed.bridge("shop0")?.mtu == 1400)
            #expect(observed.endpoints.count == 2)
        }
    }

    @Test func twoEnginesOnOneHostLeaveEachOtherAlone() async throws {
        try await TestNetwork.with { network in
            try await Self.makeBridges(network)
            let other = try await NetworkDriver(
                instance: InstanceName(rootFolder: "/srv/second"), hostNamespace: network.host.path)
            let bridge = other.instance.bridge(ofNetwork: "n")
            try await other.ensureBridge(BridgeSpec(name: bridge, addresses: [#require(CIDR("172.29.0.1/24"))]))
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let two = try await network.container("two", on: bridge, "172.29.0.2/24", gateway: "172.29.0.1")
            let first = try network.server("first", in: one)
            let second = try network.server("second", in: two)
            try await network.driver.setRules(
                FirewallRules(networks: [Self.front], ports: [Self.port(8080, to: "172.30.0.2", first.port)]))
            try await other.setRules(
                FirewallRules(
                    networks: [NetworkRules(bridge: bridge, subnets: [#require(CIDR("172.29.0.0/24"))])],
                    ports: [Self.port(8081, to: "172.29.0.2", second.port)]))
            #expect(try ask("198.51.100.1", 8080, from: network.outside) == "198.51.100.2 first")
            #expect(try ask("198.51.100.1", 8081, from: network.outside) == "198.51.100.2 second")
            #expect(try ask("127.0.0.1", 8081, from: network.host) == "172.29.0.1 second")
            #expect(
                try ask("172.29.0.2", second.port, from: one, milliseconds: 300) == nil, "isolation between engines")
            #expect(try await other.observe().bridges.map(\.name) == [bridge])
            try await other.setRules(FirewallRules())
            #expect(try ask("198.51.100.1", 8080, from: network.outside) == "198.51.100.2 first")
        }
    }

    @Test func anInterfaceThatIsNoBridgeIsNotTaken() async throws {
        try await TestNetwork.with { network in
            await #expect(throws: NetworkError.notABridge("lan")) {
                try await network.driver.ensureBridge(BridgeSpec(name: "lan", addresses: []))
            }
            let path = "\(network.folder)/one"
            try await network.driver.makeNamespace(path)
            let endpoint = EndpointSpec(
                namespacePath: path, interfaceName: "eth0", hostInterface: "bv-x",
                realisation: .bridge("berth-none"), addresses: [])
            await #expect(throws: NetworkError.noBridge("berth-none")) { try await network.driver.attach(endpoint) }
        }
    }

    @Test func repeatingEverythingChangesNothing() async throws {
        try await TestNetwork.with { network in
            try await Self.makeBridges(network)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            try await network.driver.setRules(FirewallRules(networks: [Self.front, Self.back]))
            let before = try await network.driver.observe()
            try await Self.makeBridges(network)
            try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            try await network.driver.setRules(FirewallRules(networks: [Self.front, Self.back]))
            #expect(try await network.driver.observe() == before)
            #expect(before.bridges.map(\.name).sorted() == ["berth-back", "berth-front"])
            #expect(before.endpoints.count == 1)
            #expect(
                before.usedRanges.map { "\($0.range) \($0.interface)" } == ["198.51.100.0/24 lan", "2001:db8::/64 lan"])
            #expect(try network.shell("ip -o addr show dev eth0", in: one).contains("172.30.0.2/24"))
            try await network.driver.removeLink(before.endpoints[0].name)
            try await network.driver.removeLink("berth-front")
            try await network.driver.removeLink("berth-front")
            #expect(try await network.driver.observe().bridges.map(\.name) == ["berth-back"])
        }
    }
}
