import Glibc
import Linux
import NameService
import Networking
import Testing

@Suite(.enabled(if: TestNetwork.isPossible, "needs root"), .serialized)
struct DatagramTests {
    @Test func aMovedPortTakesFlowsAlongThatAreUnderWay() async throws {
        try await TestNetwork.with { network in
            try await NetworkDriverTests.makeBridges(network)
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let two = try await network.container("two", on: "berth-front", "172.30.0.3/24", gateway: "172.30.0.1")
            let servers = [
                try DatagramServer("one", in: one, at: .anyV4, port: 5000),
                try DatagramServer("two", in: two, at: .anyV4, port: 5000),
            ]
            defer { for server in servers { server.stop() } }
            func rules(_ address: UInt32) -> FirewallRules {
                FirewallRules(
                    networks: [NetworkDriverTests.front],
                    ports: [
                        PublishedPort(
                            hostPort: 5000, containerAddress: .v4(address), containerPort: 5000, transport: .udp)
                    ])
            }
            let client = try DatagramClient(in: network.outside, to: SocketEndpoint(TestNetwork.hostAddress, 5000))
            try await network.driver.setRules(FirewallRules(networks: [NetworkDriverTests.front]))
            // A flow that began before anything was published: the host's refusal.
            #expect(client.ask() == nil)
            try await network.driver.setRules(rules(0xac1e_0002))
            #expect(client.ask() == "one")
            try await network.driver.setRules(rules(0xac1e_0003))
            #expect(client.ask() == "two", "the flow stayed with the old container")
        }
    }

    @Test func theProxyCarriesDatagramsAndAnswers() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let server = try DatagramServer("web", in: one, at: .anyV4, port: 5000)
            defer { server.stop() }
            let rule = ProxyRule(
                owner: "one", listen: SocketEndpoint(.loopbackV6, 5000),
                target: SocketEndpoint(.v4(0xac1e_0002), 5000), transport: .udp)
            let wish = PortWish(addresses: [.loopbackV6], ports: 5000...5000, transport: .udp)
            _ = try await service.hold([wish], for: "one")
            _ = try await service.request(.proxy(rule))
            for _ in 0..<3 {
                let client = try DatagramClient(in: network.host, to: SocketEndpoint(.loopbackV6, 5000))
                #expect(client.ask() == "web")
                #expect(client.ask() == "web")
            }
        }
    }
}

/// Answers every datagram with its name.
final class DatagramServer {
    private let descriptor: CInt

    init(_ name: String, in namespace: NetworkNamespace, at address: IPAddress, port: UInt16) throws {
        descriptor = try namespace.run { () throws(SyscallError) -> CInt in
            let socket = try InternetSocket.open(address.family, .udp, nonblocking: false)
            try InternetSocket.bind(socket.raw, to: SocketEndpoint(address, port))
            return socket.release()
        }
        let descriptor = self.descriptor
        try startThread {
            var buffer = [UInt8](repeating: 0, count: 1024)
            while let (count, client) = try? InternetSocket.receive(descriptor, into: &buffer), count > 0 {
                try? InternetSocket.send(descriptor, Array(name.utf8), to: client)
            }
            close(descriptor)
        }
    }

    /// The thread's receive fails and it closes the socket.
    func stop() { shutdown(descriptor, CInt(SHUT_RDWR)) }
}

/// A client that keeps its port.
final class DatagramClient {
    private let socket: OwnedFD

    init(in namespace: NetworkNamespace, to endpoint: SocketEndpoint) throws {
        let raw = try namespace.run { () throws(SyscallError) -> CInt in
            let socket = try InternetSocket.open(endpoint.address.family, .udp, nonblocking: false)
            var time = timeval(tv_sec: 2, tv_usec: 0)
            setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
            try InternetSocket.connect(socket.raw, to: endpoint)
            return socket.release()
        }
        socket = OwnedFD(owning: raw)
    }

    /// The server's name; nil without an answer.
    func ask() -> String? {
        var buffer = [UInt8](repeating: 0, count: 64)
        try? InternetSocket.send(socket.raw, [1])
        guard let (count, _) = try? InternetSocket.receive(socket.raw, into: &buffer) else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
