import Linux
import Networking
import Testing

@Suite(.enabled(if: TestNetwork.isPossible, "needs root"), .serialized)
struct ForeignFirewallTests {
    /// As Docker leaves the table that iptables shows.
    static let docker = """
        table ip filter {
            chain DOCKER-USER {
                counter return
            }
            chain FORWARD {
                type filter hook forward priority filter; policy drop;
                counter jump DOCKER-USER
                oifname "docker0" counter drop
            }
        }
        """

    @Test func dockersPolicyIsOpenedInThePlaceDockerOffers() async throws {
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            try network.shell("nft -f - <<'END'\n\(Self.docker)\nEND\n", in: network.host)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let web = try network.server("web", in: one)
            let far = try network.server("far", in: network.outside)
            let port = try NetworkDriverTests.port(8080, to: "172.30.0.2", web.port)
            let rules = FirewallRules(networks: [NetworkDriverTests.front], ports: [port])
            try await network.driver.setRules(rules)
            #expect(try ask("198.51.100.2", far.port, from: one, milliseconds: 300) == nil, "the policy does not drop")
            for _ in 0..<2 {
                let report = try await network.driver.openForeignFirewalls()
                #expect(report == ForeignFirewallReport(opened: ["ip filter DOCKER-USER"], warnings: []))
            }
            #expect(try ask("198.51.100.2", far.port, from: one) != nil)
            #expect(try ask("198.51.100.1", 8080, from: network.outside) != nil)
            let chain = try network.shell("nft list chain ip filter DOCKER-USER", in: network.host)
            #expect(chain.split(separator: "\n").filter { $0.contains("comment \"berth\"") }.count == 4)
            try await network.driver.setRules(FirewallRules())
            #expect(try !network.shell("nft list chain ip filter DOCKER-USER", in: network.host).contains("berth"))
        }
    }

    @Test func somebodysOwnChainIsLeftAloneAndTheCommandsWork() async throws {
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            try network.shell(
                "nft 'table inet mine { chain passing { type filter hook forward priority 10; policy drop; }; }'",
                in: network.host)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let far = try network.server("far", in: network.outside)
            try await network.driver.setRules(FirewallRules(networks: [NetworkDriverTests.front]))
            let report = try await network.driver.openForeignFirewalls()
            #expect(report.opened == [])
            #expect(report.warnings.map(\.chain) == ["inet mine passing"])
            #expect(try ask("198.51.100.2", far.port, from: one, milliseconds: 300) == nil)
            for command in report.warnings.flatMap(\.commands) { try network.shell(command, in: network.host) }
            #expect(try ask("198.51.100.2", far.port, from: one) != nil)
        }
    }

    /// Typed rules, and rules that say more or less than berth asks for, end the warning; others do not.
    @Test func aChainIsWarnedOfAsLongAsItDrops() async throws {
        let cases: [(chain: String, warns: Bool)] = [
            ("policy drop;", true),
            ("policy drop; oifname \"berth-*\" accept; iifname \"berth-*\" counter accept;", false),
            ("policy drop; oifname \"berth-*\" accept;", true),
            ("policy drop; iifname \"berth-*\" tcp dport 80 accept; oifname \"berth-*\" accept;", true),
            ("policy drop; iifname \"be*\" accept; oifname \"b*\" accept;", false),
            ("policy drop; counter accept;", false),
            ("policy accept;", false),
            ("policy accept; ct state established accept; reject;", true),
            ("policy accept; counter log drop;", true),
            ("policy accept; ip saddr 192.0.2.1 drop;", false),
            ("policy accept; iifname \"berth-*\" accept; oifname \"berth-*\" accept; drop;", false),
            ("policy accept; drop; iifname \"berth-*\" accept; oifname \"berth-*\" accept;", true),
        ]
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            try await network.driver.setRules(
                FirewallRules(networks: [NetworkDriverTests.front, NetworkDriverTests.back]))
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let far = try network.server("far", in: network.outside)
            for (text, warns) in cases {
                try network.shell(
                    "nft 'table inet mine { chain passing { type filter hook forward priority 10; \(text) }; }'",
                    in: network.host)
                let report = try await network.driver.openForeignFirewalls()
                #expect(report.warnings.isEmpty != warns, "\(text): \(report)")
                for command in report.warnings.flatMap(\.commands) { try network.shell(command, in: network.host) }
                #expect(try ask("198.51.100.2", far.port, from: one) != nil, "\(text)")
                #expect(try await network.driver.openForeignFirewalls().warnings.isEmpty, "\(text)")
                try network.shell("nft delete table inet mine", in: network.host)
            }
        }
    }

    /// The packet filter that nf_tables does not show: typed rules end the warning; others do not.
    @Test(.enabled(if: fileExists("/usr/sbin/iptables-legacy"), "needs iptables-legacy"))
    func theOlderPacketFilterIsSeenToo() async throws {
        let cases: [(rules: [String], warns: Bool)] = [
            (["-P FORWARD DROP"], true),
            (["-P FORWARD DROP", "-A FORWARD -o berth-+ -j ACCEPT", "-A FORWARD -i berth-+ -j ACCEPT"], false),
            (["-P FORWARD DROP", "-A FORWARD -o berth-+ -j ACCEPT"], true),
            (["-P FORWARD DROP", "-A FORWARD -o b+ -j ACCEPT", "-A FORWARD -i berth-front -j ACCEPT"], true),
            (
                ["-P FORWARD DROP", "-A FORWARD -o berth-+ -s 1.2.3.4 -j ACCEPT", "-A FORWARD -i berth-+ -j ACCEPT"],
                true
            ),
            (["-P FORWARD DROP", "-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT", "-A FORWARD -j ACCEPT"], false),
            (["-P FORWARD DROP", "-N MINE", "-A FORWARD -j MINE", "-A MINE -j ACCEPT"], false),
            (["-P FORWARD DROP", "-N MINE", "-A FORWARD -s 1.2.3.4 -j MINE", "-A MINE -j ACCEPT"], true),
            (["-P FORWARD DROP", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-A DOCKER-USER -j RETURN"], true),
            (["-P FORWARD ACCEPT"], false),
            (["-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT", "-A FORWARD -j DROP"], true),
            (["-A FORWARD -s 1.2.3.4 -j DROP"], false),
        ]
        for (rules, warns) in cases {
            try await TestNetwork.with { network in
                try await NetworkDriverTests.makeBridges(network)
                try await network.driver.setRules(
                    FirewallRules(networks: [NetworkDriverTests.front, NetworkDriverTests.back]))
                // Looking must not be what makes the kernel set the filter up.
                #expect(try await network.driver.legacyFirewallWarnings().isEmpty)
                let names = "cat /proc/thread-self/net/ip_tables_names"
                #expect(try network.shell(names, in: network.host) == "")
                for rule in rules { try network.shell("iptables-legacy \(rule)", in: network.host) }
                try #require(try network.shell(names, in: network.host).contains("filter"), "no such filter here")
                let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
                let far = try network.server("far", in: network.outside)
                let warnings = try await network.driver.legacyFirewallWarnings()
                #expect(warnings.isEmpty != warns, "\(rules): \(warnings)")
                for command in warnings.flatMap(\.commands) { try network.shell(command, in: network.host) }
                #expect(try ask("198.51.100.2", far.port, from: one) != nil, "\(rules)")
                #expect(try await network.driver.legacyFirewallWarnings().isEmpty, "\(rules)")
            }
        }
    }

    @Test(.enabled(if: fileExists("/usr/sbin/ip6tables-legacy"), "needs ip6tables-legacy"))
    func theOlderPacketFilterOfIPv6IsSeenToo() async throws {
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            try await network.driver.setRules(FirewallRules(networks: [NetworkDriverTests.front]))
            for rule in ["-P FORWARD DROP", "-A FORWARD -s fd00::/8 -j ACCEPT", "-A FORWARD -o berth-+ -j ACCEPT"] {
                try network.shell("ip6tables-legacy \(rule)", in: network.host)
            }
            let warnings = try await network.driver.legacyFirewallWarnings()
            #expect(warnings.map(\.chain) == ["FORWARD of ip6tables-legacy"])
            for command in warnings.flatMap(\.commands) { try network.shell(command, in: network.host) }
            #expect(try await network.driver.legacyFirewallWarnings().isEmpty)
        }
    }
}
