import Glibc
import Linux

/// Carries UDP datagrams to another address and the answers back, a socket for each client.
final class DatagramProxy {
    /// Seconds without a datagram after which a client is forgotten, as the kernel's connection tracking does for UDP streams.
    private static let patience: UInt64 = 120
    private static let mostClients = 512

    private final class Flow {
        let socket: OwnedFD
        var watch: EventLoop.Token?
        var deadline: EventLoop.Token?
        init(_ socket: consuming OwnedFD) { self.socket = socket }
    }

    private let loop: EventLoop
    private let listener: OwnedFD
    private let target: SocketEndpoint
    private var watch: EventLoop.Token?
    private var flows: [SocketEndpoint: Flow] = [:]
    private var buffer = [UInt8](repeating: 0, count: 65535)

    init(_ rule: ProxyRule, loop: EventLoop) throws(SyscallError) {
        self.loop = loop
        target = rule.target
        let listener = try InternetSocket.open(rule.listen.address.family, .udp)
        try InternetSocket.bind(listener.raw, to: rule.listen)
        self.listener = listener
        watch = try loop.watch(self.listener.raw, .readable) { [weak self] _ in self?.receive() }
    }

    func close() {
        if let watch { loop.ignore(watch) }
        watch = nil
        for client in Array(flows.keys) { forget(client) }
    }

    private func receive() {
        for _ in 0..<64 {
            guard let (count, client) = try? InternetSocket.receive(listener.raw, into: &buffer), let client,
                let flow = flow(for: client)
            else { return }
            touch(client, flow)
            try? InternetSocket.send(flow.socket.raw, Array(buffer[..<count]))
        }
    }

    private func flow(for client: SocketEndpoint) -> Flow? {
        if let flow = flows[client] { return flow }
        guard flows.count < Self.mostClients, let socket = try? InternetSocket.open(target.address.family, .udp),
            (try? InternetSocket.connect(socket.raw, to: target)) != nil
        else { return nil }
        let flow = Flow(socket)
        flow.watch = try? loop.watch(flow.socket.raw, .readable) { [weak self, weak flow] _ in
            if let flow { self?.answer(client, flow) }
        }
        flows[client] = flow
        return flow
    }

    private func answer(_ client: SocketEndpoint, _ flow: Flow) {
        for _ in 0..<64 {
            do throws(SyscallError) {
                guard let (count, _) = try InternetSocket.receive(flow.socket.raw, into: &buffer) else { return }
                touch(client, flow)
                try InternetSocket.send(listener.raw, Array(buffer[..<count]), to: client)
            } catch {
                return  // nobody listens at the target now: the client sees silence, as with UDP anywhere
            }
        }
    }

    private func touch(_ client: SocketEndpoint, _ flow: Flow) {
        if let deadline = flow.deadline { loop.cancel(deadline) }
        flow.deadline = loop.after(Self.patience) { [weak self] in self?.forget(client) }
    }

    private func forget(_ client: SocketEndpoint) {
        guard let flow = flows.removeValue(forKey: client) else { return }
        if let watch = flow.watch { loop.ignore(watch) }
        if let deadline = flow.deadline { loop.cancel(deadline) }
    }
}
