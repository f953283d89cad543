import Engine
import EngineWire
import Glibc
import Images
import Linux

/// What this program is told, and what it finds out about itself.
struct Settings {
    let engine: EngineSettings
    /// Registries spoken to without TLS, and proxies on the way to others.
    let registries: RegistryNetwork
    /// Sockets that listen already: the service manager made them, and keeps them. berth's own, then the one for clients of Docker.
    let sockets: [CInt]
    /// The folder of this program: the others lie beside it.
    let programs: String
    private let arguments: Arguments
    private let environment: [String: String]

    var paths: EnginePaths { engine.paths }

    /// - Throws: `EngineFailure` when a setting cannot be what it is said to be.
    init(arguments: Arguments, environment: [String: String]) throws(EngineFailure) {
        self.arguments = arguments
        self.environment = environment
        engine = try SettingsReader(environment: environment, flags: arguments.settings).settings()
        let proxies = environment.merging(
            Dictionary(uniqueKeysWithValues: engine.proxies.map { ($0.key.uppercased(), $0.value) })
        ) { _, new in new }
        var registries = RegistryNetwork(
            insecure: engine.insecureRegistries, proxies: ProxySettings(environment: proxies))
        registries.mirrors = engine.registryMirrors
        self.registries = registries
        sockets = ServiceManager.sockets(environment)
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer[..<max(0, length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        programs = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// The settings as files say them now.
    func again() throws(EngineFailure) -> Settings { try Settings(arguments: arguments, environment: environment) }
}
