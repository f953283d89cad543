import Engine
import Glibc
import Linux
import Logging

/// What an engine is told by its environment.
struct Settings {
    let paths: EnginePaths
    let logLevel: Logger.Level
    /// Registries spoken to without TLS, comma separated in `BERTH_INSECURE_REGISTRIES`.
    let insecureRegistries: [String]
    /// Seconds without anything to look after before it leaves; 0 stays. `BERTH_IDLE_EXIT`.
    let idleExit: Int
    /// A socket that listens already: the service manager made it, and keeps it.
    let socket: CInt?
    /// The folder of this program: the others lie beside it.
    let programs: String

    init(environment: [String: String]) {
        paths = EnginePaths(
            root: environment["BERTH_ROOT"] ?? EnginePaths.defaultRoot,
            run: environment["BERTH_RUN"] ?? EnginePaths.defaultRun)
        logLevel = environment["BERTH_LOG"].flatMap { Logger.Level(rawValue: $0) } ?? .notice
        insecureRegistries = (environment["BERTH_INSECURE_REGISTRIES"] ?? "").split(separator: ",").map(String.init)
        idleExit = environment["BERTH_IDLE_EXIT"].flatMap { Int($0) } ?? 60
        socket = ServiceManager.socket(environment)
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer[..<max(0, length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        programs = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
