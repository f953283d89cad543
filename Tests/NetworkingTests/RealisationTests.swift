import JSON
import Linux
import Networking
import Testing

/// Networks that share an interface of the host: what they are in the kernel, and whom they reach.
@Suite(.enabled(if: TestNetwork.isPossible, "needs root"), .serialized)
struct RealisationTests {
    private static let plan = NetworkPlan(addresses: [])

    private func attach(
        _ name: String, _ address: String, to realisation: Realisation, in network: TestNetwork, mtu: UInt32? = nil
    ) async throws -> NetworkNamespace {
        let namespace = NetworkNamespace(path: "\(network.folder)/\(name)")
        try await network.driver.makeNamespace(namespace.path)
        let endpoint = EndpointSpec(
            namespacePath: namespace.path, interfaceName: "eth0", hostInterface: "", realisation: realisation,
            addresses: [try #require(CIDR(address))],
            defaultGateways: address.hasPrefix("198.51.100.") ? [TestNetwork.outsideAddress] : [], mtu: mtu)
        // Repeated, it repairs.
        for _ in 0..<2 { try await network.driver.attach(endpoint) }
        return namespace
    }

    private func has(_ kind: String, _ network: TestNetwork) async throws -> Bool {
        try await network.driver.hasLinks(of: kind)
    }

    @Test("a macvlan container is a machine of the network outside, in every mode", arguments: MacvlanMode.allCases)
    func macvlan(mode: MacvlanMode) async throws {
        try await TestNetwork.with { network in
            guard try await has("macvlan", network) else { return }
            let realisation = Realisation.macvlan(ParentLink(name: "lan", origin: .host), mode)
            try await network.driver.create(realisation, Self.plan)
            let one = try await attach("one", "198.51.100.11/24", to: realisation, in: network, mtu: 1400)
            let link = try network.shell("ip -d link show eth0", in: one)
            #expect(link.contains("macvlan mode \(mode.rawValue)") && link.contains("mtu 1400"), "\(link)")
            #expect(mode == .passthru || link.contains("02:42:c6:33:64:0b"), "\(link)")
            let far = try network.server("far", in: network.outside)
            #expect(try ask("198.51.100.2", far.port, from: one) == "198.51.100.11 far")
            #expect(try network.shell("ip route show default", in: one).contains("via 198.51.100.2"))
            guard mode != .passthru else { return }
            let two = try await attach("two", "198.51.100.12/24", to: realisation, in: network)
            let near = try network.server("near", in: two)
            // Outside there is no switch that would send a frame back.
            #expect(
                try ask("198.51.100.12", near.port, from: one, milliseconds: 500)
                    == (mode == .bridge ? "198.51.100.11 near" : nil))
        }
    }

    @Test("a parent that is missing is told, one that comes back is taken again, and detaching is for good")
    func parent() async throws {
        try await TestNetwork.with { network in
            guard try await has("macvlan", network) else { return }
            let realisation = Realisation.macvlan(ParentLink(name: "side", origin: .host), .bridge)
            await #expect(throws: NetworkError.noParent("side")) {
                try await network.driver.create(realisation, Self.plan)
            }
            for _ in 0..<2 {
                try network.shell("ip link add side type veth peer name side0", in: network.host)
                try await network.driver.create(realisation, Self.plan)
                #expect(try await network.driver.damage(of: ["n": (realisation, Self.plan)]).damage == [:])
                let one = try await attach("one", "10.9.0.2/24", to: realisation, in: network)
                #expect(try network.shell("ip link show eth0", in: one).contains("eth0"))
                try network.shell("ip link set side down", in: network.host)
                let down = try await network.driver.damage(of: ["n": (realisation, Self.plan)]).damage
                #expect(down == ["n": "interface side is down"])
                try network.shell("ip link delete side", in: network.host)
                let gone = try await network.driver.damage(of: ["n": (realisation, Self.plan)]).damage
                #expect(gone == ["n": "interface side is gone"])
            }
            try network.shell("ip link add side type veth peer name side0", in: network.host)
            let one = try await attach("one", "10.9.0.2/24", to: realisation, in: network)
            let endpoint = EndpointSpec(
                namespacePath: one.path, interfaceName: "eth0", hostInterface: "", realisation: realisation,
                addresses: [])
            for _ in 0..<2 { try await network.driver.detach(endpoint) }
            #expect(try !network.shell("ip -o link", in: one).contains("eth0"))
            try await network.driver.remove(realisation)
            #expect(try network.shell("ip -o link", in: network.host).contains("side"), "it was not the network's")
        }
    }

    @Test("without a parent containers reach each other alone, and what was made for it goes with it")
    func alone() async throws {
        try await TestNetwork.with { network in
            guard try await has("macvlan", network) else { return }
            let before = try await network.driver.observe().interfaces.map(\.name)
            let realisation = Realisation.macvlan(ParentLink(name: "bv-one", origin: .pair(peer: "bv-two")), .bridge)
            for _ in 0..<2 { try await network.driver.create(realisation, Self.plan) }
            let one = try await attach("one", "10.9.0.2/24", to: realisation, in: network)
            let two = try await attach("two", "10.9.0.3/24", to: realisation, in: network)
            let near = try network.server("near", in: two)
            #expect(try ask("10.9.0.3", near.port, from: one) == "10.9.0.2 near")
            #expect(realisation.ownLinks == ["bv-one", "bv-two"])
            for _ in 0..<2 { try await network.driver.remove(realisation) }
            #expect(try await network.driver.observe().interfaces.map(\.name) == before)
        }
    }

    @Test("an interface for a VLAN is made on its base and removed with the network, or refused with the reason")
    func vlan() async throws {
        try await TestNetwork.with { network in
            guard try await has("macvlan", network) else { return }
            let parent = try #require(ParentLink.vlan(named: "lan.10"))
            let realisation = Realisation.macvlan(parent, .bridge)
            guard try await has("vlan", network) else {
                await #expect(throws: NetworkError.kindUnknown("vlan", "8021q")) {
                    try await network.driver.create(realisation, Self.plan)
                }
                return
            }
            for _ in 0..<2 { try await network.driver.create(realisation, Self.plan) }
            #expect(
                try network.shell("ip -d link show lan.10", in: network.host).contains("vlan protocol 802.1Q id 10"))
            try network.shell("ip link add link lan0 name v10 type vlan id 10", in: network.outside)
            try network.shell("ip addr add 10.9.0.1/24 dev v10 && ip link set v10 up", in: network.outside)
            let one = try await attach("one", "10.9.0.2/24", to: realisation, in: network)
            let far = try network.server("far", in: network.outside)
            #expect(try ask("10.9.0.1", far.port, from: one) == "10.9.0.2 far")
            try await network.driver.remove(realisation)
            #expect(try !network.shell("ip -o link", in: network.host).contains("lan.10"))
        }
    }

    @Test(
        "ipvlan works in every mode where the kernel has it, and is refused with the reason elsewhere",
        arguments: IpvlanMode.allCases)
    func ipvlan(mode: IpvlanMode) async throws {
        try await TestNetwork.with { network in
            let realisation = Realisation.ipvlan(ParentLink(name: "lan", origin: .host), mode, .bridge)
            guard try await has("ipvlan", network) else {
                await #expect(throws: NetworkError.kindUnknown("ipvlan", "ipvlan")) {
                    try await network.driver.create(realisation, Self.plan)
                }
                return
            }
            try await network.driver.create(realisation, Self.plan)
            let one = try await attach("one", "198.51.100.11/24", to: realisation, in: network)
            let two = try await attach("two", "198.51.100.12/24", to: realisation, in: network)
            #expect(try network.shell("ip -d link show eth0", in: one).contains("ipvlan mode \(mode.rawValue)"))
            let near = try network.server("near", in: two)
            #expect(try ask("198.51.100.12", near.port, from: one) == "198.51.100.11 near")
            let route = try network.shell("ip route show default", in: one)
            #expect(route.contains("via") == (mode == .l2), "\(route)")
        }
    }

    @Test(
        "a name with a number behind a dot is a VLAN's",
        arguments: [
            ("eth0.10", "eth0", 10), ("eth0.1.4094", "eth0.1", 4094), ("eth0", nil, nil), ("eth0.0", nil, nil),
            ("eth0.4095", nil, nil), ("eth0.", nil, nil), (".5", nil, nil), ("eth0.x", nil, nil),
        ] as [(String, String?, UInt16?)])
    func vlanNames(name: String, base: String?, id: UInt16?) {
        let parent = ParentLink.vlan(named: name)
        if let base, let id {
            #expect(parent == ParentLink(name: name, origin: .vlan(base: base, id: id)))
        } else {
            #expect(parent == nil)
        }
    }

    @Test(
        "what is stored is read again",
        arguments: [
            Realisation.bridge("berth-abc"), .macvlan(.init(name: "eth0.5", origin: .vlan(base: "eth0", id: 5)), .vepa),
            .ipvlan(.init(name: "bv-a", origin: .pair(peer: "bv-b")), .l3s, .private),
        ])
    func stored(realisation: Realisation) throws {
        let bytes = try encodeJSON(realisation)
        #expect(try decodeJSON(Realisation.self, from: bytes) == realisation)
        let unknown = String(decoding: bytes, as: UTF8.self).replacing(realisation.driver, with: "wormhole")
        #expect(throws: (any Error).self) { try decodeJSON(Realisation.self, from: Array(unknown.utf8)) }
    }

    @Test(
        "a setting of an interface is read as Docker writes it",
        arguments: [
            ("net.ipv4.conf.IFNAME.log_martians=1", true), ("net.ipv6.neigh.IFNAME.gc_stale_time=30", true),
            ("net.mpls.conf.IFNAME.input=1", true), ("net.ipv4.conf.eth0.log_martians=1", false),
            ("net.ipv4.conf.IFNAME.log_martians", false), ("net.ipv4.IFNAME.conf.x=1", false),
            ("net.ipv4.conf.IFNAME.=1", false), ("net.ipv4.conf.IFNAME./../x=1", false),
            ("kernel.ipv4.conf.IFNAME.x=1", false), ("net.core.conf.IFNAME.x=1", false),
            ("net.ipv4.conf.IFNAME.a/b=1", false), ("net.ipv4.conf.IFNAME.x=", false),
        ])
    func settings(text: String, isOne: Bool) { #expect((InterfaceSetting(text) != nil) == isOne) }
}
