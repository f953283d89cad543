import JSON
import Linux

/// The control connections of a monitor, including the inherited one. They carry newline-delimited JSON.
final class ControlServer {
    private final class Client {
        let connection: Connection
        var incoming: [UInt8] = []
        init(_ connection: Connection) { self.connection = connection }
    }

    /// The maximum length of a command in bytes.
    private static let lineLimit = 1 << 20

    private let loop: EventLoop
    private let listener: OwnedFD
    private var clients: [CInt: Client] = [:]
    /// Called with each command and a function for the answer.
    var onCommand: (MonitorCommand, (MonitorEvent) -> Void) -> Void = { _, _ in }
    /// The first lines for a new connection.
    var greeting: () -> [[UInt8]] = { [] }

    /// `listener` must be non-blocking.
    init(_ loop: EventLoop, _ listener: consuming OwnedFD) throws(SyscallError) {
        self.loop = loop
        self.listener = listener
        try loop.watch(self.listener.raw, .read) { [weak self] _ in self?.accept() }
    }

    /// Its descriptors, the listener first; nil while bytes are buffered for one of them.
    var idleDescriptors: [CInt]? {
        guard clients.values.allSatisfy({ $0.incoming.isEmpty && $0.connection.backlog == 0 }) else { return nil }
        return [listener.raw] + clients.keys.sorted()
    }

    /// Whether all connected clients have received everything.
    var isFlushed: Bool { clients.values.allSatisfy { $0.connection.backlog == 0 || $0.connection.isClosed } }

    /// Adds a connection; sends the greeting if it `isNew`.
    func add(_ socket: consuming OwnedFD, isNew: Bool = true) {
        let descriptor = socket.raw
        let client = Client(Connection(socket))
        clients[descriptor] = client
        try? loop.watch(descriptor, .read) { [weak self] events in self?.handle(descriptor, events) }
        if isNew {
            for line in greeting() { send(line, to: client) }
        }
    }

    /// Sends an event to every connection.
    func broadcast(_ event: MonitorEvent) {
        for client in clients.values { send(event, to: client) }
    }

    private func accept() {
        while let socket = (try? UnixSocket.accept(listener.raw)) ?? nil { add(socket) }
    }

    private func send(_ event: MonitorEvent, to client: Client) {
        guard let line = try? encodeJSON(event) else { return }
        send(line + [0x0A], to: client)
    }

    private func send(_ line: [UInt8], to client: Client) {
        client.connection.send(line)
        let descriptor = client.connection.socket.raw
        loop.change(descriptor, to: client.connection.backlog > 0 ? [.read, .write] : .read)
    }

    private func handle(_ descriptor: CInt, _ events: EventLoop.Events) {
        guard let client = clients[descriptor] else { return }
        if events.contains(.write) {
            client.connection.flush()
            if client.connection.backlog == 0 { loop.change(descriptor, to: .read) }
        }
        guard !events.isDisjoint(with: [.read, .hangUp]) else { return }
        guard let bytes = client.connection.receive() else { return }
        // The end of a connection is no error: a new version of the engine may start, and it will connect to the
        // socket.
        if bytes.isEmpty { return drop(descriptor) }
        client.incoming += bytes
        while let end = client.incoming.firstIndex(of: 0x0A) {
            let line = Array(client.incoming[..<end])
            client.incoming.removeFirst(end + 1)
            handle(line, from: client)
        }
        if client.incoming.count > Self.lineLimit { drop(descriptor) }
    }

    private func handle(_ line: [UInt8], from client: Client) {
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { return }
        do {
            let command = try decodeJSON(MonitorCommand.self, from: line)
            onCommand(command) { [weak self] in self?.send($0, to: client) }
        } catch {
            let name = (try? JSONValue(parsing: line))?.object?.keys.first ?? "?"
            send(.refused(command: name, reason: "not understood: \(plainText(of: error))"), to: client)
        }
    }

    private func drop(_ descriptor: CInt) {
        loop.forget(descriptor)
        clients[descriptor] = nil
    }
}
