import Linux
import Networking
import Testing

@Suite(.enabled(if: TestNetwork.isPossible, "needs root"), .serialized)
struct NetworkEventTests {
    @Test func othersHandsInTheTableAreToldAndRepaired() async throws {
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            var events = try await network.driver.events().makeAsyncIterator()
            let rules = FirewallRules(networks: [NetworkDriverTests.front])
            try await network.driver.setRules(rules)
            try await network.driver.setRules(
                FirewallRules(networks: [NetworkDriverTests.front, NetworkDriverTests.back]))
            try network.shell("nft add table inet other", in: network.host)
            try network.shell("nft flush ruleset", in: network.host)
            // Our own writing is no news.
            #expect(await events.next() == .foreignFirewallChanged(by: "nft"))
            #expect(await events.next() == .tableChanged(by: "nft"))
            #expect(try await !network.driver.observe().isTableIntact)
            try await network.driver.setRules(rules)
            #expect(try await network.driver.observe().isTableIntact)
            try network.shell("nft delete element inet berth bridges '{ \"berth-front\" }'", in: network.host)
            #expect(await events.next() == .tableChanged(by: "nft"))
            try await network.driver.setRules(rules)
            #expect(try network.shell("nft list set inet berth bridges", in: network.host).contains("berth-front"))
        }
    }

    @Test func vanishedLinksAreTold() async throws {
        try await TestNetwork.with { network in
            var events = try await network.driver.events().makeAsyncIterator()
            try await NetworkDriverTests.makeBridges(network)
            try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let veth = network.driver.instance.veth(ofContainer: "one", network: "berth-front")
            try network.shell("ip link set \(veth) nomaster", in: network.host)
            #expect(await events.next() == .linkChanged(veth))
            try network.shell("ip link set berth-back down", in: network.host)
            #expect(await events.next() == .linkChanged("berth-back"))
            try network.shell("ip addr del 172.30.0.1/24 dev berth-front", in: network.host)
            #expect(await events.next() == .linkChanged("berth-front"))
            // What the engine takes away itself is no news.
            try await network.driver.removeLink("berth-back")
            try network.shell("ip link del \(veth)", in: network.host)
            #expect(await events.next() == .linkRemoved(veth))
        }
    }
}
