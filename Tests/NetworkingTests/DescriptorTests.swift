import Glibc
import Linux
import Networking
import Testing

/// libnftables waits with select(2), which knows no descriptor above 1023.
@Suite(.enabled(if: TestNetwork.isPossible, "needs root"), .serialized)
struct DescriptorTests {
    @Test func aProcessWithThousandsOfDescriptorsWritesRules() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
        let before = limit
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 4096))
        setrlimit(__rlimit_resource_t(7), &limit)
        var raised = before
        getrlimit(__rlimit_resource_t(7), &raised)
        try #require(raised.rlim_cur >= 2048, "the limit of descriptors cannot be raised here")
        var held: [CInt] = []
        defer { for descriptor in held { close(descriptor) } }
        for _ in 0..<1100 { held.append(dup(STDERR_FILENO)) }
        #expect(try #require(held.max()) >= 1024)
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            try await network.driver.setRules(FirewallRules(networks: [NetworkDriverTests.front]))
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            try await network.driver.redirectDNS(namespacePath: one.path, udpPort: 5353, tcpPort: 5354)
            #expect(try network.shell("nft list table ip berth-dns", in: one).contains("127.0.0.11:5353"))
            #expect(try network.shell("nft list table inet berth", in: network.host).contains("172.30.0.0/24"))
        }
    }

    @Test func childrenOfTheEngineDoNotInheritTheFirewallsSocket() async throws {
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            try await network.driver.setRules(FirewallRules(networks: [NetworkDriverTests.front]))
            let sockets = try folderEntries("/proc/self/fd").compactMap { CInt($0) }.filter { descriptor in
                var (kind, length) = (CInt(0), socklen_t(4))
                let isNetfilter = getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &kind, &length) == 0 && kind == 12
                let isInherited = fcntl(descriptor, F_GETFD) & FD_CLOEXEC == 0
                return isNetfilter && isInherited && isNetlink(descriptor)
            }
            #expect(sockets.isEmpty)
        }
    }

    private func isNetlink(_ descriptor: CInt) -> Bool {
        var (family, length) = (CInt(0), socklen_t(4))
        return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 && family == AF_NETLINK
    }
}
