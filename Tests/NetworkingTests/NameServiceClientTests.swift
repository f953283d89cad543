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

    /// Its upstream never answers: what it may have under way fills up, and neither its own names nor those of others wait for that.
    @Test func aContainerThatAsksWithoutEndHoldsUpNobody() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let two = try await network.container("two", on: "berth-front", "172.30.0.3/24", gateway: "172.30.0.1")
            let mute = IPAddress.v4(0x7f00_0036)
            let silent = try network.host.run { () throws(SyscallError) -> CInt in
                let socket = try InternetSocket.open(.v4, .udp)
                try InternetSocket.bind(socket.raw, to: SocketEndpoint(mute, 53))
                return socket.release()
            }
            defer { close(silent) }
            let upstream = try TestUpstream(in: network.outside, at: TestNetwork.outsideAddress)
            defer { upstream.stop() }
            let living = Zone.Upstream(SocketEndpoint(TestNetwork.outsideAddress, 53))
            for (namespace, server) in [(one, Zone.Upstream(SocketEndpoint(mute, 53))), (two, living)] {
                let ports = try await service.serve(id: namespace.path, namespacePath: namespace.path)
                try await network.driver.redirectDNS(
                    namespacePath: namespace.path, udpPort: ports.udpPort, tcpPort: ports.tcpPort)
                let zone = Zone(names: ["web": [.v4(0xac1e_0002)]], upstreams: [server])
                _ = try await service.request(.zone(id: namespace.path, zone: zone))
            }
            let raw = try one.run { () throws(SyscallError) -> CInt in
                let socket = try InternetSocket.open(.v4, .udp)
                try InternetSocket.connect(socket.raw, to: SocketEndpoint(.v4(0x7f00_000b), 53))
                return socket.release()
            }
            let flood = OwnedFD(owning: raw)
            var refused = 0
            var buffer = [UInt8](repeating: 0, count: 4096)
            for number in 0..<1000 {
                let id = [UInt8(number >> 8), UInt8(number & 0xff)]
                try InternetSocket.send(
                    flood.raw, id + [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7] + Array("example".utf8) + [0, 0, 1, 0, 1])
                if number % 50 == 49 { #expect(try askDNS("web", from: one)?.suffix(4) == [172, 30, 0, 2]) }
                while let (count, _) = try InternetSocket.receive(flood.raw, into: &buffer), count > 3 {
                    if buffer[3] & 15 == 2 { refused += 1 }
                }
            }
            #expect(refused >= 500, "only \(refused) of 1000 were refused: nothing bounds what is under way")
            #expect(try askDNS("example.com", from: two)?.suffix(4) == [192, 0, 2, 1])
            // The same over one connection, all at once.
            let stream = try one.run { () throws(SyscallError) -> CInt in
                let socket = try InternetSocket.open(.v4, .tcp, nonblocking: false)
                try InternetSocket.connect(socket.raw, to: SocketEndpoint(.v4(0x7f00_000b), 53))
                return socket.release()
            }
            let connection = OwnedFD(owning: stream)
            let query: [UInt8] = [0, 21, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3] + Array("web".utf8) + [0, 0, 1, 0, 1]
            try connection.write((0..<500).flatMap { _ in query })
            var received = 0
            while received < 500 * 39 {
                let count = try buffer.withUnsafeMutableBytes { try connection.read(into: $0) }
                guard count > 0 else { break }
                received += count
            }
            #expect(received == 500 * 39, "pipelined queries are lost")
            #expect(try askDNS("example.com", from: two)?.suffix(4) == [192, 0, 2, 1])
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

    @Test func heldPortsAreRefusedToOthersAndTheirHolderIsNamed() async throws {
        try await TestNetwork.withContainer { network, service, _ in
            let wish = PortWish(addresses: [.anyV4, .anyV6], ports: 8080...8080, transport: .tcp)
            #expect(try await service.hold([wish], for: "one") == .held([8080]))
            #expect(throws: SyscallError.self) { try TestServer("late", in: network.host, port: 8080) }
            #expect(try ask("127.0.0.1", 8080, from: network.host) == nil)
            let other = PortWish(addresses: [.loopbackV4], ports: 8080...8080, transport: .tcp)
            let clash = PortClash(index: 1, endpoint: SocketEndpoint(.anyV4, 8080), owner: "one")
            let beside = PortWish(addresses: [.anyV4], ports: 8081...8081, transport: .tcp)
            #expect(try await service.hold([beside, other], for: "two") == .taken(clash))
            #expect(try await service.currentState().held.map(\.owner) == ["one"], "one wish of two is held")
            #expect(try await service.probe(wish, count: 1) == nil, "what is held here is the asker's to judge")
            _ = try await service.request(.letGo(owners: ["one"]))
            let server = try network.server("first", in: network.host, port: 8080)
            let taken = PortClash(index: 0, endpoint: SocketEndpoint(.anyV4, server.port), owner: nil)
            #expect(try await service.hold([wish], for: "one") == .taken(taken))
            #expect(try await service.probe(wish, count: 1) == taken)
            guard
                case .held(let ports) = try await service.hold(
                    [PortWish(addresses: [.anyV4, .anyV6], ports: 0...0, transport: .udp)], for: "one")
            else {
                Issue.record("no free port")
                return
            }
            #expect(ports.count == 1 && ports[0] > 0)
        }
    }

    @Test func aHostWithoutIPv6HoldsAndCarriesWhatItHas() async throws {
        try await TestNetwork.withContainer { network, service, _ in
            try network.shell("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6", in: network.host)
            for transport in [InternetSocket.Kind.tcp, .udp] {
                let wish = PortWish(addresses: [.anyV4, .loopbackV6], ports: 8080...8080, transport: transport)
                #expect(try await service.hold([wish], for: "\(transport)") == .held([8080]))
                let rule = ProxyRule(
                    owner: "\(transport)", listen: SocketEndpoint(.loopbackV6, 8080),
                    target: SocketEndpoint(.v4(0xac1e_0002), 80), transport: transport)
                _ = try await service.request(.proxy(rule))
                _ = try await service.request(.unproxy(rule))
            }
            let only = PortWish(addresses: [.loopbackV6], ports: 8081...8081, transport: .tcp)
            await #expect(throws: NameServiceError.self) { try await service.hold([only], for: "one") }
        }
    }

    @Test func aRangeGivesEachOwnerItsOwnPortAndPassesOverTakenOnes() async throws {
        try await TestNetwork.withContainer { network, service, _ in
            let server = try network.server("stranger", in: network.host, port: 8081)
            for transport in [InternetSocket.Kind.tcp, .udp] {
                for addresses in [[IPAddress.anyV4, .anyV6], [.loopbackV4], [.loopbackV6]] {
                    let wish = PortWish(addresses: addresses, ports: 8080...8083, transport: transport)
                    var got: Set<UInt16> = []
                    let isHindered = transport == .tcp && addresses != [.loopbackV6]
                    for owner in 1...(isHindered ? 3 : 4) {
                        guard case .held(let ports) = try await service.hold([wish], for: "\(owner)") else {
                            Issue.record("\(owner) of \(addresses)/\(transport)")
                            continue
                        }
                        got.formUnion(ports)
                    }
                    #expect(got == Set(8080...8083).subtracting(isHindered ? [server.port] : []))
                    guard case .taken = try await service.hold([wish], for: "late") else {
                        Issue.record("a fifth got one")
                        continue
                    }
                    let probe = try await service.probe(wish, count: 4)
                    #expect(probe?.free == (isHindered ? 3 : nil))
                    // Held again, with the number that it had: nothing changes.
                    var again = wish
                    again.preferred = 8082
                    let state = try await service.currentState()
                    let owner = try #require(state.held.first { $0.port == 8082 }?.owner)
                    #expect(try await service.hold([again], for: owner) == .held([8082]))
                    #expect(try await service.currentState() == state)
                    _ = try await service.request(.letGo(owners: (1...4).map { "\($0)" }))
                    // What somebody else is going to want comes last.
                    var modest = wish
                    modest.avoided = [8080, 8082]
                    let first: UInt16 = isHindered ? 8083 : 8081
                    #expect(try await service.hold([modest], for: "1") == .held([first]))
                    #expect(try await service.hold([modest], for: "2") == .held([isHindered ? 8080 : 8083]))
                    _ = try await service.request(.letGo(owners: ["1", "2"]))
                    #expect(try await service.currentState().held.isEmpty)
                }
            }
        }
    }

    @Test func theProxyCarriesIPv6LoopbackToAContainer() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let server = try network.server("web", in: one)
            let rule = ProxyRule(
                owner: "one", listen: SocketEndpoint(.loopbackV6, 8080),
                target: SocketEndpoint(.v4(0xac1e_0002), server.port))
            await #expect(throws: NameServiceError.self, "a port that nobody holds") {
                try await service.request(.proxy(rule))
            }
            let wish = PortWish(addresses: [.loopbackV6], ports: 8080...8080, transport: .tcp)
            _ = try await service.hold([wish], for: "one")
            // Ended and begun again while connections of before wait out their time.
            for _ in 0..<3 {
                _ = try await service.request(.proxy(rule))
                for _ in 0..<20 { #expect(try ask("::1", 8080, from: network.host) == "172.30.0.1 web") }
                _ = try await service.request(.unproxy(rule))
                #expect(try ask("::1", 8080, from: network.host) == nil)
                guard case .taken = try await service.hold([wish], for: "late") else {
                    Issue.record("the port went with the proxy")
                    continue
                }
            }
            _ = try await service.request(.proxy(rule))
            _ = try await service.request(.letGo(owners: ["one"]))
            #expect(try await service.currentState().proxies.isEmpty, "a proxy outlives its port")
            #expect(try await service.hold([wish], for: "next") == .held([8080]))
        }
    }

    /// More than the pipes and socket buffers hold, through a peer that says nothing until the other has ended.
    @Test func theProxyKeepsEveryByteAndHalfClosedConnections() async throws {
        try await TestNetwork.withContainer { network, service, one in
            let server = try EchoServer(in: one, port: 7000)
            defer { server.stop() }
            let rule = ProxyRule(
                owner: "one", listen: SocketEndpoint(.loopbackV6, 7000), target: SocketEndpoint(.v4(0xac1e_0002), 7000))
            let wish = PortWish(addresses: [.loopbackV6], ports: 7000...7000, transport: .tcp)
            _ = try await service.hold([wish], for: "one")
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
            let wish = PortWish(addresses: [.anyV4], ports: 8080...8080, transport: .tcp)
            _ = try await service.hold([wish], for: "one")
            _ = try await service.request(.directory(id: "front", directory: Directory()))
            _ = try await service.request(.zone(id: "one", zone: Zone(names: ["web": [.v4(1)]])))
            service.disconnect()
            await service.waitForEnd()
            #expect(try askDNS("web", from: one)?.suffix(4) == [0, 0, 0, 1])
            let again = try await network.startService()
            #expect(again.pid == service.pid)
            #expect(!again.isFresh)
            let state = NetState(
                served: [.init(id: "one", udpPort: ports.udpPort, tcpPort: ports.tcpPort)],
                held: [.init(owner: "one", addresses: [.anyV4], port: 8080, transport: .tcp)], directories: ["front"])
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

    /// A service of another time, as a script: what it says first, and whether it leaves when it is told to.
    private func startForeign(_ network: TestNetwork, hello: String, leaves: Bool) async throws -> pid_t {
        let folder = "\(network.folder)/net"
        try makeFolders(folder)
        let script = """
            import fcntl, json, os, socket, sys
            lock = open("\(folder)/net.lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX)
            listener = socket.socket(socket.AF_UNIX); listener.bind("\(folder)/net.sock"); listener.listen()
            print("ready", flush=True)
            while True:
                connection, _ = listener.accept()
                connection.sendall(b'\(hello)')
                for line in connection.makefile():
                    if \(leaves ? "True" : "False") and "leave" in json.loads(line)["command"]: sys.exit()
            """
        try writeFileAtomically("\(folder)/foreign.py", Array(script.utf8))
        var output = try DescriptorPair.pipe()
        let ready = output.takeFirst()
        let pid: pid_t
        do {
            let theirs = output.takeSecond()
            pid = try spawnProcess(
                "/usr/bin/python3", arguments: ["python3", "\(folder)/foreign.py"],
                descriptors: [1: theirs.raw, 2: STDERR_FILENO])
        }
        try #require(try !ready.readSome(limit: 16).isEmpty)
        return pid
    }

    private static let olderGreeting = #"{"id":0,"result":{"hello":{"minimum":1,"maximum":1,"pid":1}}}\n"#

    /// Of another release, which leaves or does not; stopped; one that never says anything.
    @Test(
        .enabled(if: fileExists("/usr/bin/python3"), "needs python3"),
        arguments: [
            (olderGreeting, true, false), (olderGreeting, true, true), (olderGreeting, false, false),
            ("", false, false),
        ])
    func aServiceThatCannotBeUsedIsReplaced(hello: String, leaves: Bool, isStopped: Bool) async throws {
        try await TestNetwork.with { network in
            let foreign = try await startForeign(network, hello: hello, leaves: leaves)
            if isStopped { kill(foreign, SIGSTOP) }
            // Who started it reaps it.
            try startThread { waitpid(foreign, nil, 0) }
            let service = try await network.startService()
            #expect(service.isFresh && service.pid != foreign)
            #expect(try await service.currentState() == NetState())
            _ = try await service.request(.leave)
            await service.waitForEnd()
        }
    }

    @Test func aServiceThatIsStoppedGoesOn() async throws {
        try await TestNetwork.withContainer { network, service, _ in
            kill(service.pid, SIGSTOP)
            #expect(try await service.currentState() == NetState())
            kill(service.pid, SIGSTOP)
            let again = try await network.startService()
            #expect(!again.isFresh && again.pid == service.pid)
            again.disconnect()
        }
    }
}
