import Glibc
import Linux
import Networking
import Testing

/// A host with one neighbour, in namespaces of their own: `host` holds the bridges, `outside` is another machine on its LAN.
final class TestNetwork {
    static let hostAddress = IPAddress.v4(0xc633_6401)  // 198.51.100.1
    static let hostAddress6 = IPAddress.v6(0x2001_0db8 << 96 | 1)
    static let outsideAddress = IPAddress.v4(0xc633_6402)
    static let isPossible = geteuid() == 0

    let folder: String
    let driver: NetworkDriver
    private var servers: [TestServer] = []

    private init(folder: String, driver: NetworkDriver) {
        self.folder = folder
        self.driver = driver
    }

    var host: NetworkNamespace { NetworkNamespace(path: "\(folder)/host") }
    var outside: NetworkNamespace { NetworkNamespace(path: "\(folder)/outside") }

    /// Runs `body` with a network that is gone afterwards.
    static func with(_ body: (TestNetwork) async throws -> Void) async throws {
        var template = Array("/tmp/berth-net-XXXXXX".utf8CString)
        let path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        let folder = try #require(path)
        let setUp = try await NetworkDriver(instance: InstanceName(rootFolder: folder))
        do {
            for name in ["host", "outside"] { try await setUp.makeNamespace("\(folder)/\(name)") }
            let driver = try await NetworkDriver(
                instance: InstanceName(rootFolder: "/var/lib/berth"), hostNamespace: "\(folder)/host")
            let network = TestNetwork(folder: folder, driver: driver)
            try network.connectOutside()
            try await body(network)
            network.servers = []
        } catch {
            clean(folder)
            throw error
        }
        clean(folder)
    }

    private static func clean(_ folder: String) {
        for name in (try? folderEntries(folder)) ?? [] { try? NetworkNamespace(path: "\(folder)/\(name)").remove() }
        try? removeTree("\(folder)/net")
        rmdir(folder)
    }

    private func connectOutside() throws {
        // A new namespace has the settings of the machine's own, where an engine may have switched forwarding on.
        try shell("cd /proc/sys/net && echo 0 | tee ipv4/ip_forward ipv6/conf/all/forwarding", in: host)
        try shell("ip link add lan type veth peer name lan0 netns \(outside.path)", in: host)
        try shell(
            "ip addr add \(Self.hostAddress)/24 dev lan && ip -6 addr add \(Self.hostAddress6)/64 dev lan nodad",
            in: host)
        try shell("ip link set lan up", in: host)
        try shell(
            "ip addr add \(Self.outsideAddress)/24 dev lan0 && ip -6 addr add 2001:db8::2/64 dev lan0 nodad",
            in: outside)
        try shell("ip link set lan0 up", in: outside)
    }

    /// Runs a shell command inside `namespace` and returns what it prints.
    @discardableResult
    func shell(_ command: String, in namespace: NetworkNamespace) throws -> String {
        let output = "\(folder)/output"
        defer { unlink(output) }
        let status = try namespace.run { () throws(SyscallError) in
            system("{ \(command)\n} >\(output) 2>&1")
        }
        let text = try readText(output)
        try #require(status == 0, "\(command): \(text)")
        return text
    }

    /// Whether bridged packets pass the rules in the host's namespace; nothing to do where the kernel lacks br_netfilter.
    func setBridgeFilter(_ value: Int) throws {
        let setting = "/proc/sys/net/bridge/bridge-nf-call-iptables"
        guard fileExists(setting) else { return }
        try host.run { () throws(SyscallError) in try writeControlFile(setting, "\(value)") }
    }

    /// A server that runs until the network is gone.
    func server(
        _ name: String, in namespace: NetworkNamespace, on address: IPAddress = .anyV4, port: UInt16 = 0
    ) throws -> TestServer {
        let server = try TestServer(name, in: namespace, on: address, port: port)
        servers.append(server)
        return server
    }

    /// A container's namespace named `name`, made and attached to `bridge`.
    @discardableResult
    func container(
        _ name: String, on bridge: String, _ address: String, gateway: String?, allowsPeers: Bool = true,
        interface: String = "eth0"
    ) async throws -> NetworkNamespace {
        let namespace = NetworkNamespace(path: "\(folder)/\(name)")
        try await driver.makeNamespace(namespace.path)
        let addresses = address.split(separator: ",").compactMap { CIDR($0) }
        try await driver.attach(
            EndpointSpec(
                namespacePath: namespace.path, interfaceName: interface,
                hostInterface: driver.instance.veth(ofContainer: name, network: bridge), realisation: .bridge(bridge),
                addresses: addresses,
                defaultGateways: (gateway ?? "").split(separator: ",").compactMap { IPAddress($0) },
                allowsPeers: allowsPeers))
        return namespace
    }
}

/// A TCP server that tells every caller its address as the server sees it, followed by the server's name.
final class TestServer {
    let port: UInt16
    private let descriptor: CInt

    init(_ name: String, in namespace: NetworkNamespace, on address: IPAddress = .anyV4, port: UInt16 = 0) throws {
        let listener = try namespace.run { () throws(SyscallError) -> CInt in
            let socket = try InternetSocket.open(address.family, .tcp, nonblocking: false)
            try InternetSocket.bind(socket.raw, to: SocketEndpoint(address, port))
            try InternetSocket.listen(socket.raw)
            return socket.release()
        }
        descriptor = listener
        self.port = try InternetSocket.localEndpoint(listener)?.port ?? 0
        try startThread {
            while let connection = try? InternetSocket.accept(listener, nonblocking: false) {
                let text = "\(connection.peer?.address.description ?? "?") \(name)"
                _ = send(connection.descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
                close(connection.descriptor)
            }
            close(listener)
        }
    }

    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }  // the thread's accept fails and it closes the descriptor
}

/// What the server at `endpoint` says, asked from `namespace`; nil when it cannot be reached within `milliseconds`.
func ask(
    _ endpoint: SocketEndpoint, from namespace: NetworkNamespace, source: SocketEndpoint? = nil,
    milliseconds: Int = 2000
) throws -> String? {
    let connection = try namespace.run { () throws(SyscallError) -> CInt? in
        let socket = try InternetSocket.open(endpoint.address.family, .tcp, nonblocking: false)
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(socket.raw, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        if let source { try InternetSocket.bind(socket.raw, to: source) }
        do throws(SyscallError) { try InternetSocket.connect(socket.raw, to: endpoint) } catch { return nil }
        return socket.release()
    }
    guard let connection else { return nil }
    let text = String(decoding: (try? OwnedFD(owning: connection).readToEnd()) ?? [], as: UTF8.self)
    return text.isEmpty ? nil : text
}

func ask(_ address: String, _ port: UInt16, from namespace: NetworkNamespace, milliseconds: Int = 2000) throws
    -> String?
{
    try ask(SocketEndpoint(#require(IPAddress(address)), port), from: namespace, milliseconds: milliseconds)
}
