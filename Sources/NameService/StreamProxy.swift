import CLinux
import Glibc
import Linux

/// Accepts TCP connections and forwards them to another address through pipes; the bytes never enter the process
/// (splice(2)).
final class StreamProxy {
    /// The maximum number of connections at a time; more wait in the listener's queue.
    private static let mostConnections = 1024

    private let loop: EventLoop
    private let listener: OwnedFD
    private let target: SocketEndpoint
    private var watch: EventLoop.Token?
    private var connections: [ObjectIdentifier: ProxiedConnection] = [:]

    /// Listens on a bound socket, which may have listened before.
    init(_ listener: consuming OwnedFD, to target: SocketEndpoint, loop: EventLoop) throws(SyscallError) {
        self.loop = loop
        self.target = target
        self.listener = listener
        // Remaining connections of an earlier proxy on the port must not block it; see `PortHolder.bound`.
        try InternetSocket.setOption(self.listener.raw, SOL_SOCKET, SO_REUSEADDR, 1)
        try InternetSocket.listen(self.listener.raw)
        try InternetSocket.setOption(self.listener.raw, SOL_SOCKET, SO_REUSEADDR, 0)
        watch = try loop.watch(self.listener.raw, .readable) { [weak self] _ in self?.accept() }
    }

    /// The socket stays bound, but refuses connections from now on: a shutdown stops the listening of a socket that was
    /// bound to an explicit port, and keeps the port (tcp_disconnect in net/ipv4/tcp.c).
    func close() {
        if let watch { loop.ignore(watch) }
        watch = nil
        shutdown(listener.raw, CInt(SHUT_RD))
        for connection in connections.values { connection.close() }
        connections = [:]
    }

    private func accept() {
        for _ in 0..<64 {
            guard connections.count < Self.mostConnections else { return pause() }
            guard let accepted = try? InternetSocket.accept(listener.raw) else { return }
            let client = OwnedFD(owning: accepted.descriptor)
            try? InternetSocket.setOption(client.raw, SOL_SOCKET, SO_REUSEADDR, 1)  // for the next proxy of the port
            guard let connection = try? ProxiedConnection(client, to: target, loop: loop) else { continue }
            connections[ObjectIdentifier(connection)] = connection
            connection.onEnd = { [weak self, weak connection] in
                if let connection { self?.connections[ObjectIdentifier(connection)] = nil }
                self?.resume()
            }
        }
    }

    private func pause() { if let watch { loop.change(watch, to: []) } }
    private func resume() { if let watch { loop.change(watch, to: .readable) } }
}

/// Two sockets and the bytes in transit between them.
final class ProxiedConnection {
    var onEnd: () -> Void = {}

    private let loop: EventLoop
    private var sides: [Side] = []
    private var isConnected = false

    init(_ client: consuming OwnedFD, to target: SocketEndpoint, loop: EventLoop) throws(SyscallError) {
        self.loop = loop
        let server = try InternetSocket.open(target.address.family, .tcp)
        do throws(SyscallError) {
            try InternetSocket.connect(server.raw, to: target)
        } catch {
            guard error.code.rawValue == EINPROGRESS else { throw error }
        }
        sides = [try Side(client), try Side(server)]
        for (index, side) in sides.enumerated() {
            side.watch = try loop.watch(side.socket.raw, index == 1 ? .writable : []) { [weak self] event in
                self?.react(index, event)
            }
        }
    }

    func close() {
        for side in sides {
            if let watch = side.watch { loop.ignore(watch) }
            side.watch = nil
        }
        let end = onEnd
        onEnd = {}
        end()
    }

    private func react(_ index: Int, _ event: EventLoop.Interest) {
        if !isConnected {
            guard index == 1, InternetSocket.pendingError(sides[1].socket.raw) == nil else { return close() }
            isConnected = true
        }
        guard carry(from: 0, to: 1), carry(from: 1, to: 0) else { return close() }
        if sides.allSatisfy({ $0.isEnded && $0.buffered == 0 }) { return close() }
        // The kernel reports a socket that is closed in both directions forever, so stop watching it. Its remaining
        // bytes are read as the other side accepts them.
        if event.contains(.hungUp), let watch = sides[index].watch {
            loop.ignore(watch)
            sides[index].watch = nil
            if sides[index].isEnded && sides[index].buffered == 0 { return close() }
        }
        for (own, other) in [(0, 1), (1, 0)] {
            guard let watch = sides[own].watch else { continue }
            var interest: EventLoop.Interest = []
            if !sides[own].isEnded && sides[own].buffered == 0 { interest.insert(.readable) }
            if sides[other].buffered > 0 { interest.insert(.writable) }
            loop.change(watch, to: interest)
        }
    }

    /// Moves as much as possible in one direction; false when the connection has failed.
    private func carry(from source: Int, to sink: Int) -> Bool {
        let side = sides[source]
        while true {
            if side.buffered == 0 {
                if side.isEnded { return true }
                let count = berth_splice(side.socket.raw, side.pipeIn.raw, Side.pipeSize, Side.flags)
                if count < 0 { return Errno.current == .again || Errno.current == .interrupted }
                if count == 0 {
                    side.isEnded = true
                    shutdown(sides[sink].socket.raw, CInt(SHUT_WR))
                    return true
                }
                side.buffered = count
            }
            let count = berth_splice(side.pipeOut.raw, sides[sink].socket.raw, side.buffered, Side.flags)
            if count <= 0 { return count < 0 && (Errno.current == .again || Errno.current == .interrupted) }
            side.buffered -= count
        }
    }

    private final class Side {
        static let pipeSize = 1 << 20
        static let flags: UInt32 = 0x01 | 0x02  // SPLICE_F_MOVE, SPLICE_F_NONBLOCK

        let socket: OwnedFD
        /// What this side sent and the other has not received yet.
        let pipeOut: OwnedFD
        let pipeIn: OwnedFD
        var buffered = 0
        var isEnded = false
        var watch: EventLoop.Token?

        init(_ socket: consuming OwnedFD) throws(SyscallError) {
            self.socket = socket
            var pipe = try DescriptorPair.pipe(nonblocking: true)
            pipeOut = pipe.takeFirst()
            pipeIn = pipe.takeSecond()
            _ = fcntl(pipeIn.raw, 1031, CInt(Self.pipeSize))  // F_SETPIPE_SZ; the default of 64 KiB works too
        }
    }
}
