import Linux
import Logging
import Networking

/// What an engine is told: by its configuration file, by its environment, by its flags. `Setting` declares how each is given.
package struct EngineSettings: Hashable, Sendable {
    /// What must survive a reboot lies below this folder.
    package var root = EnginePaths.defaultRoot
    /// What must not survive one lies below this folder.
    package var run = EnginePaths.defaultRun
    package var logLevel = Logger.Level.notice
    /// The engine ends after this many seconds without containers and operations; 0 means never.
    package var idleExit = 60
    /// Registries that may be spoken to without encryption.
    package var insecureRegistries: [String] = []
    /// Where networks without a subnet of their own get one.
    package var addressPools = SubnetPools.standard
    /// Servers that names outside of the engine's networks are asked of; empty: the host's own.
    package var nameServers: [String] = []
    /// Bytes of one log file of a container that does not say otherwise.
    package var logMaximumSize: Int64 = 10 << 20
    /// How many such files are kept.
    package var logMaximumFiles = 3

    /// Where clients of Docker reach the engine; nil is `docker.sock` in the run folder, an empty text nowhere.
    package var dockerSocketPath: String?
    /// More places where they reach it.
    package var dockerHosts: [DockerHost] = []
    /// Who may use the sockets of clients of Docker beside root, and with which mode.
    package var dockerGroup = "berth"
    package var dockerMode: UInt32 = 0o660
    /// Where clients of Docker may only look; nil is nowhere.
    package var readOnlySocket: String?
    package var readOnlyGroup = "berth"
    /// What is served at TCP proves itself with this, and lets in whom that authority knows: paths of files in PEM.
    package var tlsAuthority: String?
    package var tlsCertificate: String?
    package var tlsKey: String?
    /// TCP is served though whoever reaches it is let in.
    package var insecureTCP = false
    /// Bytes that the build cache keeps.
    package var buildCacheSize: Int64 = 20 << 30

    /// What containers, networks and ports get that say nothing about it.
    package var defaults = ContainerDefaults()
    package var networkDefaults = NetworkDefaults()
    /// Registries that have copies of Docker Hub's images, asked before it: `https://HOST`.
    package var registryMirrors: [String] = []
    /// `KEY=VALUE`, for clients of Docker to tell engines apart.
    package var labels: [String] = []
    /// By the names of the variables, `https_proxy`; they stand above those.
    package var proxies: [String: String] = [:]
    /// A file as dockerd has it; nil is none.
    package var daemonFile: String?
    /// What was said and has no effect.
    package var notes: [String] = []

    package init() {}

    /// Where clients of Docker reach the engine; nil is nowhere.
    package var dockerSocket: String? {
        let path = dockerSocketPath ?? paths.dockerSocket
        return path.isEmpty ? nil : path
    }

    /// Whoever connects over TCP is known.
    package var hasMutualTLS: Bool { tlsAuthority != nil && tlsCertificate != nil && tlsKey != nil }

    package var paths: EnginePaths { EnginePaths(root: root, run: run) }

    /// The host's resolver, with the servers of the settings in place of its own.
    func resolver(
        of host: @escaping @Sendable () -> ResolverConfiguration
    ) -> @Sendable () -> ResolverConfiguration {
        guard !nameServers.isEmpty else { return host }
        return { [nameServers] in
            var resolver = host()
            resolver.nameservers = nameServers.compactMap { IPAddress($0) }
            return resolver
        }
    }
}
