import Linux
import NameService
import Networking
import Testing

@Suite struct ResolverConfigurationTests {
    static let host = ResolverConfiguration(
        parsing: """
            # made by hand
            domain old.example
            search corp.example lab.example
            nameserver 192.0.2.53
            nameserver fe80::1%eth0
            nameserver 2001:db8::53
            nameserver 127.0.0.1
            options timeout:1 edns0
            sortlist 10.0.0.0
            """)

    @Test func aFileIsReadLeavingOutWhatIsNotUnderstood() {
        #expect(Self.host.nameservers.map(\.description) == ["192.0.2.53", "2001:db8::53", "127.0.0.1"])
        #expect(Self.host.search == ["corp.example", "lab.example"])
        #expect(Self.host.options == ["timeout:1", "edns0"])
    }

    @Test(
        arguments: [
            ([], [], "search corp.example lab.example\noptions timeout:1 edns0 ndots:0"),
            (["."], [], "options timeout:1 edns0 ndots:0"),
            (["own.example"], ["ndots:3"], "search own.example\noptions ndots:3"),
        ] as [([String], [String], String)])
    func aContainersFileNamesBerthAlone(_ search: [String], _ options: [String], _ text: String) {
        #expect(Self.host.containerText(search: search, options: options) == "nameserver 127.0.0.11\n\(text)\n")
    }

    @Test func inTheHostsNetworkWhatWasChosenComesInPlaceOfTheHosts() {
        let chosen = Self.host.hostText(servers: ["192.0.2.9"], search: ["."], options: ["rotate"])
        #expect(chosen == "nameserver 192.0.2.9\noptions rotate\n")
        let half = Self.host.hostText(servers: [], search: ["own.example"], options: [])
        #expect(half.hasPrefix("nameserver 192.0.2.53\n"))
        #expect(half.hasSuffix("search own.example\noptions timeout:1 edns0\n"))
    }

    @Test func aServerOfTheLoopbackInterfaceIsAskedFromTheHost() {
        let upstreams = Self.host.nameservers.map { Zone.Upstream(SocketEndpoint($0, 53)) }
        #expect(upstreams.map(\.isReachedFromHost) == [false, false, true])
    }

    @Test func ofTheOptionsNdotsKeepsSingleLabels() {
        #expect(ResolverConfiguration.keepsSingleLabels(options: ["timeout:1", "ndots:2"]))
        #expect(!ResolverConfiguration.keepsSingleLabels(options: ["ndots:0"]))
    }
}
