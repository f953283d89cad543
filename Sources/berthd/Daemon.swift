import DockerAPI
import Engine
import EngineAPI
import EngineWire
import Glibc
import HTTPService
import Linux
import Logging
import Networking

/// One running engine: its lock, its server, and the decision when to exit.
final class Daemon: Sendable {
    private let settings: Settings
    private let log: Logger
    private let lock: FileLock
    private let engine: Engine
    private let machine: RealMachine
    /// Open connections on all sockets.
    private let activity: Activity
    private let starting: Task<Void, Never>
    /// The socket files that this engine created.
    private let socketFiles: [SocketFile]
    /// The socket for Docker's clients stays while running containers have it.
    private let dockerSocket: SocketFile?
    /// The certificate for TCP connections.
    private let identity: TLSIdentity?
    /// Remote clients expect to reach it at any time.
    private let servesNetwork: Bool

    init(settings: Settings, log: Logger) async throws {
        self.settings = settings
        self.log = log
        let paths = settings.paths
        for note in settings.engine.notes { log.notice("\(note)") }
        guard CallingProcess.isRoot else {
            throw EngineFailure(
                code: .noRights, message: "the engine needs root: it creates namespaces, mounts and bridges",
                hint: "sudo berthd, or sudo systemctl start berthd")
        }
        try paths.prepare()
        lock = try Self.lock(paths)
        let store = try Store(path: paths.database)
        let content = try await store.load()
        machine = try await RealMachine(
            settings: settings.engine,
            programs: .init(
                monitor: "\(settings.programs)/berth-monitor", network: "\(settings.programs)/berth-net",
                engine: "\(settings.programs)/berthd", initProcess: "\(settings.programs)/berth-init"),
            registries: settings.registries, log: log)
        engine = Engine(
            settings: settings.engine, store: store, content: content, machine: machine,
            resolver: { ResolverConfiguration.ofHost() }, log: log)
        activity = Activity { [engine] in engine.quiet.note() }
        let spool = "\(paths.root)/spool"
        let server = HTTPServer(
            routes: EngineRoutes(own: Routes(engine: engine, log: log), docker: DockerRoutes(engine: engine, log: log)),
            spoolFolder: spool, activity: activity)
        engine.willStart()
        var files: [SocketFile] = []
        if let socket = settings.sockets.first {
            try await server.start(on: socket)
        } else {
            try await server.start(at: paths.socket)
            files.append(SocketFile(paths.socket))
        }
        let docker = await DockerSockets(
            engine: engine, machine: machine, settings: settings.engine, log: log, activity: activity, spool: spool
        ).start(handedOver: Array(settings.sockets.dropFirst()))
        socketFiles = files + docker.files
        dockerSocket = docker.own
        identity = docker.identity
        servesNetwork = !docker.hosts.isEmpty
        // It answers requests while it still finds out the state of its containers, and even if one of them does not
        // answer.
        starting = Task { [engine] in await engine.start() }
        log.notice("ready", metadata: ["root": "\(paths.root)", "socket": "\(paths.socket)"])
    }

    /// Locks the root folder. The lock file contains the address of the engine that holds it.
    private static func lock(_ paths: EnginePaths) throws -> FileLock {
        guard let lock = try FileLock.attempt(paths.lock) else {
            let socket = String(decoding: try readFile(paths.lock), as: UTF8.self)
            // The file is empty just after the other engine has started.
            guard socket.isEmpty || socket == paths.socket else {
                throw EngineFailure(
                    code: .locked, message: "another engine uses \(paths.root), with the socket \(socket)",
                    hint: "set BERTH_RUN to that socket's folder, or BERTH_ROOT to a folder of its own")
            }
            throw EngineFailure(code: .alreadyRunning, message: "another engine uses \(paths.root)")
        }
        let bytes = Array(paths.socket.utf8)
        try syscall("ftruncate", on: paths.lock) { ftruncate(lock.descriptor, 0) }
        try syscall("pwrite", on: paths.lock) { pwrite(lock.descriptor, bytes, bytes.count, 0) }
        return lock
    }

    /// Runs until it is told to end, or there is nothing left to look after. Containers continue in any case.
    func run() async -> Never {
        let (reasons, continuation) = AsyncStream.makeStream(of: String.self)
        if let signals = try? SignalWait([SIGTERM, SIGINT, SIGHUP]) {
            Task {
                while true {
                    let name = await signals.next()
                    if name == "SIGHUP" { reload() } else { continuation.yield(name) }
                }
            }
        }
        Task {
            let reason = await self.rest()
            await engine.endServices()
            continuation.yield(reason)
        }
        var iterator = reasons.makeAsyncIterator()
        let reason = await iterator.next() ?? ""
        log.notice("leaving: \(reason)")
        for file in socketFiles { file.remove() }
        if let dockerSocket, await !engine.leavesDockerSocket {
            await machine.dropDockerListener()
            dockerSocket.remove()
        }
        // Exit at once: one of the waits above blocks in the kernel, and the lock must not outlive the socket.
        exit(0)
    }

    /// Applies settings that can change at run time. If the new settings are invalid, the old ones stay.
    private func reload() {
        do {
            let again = try settings.again()
            StandardErrorLog.level = again.engine.logLevel
            machine.use(again.registries)
            let taken: Set<String> = ["log-level", "insecure-registries", "registry-mirrors"]
            let changed = Setting.names(differing: settings.engine, again.engine).filter { !taken.contains($0) }
            if !changed.isEmpty {
                log.warning(
                    "changed; these settings apply when the engine starts again: \(changed.joined(separator: ", "))")
            }
            log.notice("read the settings again")
        } catch {
            log.error("kept the old settings: \(EngineFailure(describing: error).message)")
        }
        do throws(TLSFailure) { try identity?.reload() } catch {
            log.error("kept the old certificates: \(error.message)")
        }
    }

    /// Releases memory whenever nothing happens for a moment. Returns after the engine had nothing to look after for
    /// the idle time in its settings. While idle, it sleeps until something happens.
    private func rest() async -> String {
        engine.quiet.note()
        for await _ in engine.quiet.moments {
            guard await staysQuiet(for: .seconds(1)) else { continue }
            // Memory that was used for starting, planning and creating is not needed now.
            Heap.trim()
            Heap.dropProgramPages()
            guard settings.engine.idleExit > 0, !servesNetwork, await engine.isIdle else { continue }
            if await staysQuiet(for: .seconds(settings.engine.idleExit - 1)), await engine.isIdle {
                return "no containers and no operations: the engine ends"
            }
        }
        return ""
    }

    /// No connections, and nothing ended meanwhile. What ends later signals again. The end of a long wait is noticed
    /// within seconds, so its memory is released soon.
    private func staysQuiet(for duration: Duration) async -> Bool {
        let count = engine.quiet.count
        var left = duration
        while engine.quiet.count == count, activity.connections == 0 {
            guard left > .zero else { return true }
            let step = min(left, .seconds(5))
            do { try await Task.sleep(for: step) } catch { return false }
            left -= step
        }
        return false
    }
}
