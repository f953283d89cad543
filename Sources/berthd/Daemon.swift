import Engine
import EngineAPI
import EngineWire
import Glibc
import Linux
import Logging
import Networking

/// One running engine: its lock, its server, and when it leaves.
final class Daemon: Sendable {
    private let settings: Settings
    private let log: Logger
    private let lock: FileLock
    private let engine: Engine
    private let server: HTTPServer
    private let starting: Task<Void, Never>
    /// Tells this engine's socket file from one that another engine put in its place; nil when the file is not its own.
    private let socketInode: UInt64?

    init(settings: Settings, log: Logger) async throws {
        self.settings = settings
        self.log = log
        let paths = settings.paths
        guard CallingProcess.isRoot else {
            throw EngineFailure(
                code: "no_rights", message: "the engine needs root: it makes namespaces, mounts and bridges",
                hint: "sudo berthd, or sudo systemctl start berthd")
        }
        try paths.prepare()
        lock = try Self.lock(paths)
        let store = try Store(path: paths.database)
        let content = try await store.load()
        let machine = try await RealMachine(
            settings: settings.engine,
            programs: .init(
                monitor: "\(settings.programs)/berth-monitor", network: "\(settings.programs)/berth-net",
                engine: "\(settings.programs)/berthd", initProcess: "\(settings.programs)/berth-init"),
            registries: settings.registries, log: log)
        engine = Engine(
            settings: settings.engine, store: store, content: content, machine: machine, real: machine,
            resolver: { ResolverConfiguration.ofHost() }, log: log)
        server = HTTPServer(engine: engine, paths: paths, log: log)
        engine.willStart()
        if let socket = settings.socket {
            try await server.start(on: socket)
            socketInode = nil
        } else {
            try await server.start(at: paths.socket)
            socketInode = Self.inode(of: paths.socket)
        }
        // While it finds out how its containers are it answers already, and is never kept from that by one that does not answer.
        starting = Task { [engine] in await engine.start() }
        log.notice("ready", metadata: ["root": "\(paths.root)", "socket": "\(paths.socket)"])
    }

    /// The lock of the root folder; whoever holds it writes into it where it can be reached.
    private static func lock(_ paths: EnginePaths) throws -> FileLock {
        guard let lock = try FileLock.attempt(paths.lock) else {
            let socket = String(decoding: try readFile(paths.lock), as: UTF8.self)
            // Empty in the first moment of the other one's life.
            guard socket.isEmpty || socket == paths.socket else {
                throw EngineFailure(
                    code: "locked", message: "another engine works on \(paths.root), with the socket \(socket)",
                    hint: "set BERTH_RUN to that socket's folder, or BERTH_ROOT to a folder of its own")
            }
            throw EngineFailure(code: "already_running", message: "another engine works on \(paths.root)")
        }
        let bytes = Array(paths.socket.utf8)
        try syscall("ftruncate", on: paths.lock) { ftruncate(lock.descriptor, 0) }
        try syscall("pwrite", on: paths.lock) { pwrite(lock.descriptor, bytes, bytes.count, 0) }
        return lock
    }

    /// Runs until it is told to end, or nothing is left to look after. Containers go on in any case.
    func run() async -> Never {
        let (reasons, continuation) = AsyncStream.makeStream(of: String.self)
        if let signals = try? SignalWait([SIGTERM, SIGINT]) {
            Task { continuation.yield(await signals.next()) }
        }
        Task {
            let reason = await self.rest()
            await engine.endServices()
            continuation.yield(reason)
        }
        var iterator = reasons.makeAsyncIterator()
        let reason = await iterator.next() ?? ""
        log.notice("leaving: \(reason)")
        if let socketInode, Self.inode(of: settings.paths.socket) == socketInode { unlink(settings.paths.socket) }
        // At once: one of the waits above sleeps in the kernel, and the lock must not outlive the socket.
        exit(0)
    }

    private static func inode(of path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    /// Gives back memory whenever nothing happens for a moment, and returns after the engine had nothing to look after for as long as it
    /// may stay idle. At rest it sleeps until something happens.
    private func rest() async -> String {
        engine.quiet.note()
        for await _ in engine.quiet.moments {
            guard await staysQuiet(for: .seconds(1)) else { continue }
            // What starting, planning and making used is not needed while nothing happens.
            Heap.trim()
            Heap.dropProgramPages()
            guard settings.engine.idleExit > 0, await engine.isIdle else { continue }
            if await staysQuiet(for: .seconds(settings.engine.idleExit - 1)), await engine.isIdle {
                return "nothing is left to look after"
            }
        }
        return ""
    }

    /// Nobody is connected, and nothing ended meanwhile. What ends later is a moment of its own; one that ends a long wait is
    /// noticed within seconds, so that what it used is given back soon.
    private func staysQuiet(for duration: Duration) async -> Bool {
        let count = engine.quiet.count
        var left = duration
        while engine.quiet.count == count, server.activity.connections == 0 {
            guard left > .zero else { return true }
            let step = min(left, .seconds(5))
            do { try await Task.sleep(for: step) } catch { return false }
            left -= step
        }
        return false
    }
}
