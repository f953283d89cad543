import JSON
import Linux
import Networking
import Testing

@Suite struct AddressPoolTests {
    static func pool(_ subnet: String, range: String? = nil) throws -> AddressPool {
        try AddressPool(subnet: #require(CIDR(subnet)), range: range.flatMap { CIDR($0) })
    }

    @Test func theGatewayIsFirstAndContainersFollow() throws {
        var pool = try Self.pool("172.18.0.0/16")
        #expect(pool.gateway.description == "172.18.0.1")
        #expect(try pool.allocate(for: "a").description == "172.18.0.2")
        #expect(try pool.allocate(for: "b").description == "172.18.0.3")
    }

    @Test func freedAddressesAreReusedLate() throws {
        var pool = try Self.pool("10.0.0.0/29")
        let given = try (0..<5).map { try pool.allocate(for: "\($0)") }
        #expect(given.map(\.description) == (2...6).map { "10.0.0.\($0)" })
        #expect(throws: AddressError.full(pool.range)) { try pool.allocate(for: "x") }
        pool.release(given[3])
        pool.release(given[0])
        #expect(try pool.allocate(for: "y") == given[0], "the sequence went on from its end")
        #expect(try pool.allocate(for: "z") == given[3])
    }

    @Test func aReleasedAddressIsNotTheNext() throws {
        var pool = try Self.pool("10.0.0.0/24")
        let first = try pool.allocate(for: "a")
        pool.release(first)
        #expect(try pool.allocate(for: "b") != first)
    }

    @Test func aRangeLimitsWhatIsGivenNotWhatIsClaimed() throws {
        var pool = try Self.pool("10.0.0.0/24", range: "10.0.0.128/25")
        #expect(pool.gateway.description == "10.0.0.128")
        #expect(try pool.allocate(for: "a").description == "10.0.0.129")
        try pool.claim(.v4(0x0a00_0005), for: "b")
        #expect(pool.owners[.v4(0x0a00_0005)] == "b")
    }

    @Test func aClashNamesBothSides() throws {
        var pool = try Self.pool("10.0.0.0/24")
        try pool.claim(.v4(0x0a00_0005), for: "web.1")
        try pool.claim(.v4(0x0a00_0005), for: "web.1")
        let error = #expect(throws: AddressError.self) { try pool.claim(.v4(0x0a00_0005), for: "db.1") }
        #expect(error?.description == "10.0.0.5, wanted by db.1, belongs to web.1")
        #expect(throws: AddressError.self) { try pool.claim(.v4(0x0a00_00ff), for: "broadcast") }
        #expect(throws: AddressError.self) { try pool.claim(.v4(0x0a00_0105), for: "elsewhere") }
    }

    @Test func aStoredPoolGoesOnWhereItWas() throws {
        var pool = try Self.pool("10.0.0.0/29")
        _ = try pool.allocate(for: "a")
        var stored = try JSONValue(encoding: pool).decode(AddressPool.self)
        #expect(stored == pool)
        #expect(try stored.allocate(for: "b") == pool.allocate(for: "b"))
        #expect(try JSONValue(encoding: pool)["owners"]?["10.0.0.2"] == "a")
    }

    @Test func auxiliaryAddressesArePassedOver() throws {
        var pool = try AddressPool(
            subnet: #require(CIDR("10.0.0.0/24")), auxiliary: ["router": .v4(0x0a00_0001), "printer": .v4(0x0a00_0003)])
        #expect(pool.gateway.description == "10.0.0.2")
        #expect(try pool.allocate(for: "a").description == "10.0.0.4")
        #expect(throws: AddressError.self) { try Self.pool("10.0.0.0/31") }
    }

    @Test func ipv6IsGivenInSequenceToo() throws {
        var pool = try Self.pool("fd00:1::/64")
        #expect(pool.gateway.description == "fd00:1::1")
        #expect(try pool.allocate(for: "a").description == "fd00:1::2")
    }

    @Test(
        arguments: [
            ([], "172.17.0.0/16"),
            (["172.17.0.0/16"], "172.18.0.0/16"),
            (["172.16.0.0/13", "172.25.3.0/24"], "172.24.0.0/16"),
            (["172.16.0.0/12"], "192.168.0.0/20"),
            (["172.16.0.0/12", "192.168.1.0/24", "192.168.16.0/19"], "192.168.32.0/20"),
            (["10.0.0.0/8"], "172.17.0.0/16"),
        ] as [([String], String)])
    func aSubnetAvoidsWhatIsUsed(_ used: [String], _ chosen: String) throws {
        let ranges = used.compactMap { CIDR($0) }.map { RangeInUse($0, by: "eth0") }
        #expect(try SubnetPools.standard.subnet(avoiding: ranges).description == chosen)
    }

    @Test func withoutAFreeSubnetTheErrorSaysWhatToDo() throws {
        let used = try ["172.16.0.0/12", "192.168.0.0/16"].map { RangeInUse(try #require(CIDR($0)), by: "vpn") }
        let error = #expect(throws: AddressError.self) { try SubnetPools.standard.subnet(avoiding: used) }
        #expect(error?.description.contains("ipam.config.subnet") == true)
        let overlap = #expect(throws: AddressError.self) {
            try SubnetPools.check(#require(CIDR("172.20.0.0/16")), for: "network shop", against: used)
        }
        #expect(overlap?.description == "subnet 172.20.0.0/16 of network shop overlaps 172.16.0.0/12 of vpn")
    }

    @Test func aNetworksOwnIPv6SubnetIsStableAndPrivate() throws {
        let one = try SubnetPools.uniqueLocal(forNetwork: "shop_default", avoiding: [])
        #expect(one == (try SubnetPools.uniqueLocal(forNetwork: "shop_default", avoiding: [])))
        #expect(try #require(CIDR("fd00::/8")).contains(one))
        #expect(one.prefixLength == 64)
        #expect(one != (try SubnetPools.uniqueLocal(forNetwork: "shop_default", avoiding: [RangeInUse(one, by: "x")])))
    }

    @Test func namesFitIntoAnInterfaceAndTellEnginesApart() {
        let own = InstanceName(rootFolder: "/var/lib/berth")
        let other = InstanceName(rootFolder: "/tmp/other")
        #expect(own.table == "berth")
        #expect(other.table != own.table)
        for name in [own, other] {
            #expect(
                name.bridge(ofNetwork: "n").utf8.count <= 15
                    && name.veth(ofContainer: "c", network: "n").utf8.count <= 15)
        }
        #expect(!other.bridge(ofNetwork: "n").hasPrefix(own.bridgePrefix))
        #expect(own.bridge(ofNetwork: "n") == "berth-\(own.bridge(ofNetwork: "n").suffix(6))")
    }
}
