import Glibc
import JSON
import Linux

/// `berth-net`: everything that must answer while no engine runs. It has one thread, and keeps its state until told
/// otherwise.
package final class Service {
    private enum Proxy {
        case stream(StreamProxy)
        case datagram(DatagramProxy)
    }

    private let loop: EventLoop
    private let door: NamespaceDoor
    private let ports = PortHolder()
    private let directories = Directories()
    private let listener: OwnedFD
    private var servers: [String: NameServer] = [:]
    private var proxies: [ProxyRule: Proxy] = [:]
    private var controls: [ObjectIdentifier: LineBuffer] = [:]
    /// By path. It only keeps them and does not accept connections; clients wait for the next engine.
    private var sockets: [String: KeptSocket] = [:]

    /// Listens at `FOLDER/net.sock`.
    /// - Throws: `SyscallError` when the socket cannot be created.
    package init(folder: String) throws(SyscallError) {
        loop = try EventLoop()
        door = try NamespaceDoor()
        listener = try UnixSocket.listen("\(folder)/net.sock", nonblocking: true)
        _ = try loop.watch(listener.raw, .readable) { [weak self] _ in self?.acceptControl() }
    }

    /// Takes ownership of a connected control socket, and sends the greeting.
    /// - Throws: `SyscallError` when it cannot be watched.
    package func addControl(_ connection: consuming OwnedFD) throws(SyscallError) {
        let buffer = try LineBuffer(connection, loop: loop, limit: NetProtocol.longestLine)
        let key = ObjectIdentifier(buffer)
        controls[key] = buffer
        buffer.onEnd = { [weak self] in self?.controls[key] = nil }
        buffer.onBytes = { [weak self, weak buffer] in
            while let buffer, let end = buffer.received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer.received[..<end])
                buffer.received.removeFirst(end + 1)
                self?.answer(line, on: buffer)
            }
        }
        let hello = NetResult.hello(
            minimum: NetProtocol.versions.lowerBound, maximum: NetProtocol.versions.upperBound, pid: getpid())
        Self.send(NetReply(id: 0, result: hello), on: buffer)
    }

    /// Runs until it is told to leave.
    /// - Throws: `SyscallError` when the kernel cannot wait for descriptors.
    package func run() throws(SyscallError) { try loop.run() }

    private func acceptControl() {
        guard let connection = try? UnixSocket.accept(listener.raw) else { return }
        try? addControl(connection)
    }

    private func answer(_ line: [UInt8], on buffer: LineBuffer) {
        do {
            let request = try decodeJSON(NetRequest.self, from: line)
            Self.send(NetReply(id: request.id, result: carryOut(request.command)), on: buffer)
        } catch {
            // A newer engine may send an unknown request: say so, with its id.
            let id = (try? JSONValue(parsing: line))?["id"]?.integer ?? 0
            Self.send(NetReply(id: id, result: .failed("not understood: \(plainText(of: error))")), on: buffer)
        }
    }

    private static func send(_ reply: NetReply, on buffer: LineBuffer) {
        guard let bytes = try? encodeJSON(reply) else { return }
        buffer.send(bytes + [UInt8(ascii: "\n")])
    }

    private func carryOut(_ command: NetCommand) -> NetResult {
        do throws(SyscallError) {
            switch command {
            case .serve(let id, let path, let udpPort, let tcpPort):
                let server = try serve(id, path, udpPort, tcpPort)
                return .serving(udpPort: server.udpPort, tcpPort: server.tcpPort)
            case .zone(let id, let zone):
                guard let server = servers[id] else { return .failed("\(id) is not served") }
                server.replaceZone(zone)
            case .directory(let id, let directory): directories.set(id, directory)
            case .forget(let id): servers.removeValue(forKey: id)?.close()
            case .hold(let owner, let wishes): return hold(wishes, for: owner)
            case .letGo(let owners): for owner in owners { letGo(of: owner) }
            case .probe(let wish, let count):
                return Self.answer { () throws(PortHolder.Failure) in
                    try ports.probe(wish, count: count)
                    return .done
                }
            case .proxy(let rule): try startProxy(rule)
            case .unproxy(let rule): stopProxy(rule)
            case .keep(let socket, let pid): try keep(socket, of: pid)
            case .drop(let path): drop(path)
            case .state: return .state(state)
            case .leave: leave()
            }
            return .done
        } catch {
            return .failed("\(error)")
        }
    }

    private func serve(
        _ id: String, _ path: String, _ udpPort: UInt16?, _ tcpPort: UInt16?
    ) throws(SyscallError) -> NameServer {
        if let server = servers[id] { return server }
        let server = try NameServer(
            namespacePath: path, udpPort: udpPort, tcpPort: tcpPort, directories: directories, loop: loop, door: door)
        servers[id] = server
        return server
    }

    private func hold(_ wishes: [PortWish], for owner: String) -> NetResult {
        let result = Self.answer { () throws(PortHolder.Failure) in .held(try ports.hold(wishes, for: owner)) }
        // A proxy keeps its port bound, so it must not outlive the hold.
        for rule in proxies.keys where rule.owner == owner {
            if ports.socket(at: rule.listen, rule.transport, of: owner) == nil { stopProxy(rule) }
        }
        return result
    }

    private func letGo(of owner: String) {
        for rule in proxies.keys where rule.owner == owner { stopProxy(rule) }
        ports.letGo(of: owner)
    }

    private static func answer(_ body: () throws(PortHolder.Failure) -> NetResult) -> NetResult {
        do throws(PortHolder.Failure) {
            return try body()
        } catch {
            switch error {
            case .taken(let clash): return .taken(clash)
            case .impossible(let words): return .failed(words)
            }
        }
    }

    private func startProxy(_ rule: ProxyRule) throws(SyscallError) {
        guard proxies[rule] == nil else { return }
        guard let held = ports.socket(at: rule.listen, rule.transport, of: rule.owner) else {
            if ports.isLeftOut(rule.listen, rule.transport, of: rule.owner) { return }
            throw SyscallError(call: "proxy", object: "\(rule.listen), which is not held", code: .addressInUse)
        }
        let listener = OwnedFD(
            owning: try syscall("fcntl", on: "\(rule.listen)") { fcntl(held, F_DUPFD_CLOEXEC, CInt(0)) })
        switch rule.transport {
        case .tcp: proxies[rule] = .stream(try StreamProxy(listener, to: rule.target, loop: loop))
        case .udp: proxies[rule] = .datagram(try DatagramProxy(listener, to: rule.target, loop: loop))
        }
    }

    private func stopProxy(_ rule: ProxyRule) {
        switch proxies.removeValue(forKey: rule) {
        case .stream(let proxy): proxy.close()
        case .datagram(let proxy): proxy.close()
        case nil: break
        }
    }

    private func keep(_ socket: KeptSocket, of pid: Int32) throws(SyscallError) {
        let copy = try ProcessHandle(pid: pid).descriptor(socket.descriptor)
        drop(socket.path)
        var kept = socket
        kept.descriptor = copy.release()
        sockets[socket.path] = kept
    }

    private func drop(_ path: String) {
        if let socket = sockets.removeValue(forKey: path) { close(socket.descriptor) }
    }

    private var state: NetState {
        NetState(
            served: servers.map { .init(id: $0.key, udpPort: $0.value.udpPort, tcpPort: $0.value.tcpPort) }
                .sorted { $0.id < $1.id },
            held: ports.held, proxies: Array(proxies.keys), directories: directories.ids,
            sockets: sockets.isEmpty ? nil : sockets.values.sorted { $0.path < $1.path })
    }

    private func leave() {
        for server in servers.values { server.close() }
        servers = [:]
        for rule in Array(proxies.keys) { stopProxy(rule) }
        ports.letGoOfAll()
        for path in Array(sockets.keys) { drop(path) }
        loop.stop()
    }
}
