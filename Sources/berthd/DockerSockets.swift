import DockerAPI
import Engine
import EngineWire
import Glibc
import HTTPService
import Linux
import Logging

/// The addresses at which Docker's clients reach the engine. If one fails, it logs that and serves the others.
struct DockerSockets: Sendable {
    let engine: Engine
    let machine: RealMachine
    let settings: EngineSettings
    let log: Logger
    let activity: Activity
    /// A folder for large request bodies.
    let spool: String

    /// The result: socket files that this engine created, and the identity for TCP connections.
    struct Served: Sendable {
        var files: [SocketFile] = []
        /// The socket of the setting `docker-socket`, which stays while containers have it.
        var own: SocketFile?
        var identity: TLSIdentity?
        /// The served addresses `tcp://HOST:PORT`.
        var hosts: [String] = []
    }

    /// `handedOver` are listening sockets that the service manager created for Docker's clients.
    func start(handedOver: [CInt]) async -> Served {
        var served = Served()
        let server = server(isReadOnly: false)
        for socket in handedOver {
            await attempt("a socket of the service manager") { try await server.start(on: socket) }
        }
        let own = handedOver.isEmpty ? settings.dockerSocket : nil
        if let own { await startOwn(at: own, server, into: &served) }
        var paths: [String] = []
        for case .unix(let path) in settings.dockerHosts where path != own && !paths.contains(path) {
            paths.append(path)
        }
        for path in paths {
            await start(at: path, server, settings.dockerGroup, into: &served)
        }
        if let path = settings.readOnlySocket {
            await start(at: path, self.server(isReadOnly: true), settings.readOnlyGroup, into: &served)
        }
        await startTCP(into: &served)
        return served
    }

    private func start(at path: String, _ server: HTTPServer, _ group: String, into served: inout Served) async {
        guard isFree(path, for: group) else { return }
        let isServed = await attempt(path) { try await server.start(at: path, group: group, mode: mode) }
        if isServed { served.files.append(SocketFile(path)) }
    }

    /// Containers may have the socket of an earlier engine; then serve that one.
    private func startOwn(at path: String, _ server: HTTPServer, into served: inout Served) async {
        if let kept = await machine.takeDockerListener(at: path) {
            await attempt(path) { try await server.start(on: kept) }
        }
        guard !machine.hasDockerListener else {
            served.own = SocketFile(path)
            return
        }
        let group = settings.dockerGroup
        guard isFree(path, for: group) else { return }
        let isServed = await attempt(path) {
            let listener = try server.listen(at: path, group: group, mode: mode)
            try machine.offerDockerListener(listener, at: path)
            try await server.start(on: listener.release())
        }
        if isServed { served.own = SocketFile(path) }
    }

    private var mode: mode_t { mode_t(settings.dockerMode) }

    private func isFree(_ path: String, for group: String) -> Bool {
        guard !SocketFile.isServed(path) else {
            log.error("another program serves \(path): Docker's clients reach that program, not this engine")
            return false
        }
        if group != "berth", getgrnam(group) == nil {
            log.error("there is no group \(group): only root can use \(path)")
        }
        return true
    }

    private func startTCP(into served: inout Served) async {
        let hosts = settings.dockerHosts.filter(\.isTCP)
        guard !hosts.isEmpty else { return }
        if let certificate = settings.tlsCertificate, let key = settings.tlsKey {
            do throws(TLSFailure) {
                served.identity = try TLSIdentity(
                    .init(certificate: certificate, key: key, authority: settings.tlsAuthority))
            } catch {
                // Never serve TCP without the requested certificates.
                log.error("the engine serves no tcp:// address: \(error.message)")
                return
            }
        }
        // Until TLS has authenticated them, clients are unknown, so keep them apart from the machine's own clients.
        var limits = Self.limits
        limits.hurry()
        let server = HTTPServer(
            routes: DockerRoutes(engine: engine, log: log), spoolFolder: spool, activity: activity, limits: limits)
        for case .tcp(let host, let port) in hosts {
            let name = "\(DockerHost.tcp(host: host, port: port))"
            let identity = served.identity
            guard
                await attempt(
                    name, { try await server.start(host: host, port: port, identity: identity) })
            else { continue }
            served.hosts.append(name)
            if settings.hasMutualTLS {
                log.notice("Docker's clients reach the engine at \(name)")
            } else {
                log.critical("WARNING: \(Self.openWarning(name))")
            }
        }
    }

    static func openWarning(_ host: String) -> String {
        "anybody who reaches \(host) is root on this machine: docker-insecure-tcp serves it without client certificates"
    }

    /// A third of the process's descriptors is for these clients: a stream needs two, and containers need some, too.
    private static var limits: ServerLimits {
        var limits = ServerLimits()
        var open = rlimit()
        if getrlimit(__rlimit_resource_t(7), &open) == 0 {  // RLIMIT_NOFILE
            limits.connections = max(64, min(limits.connections, Int(clamping: open.rlim_cur) / 3))
        }
        // Large bodies go to the disk; JSON bodies are small.
        limits.bodyBytes = 16 << 20
        limits.bufferedBytes = 128 << 20
        return limits
    }

    private func server(isReadOnly: Bool) -> HTTPServer {
        HTTPServer(
            routes: DockerRoutes(engine: engine, log: log, isReadOnly: isReadOnly), spoolFolder: spool,
            activity: activity, limits: Self.limits)
    }

    @discardableResult
    private func attempt(_ place: String, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            log.error("\(place) cannot be served: \(EngineFailure(describing: error).message)")
            return false
        }
    }
}
