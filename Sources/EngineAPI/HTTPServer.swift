import Engine
import Glibc
import Linux
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves berth's routes on the engine's UNIX socket.
package final class HTTPServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let routes: Routes
    private let spool: BodySpool
    /// Connections that are open: without any, an engine with nothing to look after leaves.
    package let activity: Activity

    package init(engine: Engine, paths: EnginePaths, log: Logger) {
        activity = Activity(quiet: engine.quiet)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        routes = Routes(engine: engine, log: log)
        spool = BodySpool(folder: "\(paths.root)/spool")
    }

    /// Listens at `path`, for root and members of `group` (when the machine has it); an old socket file is replaced.
    package func start(at path: String, group groupName: String = "berth") async throws {
        // Nobody may connect before the rights are set.
        let listener = try UnixSocket.listen(path, backlog: 256, nonblocking: true)
        try restrict(path, to: groupName)
        try await start(on: listener.release())
    }

    /// Serves a socket that somebody else made and listens on.
    package func start(on socket: CInt) async throws { _ = try await bootstrap.withBoundSocket(socket).get() }

    private var bootstrap: ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [routes, spool, activity] channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    try operations.addHandler(HTTPResponseEncoder(), name: ConnectionHandler.encoderName)
                    try operations.addHandler(
                        ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)),
                        name: ConnectionHandler.decoderName)
                    try operations.addHandler(ConnectionHandler(routes: routes, spool: spool, activity: activity))
                }
            }
    }

    private func restrict(_ path: String, to groupName: String) throws {
        if let entry = getgrnam(groupName) {
            try syscall("chown", on: path) { chown(path, 0, entry.pointee.gr_gid) }
        }
        try syscall("chmod", on: path) { chmod(path, 0o660) }
    }
}

/// Counts open connections.
package final class Activity: Sendable {
    private let open = Mutex(0)
    private let quiet: Quiet

    init(quiet: Quiet) { self.quiet = quiet }

    package var connections: Int { open.withLock { $0 } }
    func began() { open.withLock { $0 += 1 } }
    func ended() {
        open.withLock { $0 -= 1 }
        quiet.note()
    }
}
