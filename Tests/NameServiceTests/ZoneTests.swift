import Linux
import NameService
import Testing

struct ZoneCase: Sendable, CustomTestStringConvertible {
    let claim: String
    let name: String
    let type: UInt16
    let zone: Zone
    let answer: ZoneAnswer

    init(_ claim: String, _ name: String, _ type: UInt16, in zone: Zone = network, _ answer: ZoneAnswer) {
        self.claim = claim
        self.name = name
        self.type = type
        self.zone = zone
        self.answer = answer
    }

    var testDescription: String { claim }

    static let web = IPAddress.v4(0xac12_0002)
    static let db6 = IPAddress.v6(0xfd00 << 112 | 3)
    static let network = Zone(
        directories: ["front", "unheard of", "back"], names: ["Store": [db6]],
        networks: [CIDR("172.18.0.0/16"), CIDR("fd00::/64")].compactMap(\.self),
        upstreams: [.init(SocketEndpoint(.v4(0x0808_0808), 53))])
    static var directories: Directories {
        let directories = Directories()
        directories.set(
            "front", Directory(names: ["Web": [web], "both": [web]], reverse: [.init(web, "web.project")]))
        directories.set(
            "back",
            Directory(
                names: ["db": [.v4(0xac12_0003), db6], "both": [.v4(0xac13_0002)], "store": [web]],
                reverse: [.init(db6, "db.project")]))
        directories.set("other", Directory(names: ["secret": [web]]))
        return directories
    }
    static var closed: Zone {
        var zone = network
        zone.upstreams = []
        return zone
    }
    static var searching: Zone {
        var zone = network
        zone.keepsSingleLabels = true
        return zone
    }
}

@Suite struct ZoneTests {
    @Test(arguments: [
        ZoneCase("a name has its address", "web", DNS.typeA, .respond(.noError, [.address(ZoneCase.web)])),
        ZoneCase("case does not matter", "WEB", DNS.typeA, .respond(.noError, [.address(ZoneCase.web)])),
        ZoneCase("a name without IPv6 is empty, not missing", "web", DNS.typeAAAA, .respond(.noError, [])),
        ZoneCase(
            "a name with both families has both", "db", DNS.typeAAAA, .respond(.noError, [.address(ZoneCase.db6)])),
        ZoneCase("other types of a known name are empty", "web", 15, .respond(.noError, [])),
        ZoneCase(
            "a name on two networks has the addresses of both, in their order", "both", DNS.typeA,
            .respond(.noError, [.address(ZoneCase.web), .address(.v4(0xac13_0002))])),
        ZoneCase(
            "a link goes before what the networks say", "store", DNS.typeAAAA,
            .respond(.noError, [.address(ZoneCase.db6)])),
        ZoneCase("a network that the container is not on stays unseen", "secret", DNS.typeA, .forward),
        ZoneCase("an unknown name is asked elsewhere", "example.com", DNS.typeA, .forward),
        ZoneCase("a single label is asked elsewhere too", "example", DNS.typeA, .forward),
        ZoneCase(
            "unless the user's ndots wants the search list", "example", DNS.typeA, in: ZoneCase.searching,
            .respond(.noError, [])),
        ZoneCase(
            "with nobody to ask there is no such name", "example.com", DNS.typeA, in: ZoneCase.closed,
            .respond(.nameError, [])),
        ZoneCase(
            "an address has its name", "2.0.18.172.in-addr.arpa", DNS.typePTR,
            .respond(.noError, [.pointer("web.project")])),
        ZoneCase(
            "an IPv6 address too",
            "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", DNS.typePTR,
            .respond(.noError, [.pointer("db.project")])),
        ZoneCase(
            "an address of ours without a name stays here", "9.0.18.172.in-addr.arpa", DNS.typePTR,
            .respond(.nameError, [])),
        ZoneCase("an address of others is asked elsewhere", "8.8.8.8.in-addr.arpa", DNS.typePTR, .forward),
        ZoneCase("no address is asked elsewhere", "x.8.8.8.in-addr.arpa", DNS.typePTR, .forward),
    ])
    func aZoneAnswers(_ the: ZoneCase) throws {
        var index = ZoneIndex(the.zone, in: ZoneCase.directories)
        let asked = try #require(DNSQuery(parsing: query(the.name, type: the.type)))
        #expect(index.answer(to: asked) == the.answer)
    }

    @Test func replicasTakeTurnsAtTheFront() throws {
        let addresses = [IPAddress.v4(1), .v4(2), .v4(3)]
        var index = ZoneIndex(Zone(names: ["web": addresses]), in: Directories())
        let asked = try #require(DNSQuery(parsing: query("web")))
        var first: [DNSRecord] = []
        for _ in 0..<4 {
            guard case .respond(.noError, let records) = index.answer(to: asked) else { continue }
            #expect(Set(records) == Set(addresses.map(DNSRecord.address)))
            first.append(contentsOf: records.prefix(1))
        }
        #expect(first == [1, 2, 3, 1].map { .address(.v4($0)) })
    }

    @Test func aDirectoryThatIsToldAgainIsSeenAtOnceAndAForgottenOneNoMore() throws {
        let directories = Directories()
        var index = ZoneIndex(Zone(directories: ["front"]), in: directories)
        let asked = try #require(DNSQuery(parsing: query("web")))
        #expect(index.answer(to: asked) == .respond(.nameError, []))
        for address in [IPAddress.v4(1), .v4(2)] {
            directories.set("front", Directory(names: ["web": [address]]))
            #expect(index.answer(to: asked) == .respond(.noError, [.address(address)]))
        }
        directories.set("front", nil)
        #expect(index.answer(to: asked) == .respond(.nameError, []))
    }

    @Test func notStandardQueriesAreDeclined() throws {
        var index = ZoneIndex(ZoneCase.network, in: Directories())
        let asked = try #require(DNSQuery(parsing: query("web", flags: 0x2800)))
        #expect(index.answer(to: asked) == .respond(.notImplemented, []))
    }
}
