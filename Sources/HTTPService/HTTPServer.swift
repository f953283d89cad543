import Glibc
import Linux
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// How a route gets the body of a request.
package enum BodyForm: Hashable, Sendable {
    /// In memory, up to a limit.
    case memory
    /// As a file, for archives that are read once they are complete.
    case disk
    /// While it arrives, for archives that are read only once.
    case stream
}

/// Answers the requests to a server.
package protocol HTTPRoutes: Sendable {
    func bodyForm(of head: HTTPRequestHead) -> BodyForm
    func respond(to request: Request) async -> Response
    /// The answer to a request that could not be read.
    func failure(_ error: any Error) -> Response
    /// The body has more than `limit` bytes.
    func bodyTooLong(limit: Int) -> Response
    /// There are too many requests at once, or their bodies are too long together.
    func busy() -> Response
}

/// Serves routes on sockets. Each server has its own thread, so that overload of one does not affect the others.
package final class HTTPServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let routes: any HTTPRoutes
    private let spool: BodySpool
    private let table: ConnectionTable
    /// The number of open connections.
    package let activity: Activity

    /// Long bodies are kept below `spoolFolder` while they are needed.
    package init(
        routes: any HTTPRoutes, spoolFolder: String, activity: Activity, limits: ServerLimits = ServerLimits()
    ) {
        self.activity = activity
        self.routes = routes
        table = ConnectionTable(limits: limits)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        spool = BodySpool(folder: spoolFolder)
    }

    /// Listens at `path`, with `mode`, for root and the members of `group` (if the machine has this group). It replaces an old socket file.
    package func start(at path: String, group groupName: String = "berth", mode: mode_t = 0o660) async throws {
        try await start(on: listen(at: path, group: groupName, mode: mode).release())
    }

    /// The first half of that: the socket exists, but nobody answers yet.
    package func listen(at path: String, group groupName: String = "berth", mode: mode_t = 0o660) throws -> OwnedFD {
        // Nobody may connect before the access rights are set.
        let listener = try UnixSocket.listen(path, backlog: 256, nonblocking: true)
        if let entry = getgrnam(groupName) {
            try syscall("chown", on: path) { chown(path, 0, entry.pointee.gr_gid) }
        }
        try syscall("chmod", on: path) { chmod(path, mode) }
        return listener
    }

    /// Serves a socket that somebody else created and listens on.
    package func start(on socket: CInt) async throws { _ = try await bootstrap(nil).withBoundSocket(socket).get() }

    /// Listens on an address of the machine. Without `identity` there is no encryption, and everybody who reaches the address may connect.
    /// Returns the port; if it is 0, the system chooses one.
    @discardableResult
    package func start(host: String, port: Int, identity: TLSIdentity?) async throws -> Int {
        let server = bootstrap(identity)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Keepalive finds clients that vanished without closing the connection.
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
        do {
            return try await server.bind(host: host, port: port).get().localAddress?.port ?? port
        } catch let error as IOError {
            throw SyscallError(call: "bind", object: "\(host):\(port)", code: Errno(rawValue: error.errnoCode))
        }
    }

    private func bootstrap(_ identity: TLSIdentity?) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [routes, spool, activity, table] channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    if let identity { try operations.addHandler(NIOSSLServerHandler(context: identity.context)) }
                    try HTTPPipeline.add(to: operations, table)
                    try operations.addHandler(
                        ConnectionHandler(routes: routes, spool: spool, activity: activity, table: table))
                }
            }
    }
}

/// HTTP on a connection: one request after the other, and an answer to bytes that are no request.
enum HTTPPipeline {
    static let encoder = "http-encoder"
    private static let names = ["http-arrival", encoder, "http-decoder", "http-turns", "http-errors"]

    static func add(to operations: ChannelPipeline.SynchronousOperations, _ table: ConnectionTable) throws {
        try operations.addHandler(ArrivalHandler(table), name: names[0])
        try operations.addHandler(HTTPResponseEncoder(), name: names[1])
        // Bytes after a request that becomes a stream belong to the stream.
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .forwardBytes, limitConfiguration: ServerLimits.decoder)
        try operations.addHandler(ByteToMessageHandler(decoder), name: names[2])
        // A request waits until the one before it has its answer.
        try operations.addHandler(HTTPServerPipelineHandler(), name: names[3])
        try operations.addHandler(HTTPServerProtocolErrorHandler(), name: names[4])
    }

    /// In reverse order: bytes that the decoder has read beyond the request must not reach the other handlers.
    static func remove(from operations: ChannelPipeline.SynchronousOperations) throws {
        for name in names.reversed() {
            operations.removeHandler(context: try operations.context(name: name), promise: nil)
        }
    }
}

/// Counts open connections. Several servers may share a count.
package final class Activity: Sendable {
    // The mutex guards the number.
    private let open = Mutex(0)
    private let onEnd: @Sendable () -> Void

    /// Calls `onEnd` whenever a connection has ended.
    package init(onEnd: @escaping @Sendable () -> Void) { self.onEnd = onEnd }

    package var connections: Int { open.withLock { $0 } }
    func began() { open.withLock { $0 += 1 } }
    func ended() {
        open.withLock { $0 -= 1 }
        onEnd()
    }
}
