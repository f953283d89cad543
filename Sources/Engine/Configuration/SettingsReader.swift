import EngineWire
import JSON
import Linux

/// Combines an engine's settings: flags override the environment, the environment overrides the file, the file
/// overrides the defaults.
package struct SettingsReader {
    /// The default file, which may be missing.
    package static let defaultFile = "/etc/berth/berthd.json"

    /// By name of the variable.
    private let environment: [String: String]
    /// By name of the flag; `config` names the file.
    private let flags: [String: String]
    /// Reads a file; nil when there is none.
    private let read: (String) throws(SyscallError) -> [UInt8]?

    package init(
        environment: [String: String], flags: [String: String],
        read: @escaping (String) throws(SyscallError) -> [UInt8]? = { (path) throws(SyscallError) in
            do throws(SyscallError) { return try readFile(path, limit: 1 << 20) } catch {
                if error.code == .notFound { return nil }
                throw error
            }
        }
    ) {
        self.environment = environment
        self.flags = flags
        self.read = read
    }

    /// - Throws: `EngineFailure` that names the file with line and column, the variable or the flag, and says what it
    ///   accepts.
    package func settings() throws(EngineFailure) -> EngineSettings {
        var settings = EngineSettings()
        let configuration = try configuration()
        try readDaemonFile(named: configuration, into: &settings)
        if let configuration {
            for member in configuration.object.members {
                try apply(member, configuration.path, configuration.bytes, to: &settings)
            }
        }
        for setting in Setting.all {
            for (source, text) in [
                (setting.variable, environment[setting.variable]), ("--\(setting.name)", flags[setting.name]),
            ] {
                // Ignore an empty variable.
                guard let text, !text.isEmpty || source.hasPrefix("--") else { continue }
                do throws(SettingFailure) { try setting.apply(text: text, to: &settings) } catch {
                    throw Self.failure(source, error)
                }
            }
        }
        try Self.check(settings)
        return settings
    }

    /// Checks settings that depend on each other.
    private static func check(_ settings: EngineSettings) throws(EngineFailure) {
        guard let open = settings.dockerHosts.first(where: \.isTCP), !settings.hasMutualTLS else { return }
        if settings.insecureTCP {
            guard (settings.tlsCertificate == nil) != (settings.tlsKey == nil) else { return }
            throw EngineFailure(
                code: .invalid, message: "tlscert and tlskey belong together, but one of them is missing")
        }
        throw EngineFailure(
            code: .invalid,
            message:
                "docker-hosts: \(open) needs tlscacert, tlscert and tlskey; without them anybody who can connect to it is root on this machine",
            hint: "`berth cert` creates them; \"docker-insecure-tcp\": true allows it without them")
    }

    /// The engine's own file.
    private struct Configuration {
        let path: String
        let bytes: [UInt8]
        let object: JSONObject
    }

    /// dockerd's file, if a flag, a variable or the engine's own file names one.
    private func readDaemonFile(
        named configuration: Configuration?, into settings: inout EngineSettings
    ) throws(EngineFailure) {
        let named =
            flags["docker-config"] ?? environment["BERTH_DOCKER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
            ?? configuration?.object["docker-config"]?.string
        guard let path = named, path != "none" else { return }
        let bytes: [UInt8]?
        do throws(SyscallError) { bytes = try read(path) } catch {
            throw EngineFailure(
                code: .invalid, message: "dockerd's configuration \(path) cannot be read: \(error.code)")
        }
        guard let bytes else {
            throw EngineFailure(code: .invalid, message: "there is no configuration of dockerd \(path)")
        }
        settings.notes += try DaemonFile(path: path, bytes: bytes).apply(to: &settings)
    }

    private func configuration() throws(EngineFailure) -> Configuration? {
        let named = flags["config"] ?? environment["BERTH_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let path = named ?? Self.defaultFile
        let bytes: [UInt8]?
        do throws(SyscallError) { bytes = try read(path) } catch {
            throw EngineFailure(code: .invalid, message: "the configuration \(path) cannot be read: \(error.code)")
        }
        guard let bytes else {
            if named == nil { return nil }
            throw EngineFailure(code: .invalid, message: "there is no configuration \(path)")
        }
        let document: JSONValue
        do throws(JSONError) { document = try JSONValue(parsing: bytes) } catch {
            let place = error.offset.map { ":\(JSONPlace(of: $0, in: bytes))" } ?? ""
            throw EngineFailure(code: .invalid, message: "\(path)\(place): \(error.message)")
        }
        guard let object = document.object else {
            throw EngineFailure(code: .invalid, message: "\(path): expected an object with settings in it")
        }
        return Configuration(path: path, bytes: bytes, object: object)
    }

    private func apply(
        _ member: JSONObject.Member, _ path: String, _ bytes: [UInt8], to settings: inout EngineSettings
    ) throws(EngineFailure) {
        if member.key == "$schema" { return }
        guard let setting = Setting.all.first(where: { $0.name == member.key }) else {
            let names = Setting.all.filter(\.isInFile).map(\.name).joined(separator: ", ")
            throw EngineFailure(
                code: .invalid,
                message:
                    "\(path):\(JSONPlace(ofKeyAt: [.key(member.key)], in: bytes)): there is no setting '\(member.key)'",
                hint: "settings are \(names)")
        }
        guard setting.isInFile else {
            throw EngineFailure(
                code: .invalid,
                message:
                    "\(path):\(JSONPlace(ofKeyAt: [.key(member.key)], in: bytes)): '\(member.key)' cannot be in the file: "
                    + "`berth` needs it too",
                hint: "set \(setting.variable) for both")
        }
        do throws(SettingFailure) { try setting.apply(member.value, to: &settings) } catch {
            let steps = [JSONStep.key(member.key)] + error.path
            throw Self.failure("\(path):\(JSONPlace(ofValueAt: steps, in: bytes)): \(JSONStep.text(steps))", error)
        }
    }

    private static func failure(_ source: String, _ failure: SettingFailure) -> EngineFailure {
        EngineFailure(code: .invalid, message: "\(source): expected \(failure.expected), found \(failure.found)")
    }
}
