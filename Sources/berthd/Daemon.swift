import Engine
import EngineAPI
import EngineWire
import Glibc
import Linux
import Logging

/// One running engine: its lock, its server, and when it leaves.
final class Daemon: Sendable {
    private let settings: Settings
    private let log: Logger
    private let lock: FileLock
    private let engine: Engine
    private let server: HTTPServer
    /// Tells this engine's socket file from one that another engine put in its place.
    private let socketInode: UInt64

    init(settings: Settings, log: Logger) async throws {
        self.settings = settings
        self.log = log
        let paths = settings.paths
        try paths.prepare()
        guard let lock = try FileLock.attempt(paths.lock) else {
            throw EngineFailure(code: "locked", message: "another engine works on \(paths.root)")
        }
        self.lock = lock
        let store = try Store(path: paths.database)
        let content = try await store.load()
        let machine = try await RealMachine(
            paths: paths,
            programs: .init(
                monitor: "\(settings.programs)/berth-monitor", network: "\(settings.programs)/berth-net",
                engine: "\(settings.programs)/berthd", initProcess: "\(settings.programs)/berth-init"),
            insecureRegistries: settings.insecureRegistries, log: log)
        engine = Engine(
            paths: paths, store: store, content: content, machine: machine, real: machine,
            resolver: { HostResolver.current }, log: log)
        try await engine.start()
        server = HTTPServer(engine: engine, paths: paths, log: log)
        try await server.start(at: paths.socket)
        socketInode = Self.inode(of: paths.socket)
        log.notice("ready", metadata: ["root": "\(paths.root)", "socket": "\(paths.socket)"])
    }

    /// Runs until it is told to end, or nothing is left to look after. Containers go on in any case.
    func run() async -> Never {
        let (reasons, continuation) = AsyncStream.makeStream(of: String.self)
        if let signals = try? SignalWait([SIGTERM, SIGINT]) {
            Task { continuation.yield(await signals.next()) }
        }
        if settings.idleExit > 0 {
            Task { continuation.yield(await self.idle()) }
        }
        var iterator = reasons.makeAsyncIterator()
        let reason = await iterator.next() ?? ""
        log.notice("leaving: \(reason)")
        if Self.inode(of: settings.paths.socket) == socketInode { unlink(settings.paths.socket) }
        // At once: one of the waits above sleeps in the kernel, and the lock must not outlive the socket.
        exit(0)
    }

    private static func inode(of path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    /// Returns after the engine had nothing to do for as long as it may stay idle.
    private func idle() async -> String {
        var quiet = 0
        while !Task.isCancelled {
            let isBusy = await !engine.isIdle || server.activity.connections > 0
            // While containers run the engine stays anyway: no need to look often.
            let step = isBusy ? settings.idleExit : max(1, settings.idleExit / 6)
            quiet = isBusy ? 0 : quiet + step
            if quiet >= settings.idleExit { return "nothing is left to look after" }
            do { try await Task.sleep(for: .seconds(step)) } catch { return "" }
        }
        return ""
    }
}
