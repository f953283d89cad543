import Glibc
import Linux
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// How the body of a request gets to whoever answers it.
package enum BodyForm: Hashable, Sendable {
    /// As a whole, up to a limit.
    case memory
    /// As a file: archives that are read when all of them is there.
    case disk
    /// While it arrives: archives that are read once.
    case stream
}

/// What answers the requests that come to one server.
package protocol HTTPRoutes: Sendable {
    func bodyForm(of head: HTTPRequestHead) -> BodyForm
    func respond(to request: Request) async -> Response
    /// What is said of a request that could not even be read.
    func failure(_ error: any Error) -> Response
    /// The body has more than `limit` bytes.
    func bodyTooLong(limit: Int) -> Response
    /// There are too many requests, or too long ones, at once.
    func busy() -> Response
}

/// Serves routes on sockets; each server has a thread of its own, so that what one suffers the others do not.
package final class HTTPServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let routes: any HTTPRoutes
    private let spool: BodySpool
    private let table: ConnectionTable
    /// Connections that are open.
    package let activity: Activity

    /// Long bodies lie below `spoolFolder` while they are needed.
    package init(
        routes: any HTTPRoutes, spoolFolder: String, activity: Activity, limits: ServerLimits = ServerLimits()
    ) {
        self.activity = activity
        self.routes = routes
        table = ConnectionTable(limits: limits)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        spool = BodySpool(folder: spoolFolder)
    }

    /// Listens at `path`, with `mode`, for root and members of `group` (when the machine has it); an old socket file is replaced.
    package func start(at path: String, group groupName: String = "berth", mode: mode_t = 0o660) async throws {
        try await start(on: listen(at: path, group: groupName, mode: mode).release())
    }

    /// The first half of that: nothing is answered yet.
    package func listen(at path: String, group groupName: String = "berth", mode: mode_t = 0o660) throws -> OwnedFD {
        // Nobody may connect before the rights are set.
        let listener = try UnixSocket.listen(path, backlog: 256, nonblocking: true)
        if let entry = getgrnam(groupName) {
            try syscall("chown", on: path) { chown(path, 0, entry.pointee.gr_gid) }
        }
        try syscall("chmod", on: path) { chmod(path, mode) }
        return listener
    }

    /// Serves a socket that somebody else made and listens on.
    package func start(on socket: CInt) async throws { _ = try await bootstrap(nil).withBoundSocket(socket).get() }

    /// Listens on an address of the machine; without `identity` whoever reaches it is let in, and everybody between can read.
    /// Returns the port, which the system chooses where it is 0.
    @discardableResult
    package func start(host: String, port: Int, identity: TLSIdentity?) async throws -> Int {
        let listener = try await bootstrap(identity)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // A peer that vanished without a word is noticed some day.
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .bind(host: host, port: port).get()
        return listener.localAddress?.port ?? port
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

/// HTTP on a connection: requests one after the other, and an answer to what is none.
enum HTTPPipeline {
    static let encoder = "http-encoder"
    private static let names = ["http-arrival", encoder, "http-decoder", "http-turns", "http-errors"]

    static func add(to operations: ChannelPipeline.SynchronousOperations, _ table: ConnectionTable) throws {
        try operations.addHandler(ArrivalHandler(table), name: names[0])
        try operations.addHandler(HTTPResponseEncoder(), name: names[1])
        // What came after a request that becomes a stream belongs to the stream.
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .forwardBytes, limitConfiguration: ServerLimits.decoder)
        try operations.addHandler(ByteToMessageHandler(decoder), name: names[2])
        // A request waits until the one before it was answered.
        try operations.addHandler(HTTPServerPipelineHandler(), name: names[3])
        try operations.addHandler(HTTPServerProtocolErrorHandler(), name: names[4])
    }

    /// The last that come first: what the decoder has read beyond the request must meet none of the others.
    static func remove(from operations: ChannelPipeline.SynchronousOperations) throws {
        for name in names.reversed() {
            operations.removeHandler(context: try operations.context(name: name), promise: nil)
        }
    }
}

/// Counts open connections; several servers may share one count.
package final class Activity: Sendable {
    // The mutex guards the number.
    private let open = Mutex(0)
    private let onEnd: @Sendable () -> Void

    /// `onEnd` is called whenever a connection has ended.
    package init(onEnd: @escaping @Sendable () -> Void) { self.onEnd = onEnd }

    package var connections: Int { open.withLock { $0 } }
    func began() { open.withLock { $0 += 1 } }
    func ended() {
        open.withLock { $0 -= 1 }
        onEnd()
    }
}
