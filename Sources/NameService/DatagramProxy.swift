import Glibc
import Linux

/// Forwards UDP datagrams to another address and the answers back, with a socket for each client.
final class DatagramProxy {
    /// How many seconds without a datagram a client is remembered at least, as in the kernel's connection tracking for
    /// UDP streams.
    private static let patience: UInt64 = 120
    private static let mostClients = 512

    private final class Flow {
        let socket: OwnedFD
        var watch: EventLoop.Token?
        var deadline: EventLoop.Token?
        /// A datagram passed since the deadline was set.
        var isUsed = false
        init(_ socket: consuming OwnedFD) { self.socket = socket }
    }

    private let loop: EventLoop
    private let listener: OwnedFD
    private let target: SocketEndpoint
    private var watch: EventLoop.Token?
    private var flows: [SocketEndpoint: Flow] = [:]

    /// Serves a bound socket.
    init(_ listener: consuming OwnedFD, to target: SocketEndpoint, loop: EventLoop) throws(SyscallError) {
        self.loop = loop
        self.target = target
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
            guard let (count, client) = try? InternetSocket.receive(listener.raw, into: &loop.scratch), let client,
                let flow = flow(for: client)
            else { return }
            flow.isUsed = true
            try? InternetSocket.send(flow.socket.raw, Array(loop.scratch[..<count]))
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
        wait(client, flow)
        return flow
    }

    private func answer(_ client: SocketEndpoint, _ flow: Flow) {
        for _ in 0..<64 {
            do throws(SyscallError) {
                guard let (count, _) = try InternetSocket.receive(flow.socket.raw, into: &loop.scratch) else { return }
                flow.isUsed = true
                try InternetSocket.send(listener.raw, Array(loop.scratch[..<count]), to: client)
            } catch {
                return  // nobody listens at the target: the client gets no answer, as always with UDP
            }
        }
    }

    /// One deadline for each flow, not for each datagram: a flow is removed after one to two times `patience`.
    private func wait(_ client: SocketEndpoint, _ flow: Flow) {
        flow.isUsed = false
        flow.deadline = loop.after(Self.patience) { [weak self, weak flow] in
            guard let flow else { return }
            if flow.isUsed { self?.wait(client, flow) } else { self?.forget(client) }
        }
    }

    private func forget(_ client: SocketEndpoint) {
        guard let flow = flows.removeValue(forKey: client) else { return }
        if let watch = flow.watch { loop.ignore(watch) }
        if let deadline = flow.deadline { loop.cancel(deadline) }
    }
}
