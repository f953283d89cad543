import Engine
import EngineWire
import Glibc
import Images
import Linux

/// The settings of this program, and what it finds out about itself.
struct Settings {
    let engine: EngineSettings
    /// Registries without TLS, and proxies for others.
    let registries: RegistryNetwork
    /// Listening sockets that the service manager created and keeps: berth's own, then the one for Docker's clients.
    let sockets: [CInt]
    /// The folder of this program and the others.
    let programs: String
    private let arguments: Arguments
    private let environment: [String: String]

    var paths: EnginePaths { engine.paths }

    /// - Throws: `EngineFailure` for an invalid setting.
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

    /// Reads the settings again from the files.
    func again() throws(EngineFailure) -> Settings { try Settings(arguments: arguments, environment: environment) }
}
