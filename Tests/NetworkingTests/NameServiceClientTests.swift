import Glibc
import Linux
import NameService
import Networking
import Testing

@Suite(.enabled(if: TestNetwork.isPossible, "needs root"), .serialized)
struct NameServiceClientTests {
    @Test func containersFindEachOtherByName() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let ports = try await service.serve(id: "one", namespacePath: one.path)
            try await network.driver.redirectDNS(
                namespacePath: one.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            let directory = Directory(
                names: ["web": [.v4(0xac1e_0002)]], reverse: [.init(.v4(0xac1e_0002), "web.front")])
            _ = try await service.request(.directory(id: "front", directory: directory))
            _ = try await service.request(.zone(id: "one", zone: Zone(directories: ["front"])))
            let text = try network.shell("busybox nslookup -type=a WEB 127.0.0.11", in: one)
            #expect(text.contains("Address: 172.30.0.2"), "\(text)")
            #expect(try network.shell("busybox nslookup 172.30.0.2 127.0.0.11", in: one).contains("web.front"))
            let missing = try network.shell("busybox nslookup nothing 127.0.0.11 || true", in: one)
            #expect(missing.contains("NXDOMAIN"), "\(missing)")
            // An image that serves DNS itself binds port 53 of every address.
            _ = try network.server("dns", in: one, port: 53)
            #expect(try askDNS("web", over: .tcp, from: one)?.suffix(4) == [172, 30, 0, 2])
        }
    }

    @Test func otherNamesAreAskedUpstreamFromTheContainersNetwork() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let upstream = try TestUpstream(in: network.outside, at: TestNetwork.outsideAddress)
            defer { upstream.stop() }
            let ports = try await service.serve(id: "one", namespacePath: one.path)
            try await network.driver.redirectDNS(
                namespacePath: one.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            // Nobody listens on the first; the answer must not wait out its time.
            let dead = Zone.Upstream(SocketEndpoint(TestNetwork.hostAddress, 53))
            let living = Zone.Upstream(SocketEndpoint(TestNetwork.outsideAddress, 53))
            _ = try await service.request(.zone(id: "one", zone: Zone(upstreams: [dead, living])))
            let began = ContinuousClock.now
            #expect(try askDNS("example.com", from: one)?.suffix(4) == [192, 0, 2, 1])
            #expect(ContinuousClock.now - began < .seconds(3))
            _ = try await service.request(.zone(id: "one", zone: Zone(upstreams: [dead])))
            #expect(try askDNS("example.com", from: one).map { $0[3] & 15 } == 2, "no server failure")
        }
    }

    @Test func aServerOnTheHostsLoopbackIsAskedFromTheHost() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let local = IPAddress.v4(0x7f00_0035)
            let upstream = try TestUpstream(in: network.host, at: local)
            defer { upstream.stop() }
            let ports = try await service.serve(id: "one", namespacePath: one.path)
            try await network.driver.redirectDNS(
                namespacePath: one.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            _ = try await service.request(.zone(id: "one", zone: Zone(upstreams: [.init(SocketEndpoint(local, 53))])))
            #expect(try askDNS("example.com", from: one)?.suffix(4) == [192, 0, 2, 1])
            // Served anew at other ports, the rules follow.
            try await network.driver.redirectDNS(namespacePath: one.path, udpPort: 1, tcpPort: ports.tcpPort)
            try await network.driver.redirectDNS(
                namespacePath: one.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            #expect(try askDNS("example.com", from: one) != nil)
        }
    }

    @Test func heldPortsAreRefusedToOthersAndTheirUserIsNamed() async throws {
        try await TestNetwork.withContainer { network, service, _ in
            let wish = PortWish(addresses: [.anyV4, .anyV6], port: 8080, transport: .tcp)
            #expect(try await service.reserve([wish]) == [.held(port: 8080)])
            #expect(throws: SyscallError.self) { try TestServer("late", in: network.host, port: 8080) }
            #expect(try ask("127.0.0.1", 8080, from: network.host) == nil)
            _ = try await service.request(.release([wish]))
            let server = try network.server("first", in: network.host, port: 8080)
            let outcome = try await service.reserve([wish])
            guard case .taken(.anyV4, server.port, let owner?) = outcome[0] else {
                Issue.record("\(outcome)")
                return
            }
            #expect(owner.pid == getpid())
            let free = try await service.reserve([PortWish(addresses: [.anyV4, .anyV6], port: 0, transport: .udp)])
            guard case .held(let port) = free[0] else {
                Issue.record("\(free)")
                return
            }
            #expect(port > 0)
        }
    }

    @Test func theProxyCarriesIPv6LoopbackToAContainer() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let server = try network.server("web", in: one)
            let rule = ProxyRule(
                listen: SocketEndpoint(.loopbackV6, 8080), target: SocketEndpoint(.v4(0xac1e_0002), server.port))
            _ = try await service.request(.proxy(rule))
            for _ in 0..<20 { #expect(try ask("::1", 8080, from: network.host) == "172.30.0.1 web") }
            _ = try await service.request(.unproxy(rule))
            #expect(try ask("::1", 8080, from: network.host) == nil)
        }
    }

    /// More than the pipes and socket buffers hold, through a peer that says nothing until the other has ended.
    @Test func theProxyKeepsEveryByteAndHalfClosedConnections() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let server = try EchoServer(in: one, port: 7000)
            defer { server.stop() }
            let rule = ProxyRule(
                listen: SocketEndpoint(.loopbackV6, 7000), target: SocketEndpoint(.v4(0xac1e_0002), 7000))
            _ = try await service.request(.proxy(rule))
            var random = SystemRandomNumberGenerator()
            let sent = (0..<(6 << 20) / 8).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
            for _ in 0..<2 {
                let raw = try network.host.run { () throws(SyscallError) -> CInt in
                    let socket = try InternetSocket.open(.v6, .tcp, nonblocking: false)
                    try InternetSocket.connect(socket.raw, to: rule.listen)
                    return socket.release()
                }
                let client = OwnedFD(owning: raw)
                try client.write(sent)
                shutdown(raw, CInt(SHUT_WR))
                #expect(try client.readToEnd() == sent)
            }
        }
    }

    @Test func aClientThatAsksByTCPIsForwardedByTCP() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let upstream = try TestStreamUpstream(in: network.outside, at: TestNetwork.outsideAddress)
            defer { upstream.stop() }
            let ports = try await service.serve(id: "one", namespacePath: one.path)
            try await network.driver.redirectDNS(
                namespacePath: one.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            let living = Zone.Upstream(SocketEndpoint(TestNetwork.outsideAddress, 53))
            _ = try await service.request(.zone(id: "one", zone: Zone(upstreams: [living])))
            #expect(try askDNS("example.com", over: .tcp, from: one)?.suffix(4) == [192, 0, 2, 2])
        }
    }

    @Test func anEngineThatComesBackFindsEverythingInPlace() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let ports = try await service.serve(id: "one", namespacePath: one.path)
            try await network.driver.redirectDNS(
                namespacePath: one.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            let wish = PortWish(addresses: [.anyV4], port: 8080, transport: .tcp)
            _ = try await service.reserve([wish])
            _ = try await service.request(.zone(id: "one", zone: Zone(names: ["web": [.v4(1)]])))
            service.disconnect()
            await service.waitForEnd()
            #expect(try askDNS("web", from: one)?.suffix(4) == [0, 0, 0, 1])
            let again = try await network.startService()
            #expect(again.pid == service.pid)
            #expect(!again.isFresh)
            let state = NetState(
                served: [.init(id: "one", udpPort: ports.udpPort, tcpPort: ports.tcpPort)], held: [wish])
            #expect(try await again.currentState() == state)
        }
    }

    @Test func aKilledServiceIsReplacedAtTheSamePorts() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let ports = try await service.serve(id: "one", namespacePath: one.path)
            kill(service.pid, SIGKILL)
            await service.waitForEnd()
            await #expect(throws: NameServiceError.lost) { try await service.currentState() }
            let next = try await network.startService()
            #expect(next.isFresh)
            let again = try await next.serve(
                id: "one", namespacePath: one.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
            #expect(again == ports)
        }
    }
}
