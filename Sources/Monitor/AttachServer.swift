import AttachStream
import Linux

/// The attached streams of a monitor: input from any client goes to the process, live output goes to all clients.
///
/// A client that reads too slowly blocks the process's writes, so nothing is lost. A client that reads nothing for ten
/// seconds is disconnected.
final class AttachServer {
    private final class Client {
        let connection: Connection
        /// The client that owns an exec; when it disconnects, the process gets a signal.
        var isOwner: Bool
        var reader = StreamFrameReader()
        var hasEndedInput = false
        init(_ connection: Connection, isOwner: Bool) {
            self.connection = connection
            self.isOwner = isOwner
        }
    }

    /// How many bytes a client may be behind before the process is blocked.
    private static let backlogLimit = 1 << 20
    private static let patience: Int64 = 10_000

    private let loop: EventLoop
    private var listener: OwnedFD?
    private var clients: [CInt: Client] = [:]
    private var isInputHeld = false
    /// Called with input for the process.
    var onFrame: (StreamFrame) -> Void = { _ in }
    /// The client that owns an exec has disconnected.
    var onOwnerGone: () -> Void = {}
    /// Called when `isBehind` may have become false.
    var onProgress: () -> Void = {}

    init(_ loop: EventLoop) { self.loop = loop }

    /// The listening socket, if there is one.
    var listenerDescriptor: CInt? { listener?.raw }

    /// Accepts connections on `socket`, which must be non-blocking.
    func listen(_ socket: consuming OwnedFD) throws(SyscallError) {
        let descriptor = socket.raw
        listener = consume socket
        try loop.watch(descriptor, .read) { [weak self] _ in self?.accept(descriptor) }
    }

    /// Whether a client is so far behind that the process must wait.
    var isBehind: Bool { clients.values.contains { $0.connection.backlog > Self.backlogLimit } }
    var isFlushed: Bool { clients.values.allSatisfy { $0.connection.backlog == 0 || $0.connection.isClosed } }
    var isEmpty: Bool { clients.isEmpty }

    func add(_ socket: consuming OwnedFD, isOwner: Bool) {
        let descriptor = socket.raw
        clients[descriptor] = Client(Connection(socket), isOwner: isOwner)
        try? loop.watch(descriptor, interest(of: descriptor)) { [weak self] events in self?.handle(descriptor, events) }
    }

    func broadcast(_ frame: StreamFrame) {
        guard !clients.isEmpty else { return }
        let bytes = frame.bytes
        for (descriptor, client) in clients {
            let wasBehind = client.connection.backlog > 0
            client.connection.send(bytes)
            if client.connection.backlog > 0, !wasBehind { startPatience(descriptor) }
            loop.change(descriptor, to: interest(of: descriptor))
        }
    }

    /// Stops reading input while the process does not read what it has.
    func holdInput(_ isHeld: Bool) {
        guard isHeld != isInputHeld else { return }
        isInputHeld = isHeld
        for descriptor in clients.keys { loop.change(descriptor, to: interest(of: descriptor)) }
    }

    private func accept(_ listener: CInt) {
        while let socket = (try? UnixSocket.accept(listener)) ?? nil { add(socket, isOwner: false) }
    }

    private func interest(of descriptor: CInt) -> EventLoop.Events {
        guard let client = clients[descriptor] else { return [] }
        var events: EventLoop.Events = []
        if !client.hasEndedInput, !isInputHeld { events.insert(.read) }
        if client.connection.backlog > 0 { events.insert(.write) }
        return events
    }

    private func startPatience(_ descriptor: CInt) {
        loop.setDeadline("attach \(descriptor)", milliseconds: Self.patience) { [weak self] in self?.drop(descriptor) }
    }

    private func handle(_ descriptor: CInt, _ events: EventLoop.Events) {
        guard let client = clients[descriptor] else { return }
        if events.contains(.write), client.connection.flush() {
            loop.cancel("attach \(descriptor)")
            if client.connection.backlog > 0 { startPatience(descriptor) }
            onProgress()
        }
        if events.contains(.read) { receive(client, descriptor) }
        // Both directions are closed; read first what was sent before.
        if !events.isDisjoint(with: .hangUp), !events.contains(.read) || client.hasEndedInput {
            return drop(descriptor)
        }
        if client.connection.isClosed { return drop(descriptor) }
        loop.change(descriptor, to: interest(of: descriptor))
    }

    private func receive(_ client: Client, _ descriptor: CInt) {
        guard let bytes = client.connection.receive() else { return }
        if bytes.isEmpty {
            // Half closed: the client sends no more input but still reads.
            client.hasEndedInput = true
            return onFrame(StreamFrame(.stdinEnd))
        }
        guard let frames = try? client.reader.frames(adding: bytes) else { return drop(descriptor) }
        for frame in frames {
            if frame.kind == .detach { client.isOwner = false } else { onFrame(frame) }
        }
    }

    private func drop(_ descriptor: CInt) {
        guard let client = clients.removeValue(forKey: descriptor) else { return }
        loop.cancel("attach \(descriptor)")
        loop.forget(descriptor)
        if client.isOwner { onOwnerGone() }
        onProgress()
    }
}
