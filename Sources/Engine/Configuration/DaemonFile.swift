import EngineWire
import JSON
import Linux
import Logging

/// The configuration of dockerd, `/etc/docker/daemon.json`.
///
/// For each key berth applies it, behaves that way anyway, or refuses it by name. A key that dockerd does not know is
/// an error.
package struct DaemonFile {
    /// The path that dockerd uses by default.
    package static let standardPath = "/etc/docker/daemon.json"

    /// The effect of a key: it changes settings, has no effect for a stated reason, or is not supported.
    enum Meaning: Sendable {
        case acts(@Sendable (JSONValue, inout EngineSettings) throws(SettingFailure) -> Void)
        /// Accepts only these values; the text says why berth does not support others.
        case holds(@Sendable (JSONValue) -> Bool, String)
        case nothing(String)
        case refused(String)
    }

    let path: String
    let bytes: [UInt8]

    /// Applies the file. Returns notes for the log about keys without effect.
    /// - Throws: `EngineFailure` with the place in the file.
    func apply(to settings: inout EngineSettings) throws(EngineFailure) -> [String] {
        // dockerd takes an empty file for one without settings.
        if bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) { return [] }
        let document: JSONValue
        do throws(JSONError) { document = try JSONValue(parsing: bytes) } catch {
            let place = error.offset.map { ":\(JSONPlace(of: $0, in: bytes))" } ?? ""
            throw EngineFailure(code: .invalid, message: "\(path)\(place): \(error.message)")
        }
        guard let object = document.object else {
            throw EngineFailure(code: .invalid, message: "\(path): expected an object with settings in it")
        }
        var idle: [String] = []
        for member in object.members {
            let place = "\(path):\(JSONPlace(ofKeyAt: [.key(member.key)], in: bytes))"
            switch Self.meanings[member.key] {
            case .acts(let act)?:
                do throws(SettingFailure) { try act(member.value, &settings) } catch {
                    let steps = [JSONStep.key(member.key)] + error.path
                    let place = JSONPlace(ofValueAt: steps, in: bytes)
                    throw EngineFailure(
                        code: .invalid,
                        message:
                            "\(path):\(place): \(JSONStep.text(steps)): expected \(error.expected), found \(error.found)"
                    )
                }
            case .holds(let fits, let reason)?:
                guard fits(member.value) else {
                    throw EngineFailure(
                        code: .unsupported,
                        message: "\(place): '\(member.key)': \(member.value.text()) is not supported here: \(reason)",
                        hint: "remove it from the file, or name another file with --config-file")
                }
            case .nothing(let reason)?: idle.append("\(place): '\(member.key)' has no effect here: \(reason)")
            case .refused(let reason)?:
                guard !Self.isEmpty(member.value) else { continue }
                throw EngineFailure(
                    code: .unsupported, message: "\(place): '\(member.key)' is not supported here: \(reason)",
                    hint: "remove it from the file, or name another file with --config-file")
            case nil:
                throw EngineFailure(code: .invalid, message: "\(place): dockerd has no setting '\(member.key)'")
            }
        }
        try Self.finish(&settings, document, path)
        return idle
    }

    /// The value is empty.
    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false), .string(""), .integer(0): true
        case .array(let items): items.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }

    /// Handles keys that depend on each other.
    private static func finish(
        _ settings: inout EngineSettings, _ document: JSONValue, _ path: String
    ) throws(EngineFailure) {
        // `debug` overrides `log-level`, in any order.
        if document["debug"]?.bool == true { settings.logLevel = .debug }
        if document["seccomp-profile"] != nil, let file = settings.defaults.seccomp, file.hasPrefix("/") {
            do throws(SyscallError) { settings.defaults.seccomp = try readText(file) } catch {
                throw EngineFailure(
                    code: .invalid, message: "\(path): seccomp-profile: \(file) cannot be read: \(error.code)")
            }
        }
        if document["tlsverify"]?.bool == true, settings.tlsAuthority == nil {
            throw EngineFailure(code: .invalid, message: "\(path): tlsverify needs tlscacert, tlscert and tlskey")
        }
    }
}
