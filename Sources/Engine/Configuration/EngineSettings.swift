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
    /// Seconds without anything to look after before the engine leaves; 0 stays.
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

    package init() {}

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
