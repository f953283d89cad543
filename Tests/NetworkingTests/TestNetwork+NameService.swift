import Glibc
import Linux
import NameService
import Networking
import Testing

extension TestNetwork {
    /// A network with a container 172.30.0.2 and a `berth-net` in the host's namespace, which leaves at the end.
    static func withContainer(
        _ body: (TestNetwork, NameServiceClient, NetworkNamespace) async throws -> Void
    ) async throws {
        try await with { network in
            try await NetworkDriverTests.makeBridges(network)
            try await network.driver.setRules(FirewallRules(networks: [NetworkDriverTests.front]))
            let one = try await network.container("one", on: "berth-front", "172.30.0.2/24", gateway: "172.30.0.1")
            let service = try await network.startService()
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(network, service, one)) } catch { outcome = .failure(error) }
            let last = try await network.startService()
            _ = try await last.request(.leave)
            await last.waitForEnd()
            try outcome.get()
        }
    }

    /// The `berth-net` of this network, started in the host's namespace unless it runs.
    func startService() async throws -> NameServiceClient {
        let work = "\(folder)/net"
        try makeFolders(work)
        let program = "\(work)/berth-net"
        let own = try #require(Self.buildFolder)
        let script = "#!/bin/sh\nexec nsenter --net=\(host.path) \(own)/berth-net \"$1\"\n"
        try writeFileAtomically(program, script.utf8, mode: 0o755)
        return try await NameServiceClient.start(program: program, folder: work)
    }

    private static var buildFolder: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }
}

/// The answer of 127.0.0.11 to a question for an address of `name`; nil when none comes.
func askDNS(
    _ name: String, over kind: InternetSocket.Kind = .udp, from namespace: NetworkNamespace
) throws -> [UInt8]? {
    var bytes: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + label.utf8 }
    bytes += [0, 0, 1, 0, 1]
    let raw = try namespace.run { () throws(SyscallError) -> CInt in
        let socket = try InternetSocket.open(.v4, kind, nonblocking: false)
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        try InternetSocket.connect(socket.raw, to: SocketEndpoint(.v4(0x7f00_000b), 53))
        return socket.release()
    }
    let socket = OwnedFD(owning: raw)
    try InternetSocket.send(socket.raw, kind == .tcp ? [0, UInt8(bytes.count)] + bytes : bytes)
    var buffer = [UInt8](repeating: 0, count: 4096)
    guard let (count, _) = try InternetSocket.receive(socket.raw, into: &buffer), count > 12 else { return nil }
    return Array(buffer[(kind == .tcp ? 2 : 0)..<count])
}

/// A name server on port 53 that knows one address for every name.
final class TestUpstream {
    private let descriptor: CInt

    init(in namespace: NetworkNamespace, at address: IPAddress) throws {
        descriptor = try namespace.run { () throws(SyscallError) -> CInt in
            let socket = try InternetSocket.open(.v4, .udp, nonblocking: false)
            try InternetSocket.bind(socket.raw, to: SocketEndpoint(address, 53))
            return socket.release()
        }
        let descriptor = self.descriptor
        try startThread {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while let (count, client) = try? InternetSocket.receive(descriptor, into: &buffer), count > 0 {
                guard let query = DNSQuery(parsing: buffer[..<count]) else { continue }
                let answer = query.response(.noError, records: [.address(.v4(0xc000_0201))], ttl: 60)
                try? InternetSocket.send(descriptor, answer, to: client)
            }
            close(descriptor)
        }
    }

    /// The thread's receive fails and it closes the socket.
    func stop() { shutdown(descriptor, CInt(SHUT_RDWR)) }
}

/// A TCP server in `namespace` whose connections are handled by `answer`, each on the accepting thread.
private func startStreamServer(
    in namespace: NetworkNamespace, at endpoint: SocketEndpoint,
    _ answer: @escaping @Sendable (borrowing OwnedFD) -> Void
) throws -> CInt {
    let listener = try namespace.run { () throws(SyscallError) -> CInt in
        let socket = try InternetSocket.open(endpoint.address.family, .tcp, nonblocking: false)
        try InternetSocket.bind(socket.raw, to: endpoint)
        try InternetSocket.listen(socket.raw)
        return socket.release()
    }
    try startThread {
        while let connection = try? InternetSocket.accept(listener, nonblocking: false) {
            answer(OwnedFD(owning: connection.descriptor))
        }
        close(listener)
    }
    return listener
}

/// Sends back all it was sent, once the client has ended its side.
final class EchoServer {
    private let listener: CInt

    init(in namespace: NetworkNamespace, port: UInt16) throws {
        listener = try startStreamServer(in: namespace, at: SocketEndpoint(.anyV4, port)) { connection in
            guard let received = try? connection.readToEnd() else { return }
            try? connection.write(received)
        }
    }

    func stop() { shutdown(listener, CInt(SHUT_RDWR)) }
}

/// A name server that is asked over TCP and knows one address for every name.
final class TestStreamUpstream {
    private let listener: CInt

    init(in namespace: NetworkNamespace, at address: IPAddress) throws {
        listener = try startStreamServer(in: namespace, at: SocketEndpoint(address, 53)) { connection in
            var buffer = [UInt8](repeating: 0, count: 4096)
            var received: [UInt8] = []
            while received.count < 2 || received.count < 2 + Int(received[0]) << 8 + Int(received[1]) {
                let count = (try? buffer.withUnsafeMutableBytes { try connection.read(into: $0) }) ?? 0
                if count == 0 { return }
                received += buffer[..<count]
            }
            guard let query = DNSQuery(parsing: received.dropFirst(2)) else { return }
            let answer = query.response(.noError, records: [.address(.v4(0xc000_0202))], ttl: 60)
            // In two pieces: a stream has no messages.
            try? connection.write([UInt8(answer.count >> 8), UInt8(answer.count & 0xff)] + answer.prefix(5))
            try? connection.write(answer.dropFirst(5))
        }
    }

    func stop() { shutdown(listener, CInt(SHUT_RDWR)) }
}
