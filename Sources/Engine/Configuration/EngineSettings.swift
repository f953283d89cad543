import Linux
import Logging
import Networking

/// The settings of an engine, from its configuration file, its environment and its flags. `Setting` declares the form
/// of each.
package struct EngineSettings: Hashable, Sendable {
    /// The folder for everything that must survive a reboot.
    package var root = EnginePaths.defaultRoot
    /// The folder for everything that must not survive a reboot.
    package var run = EnginePaths.defaultRun
    package var logLevel = Logger.Level.notice
    /// The engine ends after this many seconds without containers and operations; 0 means never.
    package var idleExit = 60
    /// Registries for which plain HTTP is allowed.
    package var insecureRegistries: [String] = []
    /// The address ranges for networks without a subnet.
    package var addressPools = SubnetPools.standard
    /// DNS servers for names outside of the engine's networks; empty means the host's own.
    package var nameServers: [String] = []
    /// The default size of a container's log file, in bytes.
    package var logMaximumSize: Int64 = 10 << 20
    /// The number of log files to keep.
    package var logMaximumFiles = 3

    /// The socket for Docker's clients; nil means `docker.sock` in the run folder, an empty text means no socket.
    package var dockerSocketPath: String?
    /// More addresses for Docker's clients.
    package var dockerHosts: [DockerHost] = []
    /// The group and the mode of the sockets for Docker's clients.
    package var dockerGroup = "berth"
    package var dockerMode: UInt32 = 0o660
    /// The read-only socket for Docker's clients; nil means none.
    package var readOnlySocket: String?
    package var readOnlyGroup = "berth"
    /// The engine's certificate at TCP, and the authority that signs the certificates of clients: paths of PEM files.
    package var tlsAuthority: String?
    package var tlsCertificate: String?
    package var tlsKey: String?
    /// Serve TCP even without client certificates.
    package var insecureTCP = false
    /// Bytes that the build cache keeps.
    package var buildCacheSize: Int64 = 20 << 30

    /// Defaults for containers, networks and ports.
    package var defaults = ContainerDefaults()
    package var networkDefaults = NetworkDefaults()
    /// Registries with copies of Docker Hub's images; the engine asks them first: `https://HOST`.
    package var registryMirrors: [String] = []
    /// `KEY=VALUE`, with which Docker's clients can tell engines apart.
    package var labels: [String] = []
    /// By variable name (`https_proxy`); they override these variables.
    package var proxies: [String: String] = [:]
    /// A configuration file of dockerd; nil means none.
    package var daemonFile: String?
    /// Notes about settings without effect.
    package var notes: [String] = []

    package init() {}

    /// The socket for Docker's clients; nil means none.
    package var dockerSocket: String? {
        let path = dockerSocketPath ?? paths.dockerSocket
        return path.isEmpty ? nil : path
    }

    /// TCP clients must present a certificate.
    package var hasMutualTLS: Bool { tlsAuthority != nil && tlsCertificate != nil && tlsKey != nil }

    package var paths: EnginePaths { EnginePaths(root: root, run: run) }

    /// The host's resolver, with the name servers of the settings instead of the host's.
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
