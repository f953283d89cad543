import Glibc
import Linux

/// Answers DNS queries in one network namespace, on a port of 127.0.0.11 other than 53, because images bind 53
/// themselves.
final class NameServer {
    static let address = IPAddress.v4(0x7f00_000b)
    /// The maximum number of queries that wait for upstream servers or for being sent there. Further ones get "server
    /// failure" at once.
    private static let mostForwarded = 256
    /// The number of datagrams to read in one turn, so that a container that queries without end delays others only
    /// this long.
    private static let mostDatagrams = 8
    private static let mostStreams = 64

    let udpPort: UInt16
    let tcpPort: UInt16

    private let loop: EventLoop
    private let door: NamespaceDoor
    private let namespace: OwnedFD
    private let datagrams: OwnedFD
    private let listener: OwnedFD
    private var watches: [EventLoop.Token] = []
    private var index: ZoneIndex
    private var streams: [ObjectIdentifier: ClientStream] = [:]
    private var exchanges: [ObjectIdentifier: Exchange] = [:]
    /// Queries to send upstream, one in each turn: opening a socket takes longer than a local answer.
    private var unsent: [Unsent] = []
    /// The position of the upstream server that answered last.
    private var favourite = 0

    private struct Unsent {
        let query: DNSQuery
        let bytes: [UInt8]
        let transport: InternetSocket.Kind
        let reply: ([UInt8]) -> Void
    }

    /// Opens the sockets inside the namespace. If a wanted port is not free, uses another.
    init(
        namespacePath: String, udpPort: UInt16?, tcpPort: UInt16?, directories: Directories, loop: EventLoop,
        door: NamespaceDoor
    ) throws(SyscallError) {
        index = ZoneIndex(Zone(), in: directories)
        let namespace = try openFile(namespacePath, O_RDONLY)
        let datagrams = try door.inside(namespace.raw) { () throws(SyscallError) -> OwnedFD in
            try Self.socket(.udp, udpPort)
        }
        let listener = try door.inside(namespace.raw) { () throws(SyscallError) -> OwnedFD in
            try Self.socket(.tcp, tcpPort)
        }
        try InternetSocket.listen(listener.raw)
        self.udpPort = try InternetSocket.localEndpoint(datagrams.raw)?.port ?? 0
        self.tcpPort = try InternetSocket.localEndpoint(listener.raw)?.port ?? 0
        self.loop = loop
        self.door = door
        self.namespace = namespace
        self.datagrams = datagrams
        self.listener = listener
        watches = [
            try loop.watch(self.datagrams.raw, .readable) { [weak self] _ in self?.receiveDatagrams() },
            try loop.watch(self.listener.raw, .readable) { [weak self] _ in self?.acceptStreams() },
        ]
    }

    func replaceZone(_ zone: Zone) {
        guard zone != index.zone else { return }
        index.zone = zone
        favourite = 0
    }

    func close() {
        for watch in watches { loop.ignore(watch) }
        for stream in streams.values { stream.close() }
        for exchange in exchanges.values { exchange.abandon() }
        streams = [:]
        exchanges = [:]
        unsent = []
    }

    private static func socket(_ kind: InternetSocket.Kind, _ port: UInt16?) throws(SyscallError) -> OwnedFD {
        let socket = try InternetSocket.open(.v4, kind)
        if kind == .tcp { try InternetSocket.setOption(socket.raw, SOL_SOCKET, SO_REUSEADDR, 1) }
        do throws(SyscallError) {
            try InternetSocket.bind(socket.raw, to: SocketEndpoint(address, port ?? 0))
        } catch {
            guard port != nil, error.code == .addressInUse else { throw error }
            try InternetSocket.bind(socket.raw, to: SocketEndpoint(address, 0))
        }
        return socket
    }

    private func receiveDatagrams() {
        for _ in 0..<Self.mostDatagrams {
            let received = try? InternetSocket.receive(datagrams.raw, into: &loop.scratch)
            guard let (count, client) = received, let client else { return }
            handle(Array(loop.scratch[..<count]), over: .udp) { [weak self] answer in
                guard let self else { return }
                try? InternetSocket.send(datagrams.raw, answer, to: client)
            }
        }
    }

    private func acceptStreams() {
        for _ in 0..<16 {
            guard let accepted = try? InternetSocket.accept(listener.raw) else { return }
            let connection = OwnedFD(owning: accepted.descriptor)
            guard streams.count < Self.mostStreams else { continue }
            let stream = try? ClientStream(connection, loop: loop)
            guard let stream else { continue }
            streams[ObjectIdentifier(stream)] = stream
            stream.onQuery = { [weak self, weak stream] bytes in
                self?.handle(bytes, over: .tcp) { stream?.send($0) }
            }
            stream.onEnd = { [weak self, weak stream] in
                if let stream { self?.streams[ObjectIdentifier(stream)] = nil }
            }
        }
    }

    /// Answers `bytes` at once or when an upstream server has answered. Ignores anything that is not a query.
    private func handle(_ bytes: [UInt8], over kind: InternetSocket.Kind, _ reply: @escaping ([UInt8]) -> Void) {
        guard let query = DNSQuery(parsing: bytes) else { return }
        let limit = kind == .tcp ? 65535 : query.payloadSize ?? DNS.plainPayload
        switch index.answer(to: query) {
        case .respond(let code, let records):
            reply(query.response(code, records: records, isAuthoritative: true, ttl: ZoneIndex.ttl, limit: limit))
        case .forward:
            guard exchanges.count + unsent.count < Self.mostForwarded else {
                return reply(query.response(.serverFailure))
            }
            unsent.append(Unsent(query: query, bytes: bytes, transport: kind, reply: reply))
            if unsent.count == 1 { loop.takeTurns { [weak self] in self?.forwardNext() ?? false } }
        }
    }

    /// True when there are more to send.
    private func forwardNext() -> Bool {
        guard !unsent.isEmpty else { return false }
        let next = unsent.removeFirst()
        forward(next.query, next.bytes, next.transport, next.reply)
        return !unsent.isEmpty
    }

    private func forward(
        _ query: DNSQuery, _ bytes: [UInt8], _ kind: InternetSocket.Kind, _ reply: @escaping ([UInt8]) -> Void
    ) {
        var key: ObjectIdentifier?
        let exchange = Exchange(
            query, bytes, over: kind, to: index.zone.upstreams, beginningWith: favourite, loop: loop,
            open: { [door, weak self] (upstream, kind) throws(SyscallError) in
                guard let self else { throw SyscallError(call: "socket", object: "upstream", code: .interrupted) }
                let inside = upstream.isReachedFromHost ? nil : namespace.raw
                return try door.inside(inside) { () throws(SyscallError) -> OwnedFD in
                    try InternetSocket.open(upstream.endpoint.address.family, kind)
                }
            },
            finish: { [weak self] answer in
                if let position = answer?.1 { self?.favourite = position }
                if let key { self?.exchanges[key] = nil }
                reply(answer?.0 ?? query.response(.serverFailure))
            })
        key = ObjectIdentifier(exchange)
        exchanges[ObjectIdentifier(exchange)] = exchange
        exchange.askNext()
    }
}
