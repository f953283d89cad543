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
    /// A socket that listens already: the service manager made it, and keeps it.
    let socket: CInt?
    /// The folder of this program: the others lie beside it.
    let programs: String

    var paths: EnginePaths { engine.paths }

    /// - Throws: `EngineFailure` when a setting cannot be what it is said to be.
    init(arguments: Arguments, environment: [String: String]) throws(EngineFailure) {
        engine = try SettingsReader(environment: environment, flags: arguments.settings).settings()
        registries = RegistryNetwork(
            insecure: engine.insecureRegistries, proxies: ProxySettings(environment: environment))
        socket = ServiceManager.socket(environment)
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer[..<max(0, length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        programs = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
