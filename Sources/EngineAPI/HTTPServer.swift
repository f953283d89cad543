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
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [routes, spool, activity] channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    try HTTPPipeline.add(to: operations)
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

/// HTTP on a connection: requests one after the other, and an answer to what is none.
enum HTTPPipeline {
    private static let names = ["http-encoder", "http-decoder", "http-turns", "http-errors"]

    static func add(to operations: ChannelPipeline.SynchronousOperations) throws {
        try operations.addHandler(HTTPResponseEncoder(), name: names[0])
        // What came after a request that becomes a stream belongs to the stream.
        try operations.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)), name: names[1])
        // A request waits until the one before it was answered.
        try operations.addHandler(HTTPServerPipelineHandler(), name: names[2])
        try operations.addHandler(HTTPServerProtocolErrorHandler(), name: names[3])
    }

    /// The last that come first: what the decoder has read beyond the request must meet none of the others.
    static func remove(from operations: ChannelPipeline.SynchronousOperations) throws {
        for name in names.reversed() {
            operations.removeHandler(context: try operations.context(name: name), promise: nil)
        }
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
