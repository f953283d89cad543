import JSON
import ProjectModel

/// The part of a value that a reason may show to a person: short scalars of harmless kinds. Never values of the environment,
/// secrets, configs, health check commands, log driver options, or anything whose name suggests a secret.
enum ShownValue {
    private static let bytes: Set<String> = ["mem_limit", "mem_reservation", "memswap_limit"]

    /// The value of the top-level attribute `field` of `template`; `json` is its JSON form.
    static func of(_ field: String, in template: ContainerTemplate, _ json: JSONValue?) -> String? {
        switch field {
        case "command": return template.command.flatMap(commandLine)
        case "entrypoint": return template.entrypoint.flatMap(commandLine)
        case "restart": return template.restart.composeText
        case "network_mode": return template.networkMode?.composeText
        case "stop_grace_period": return template.stopGracePeriod.map(\.shortText)
        case "shm_size": return template.shmSize.map(byteText)
        default: return TemplateAttribute.named(field).isShown ? json.flatMap(scalar) : nil
        }
    }

    /// The value at `path` inside the attribute `field`.
    static func ofMember(_ path: String, in field: String, _ json: JSONValue) -> String? {
        let name = path.split(separator: ".").last.map(String.init) ?? path
        switch field {
        case "labels", "annotations": return isSecretLike(path) ? nil : scalar(json)
        case "resources":
            if bytes.contains(name), let value = json.integer, value > 0 { return byteText(Int64(value)) }
            return scalar(json)
        case "sysctls", "storage_opt": return isSecretLike(path) ? nil : scalar(json)
        case "healthcheck": return name == "retries" ? scalar(json) : nil
        case "logging": return name == "driver" ? scalar(json) : nil
        default: return nil
        }
    }

    /// The name or text may refer to a secret or contain one. A false positive does no harm.
    static func isSecretLike(_ text: String) -> Bool {
        let text = text.lowercased()
        return ["pass", "pwd", "secret", "token", "key", "cred", "auth", "private", "salt", "sign"].contains {
            text.contains($0)
        }
    }

    private static func commandLine(_ words: [String]) -> String? {
        let line = words.joined(separator: " ")
        // People pass passwords as arguments; a URL may contain one too.
        return isSecretLike(line) || line.contains("@") ? nil : quoted(line)
    }

    static func scalar(_ json: JSONValue) -> String? {
        switch json {
        case .string(let text): quoted(text)
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .double(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        case .null, .array, .object: nil
        }
    }

    private static func quoted(_ text: String) -> String {
        let line = text.map { $0.isNewline ? " " : $0 }
        return "\"" + String(line.prefix(60)) + (line.count > 60 ? "…" : "") + "\""
    }

    private static func byteText(_ bytes: Int64) -> String {
        for (unit, size) in [("GiB", Int64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes >= size && bytes % size == 0 {
            return "\(bytes / size) \(unit)"
        }
        return "\(bytes) B"
    }

    /// The algorithm and the first twelve digits of a digest.
    static func shortDigest(_ digest: String) -> String {
        guard let colon = digest.firstIndex(of: ":") else { return String(digest.prefix(12)) }
        let hex = digest[digest.index(after: colon)...]
        return digest[...colon] + hex.prefix(12) + (hex.count > 12 ? "…" : "")
    }
}

extension RestartPolicy {
    /// As in a Compose file: `on-failure:3`.
    var composeText: String {
        switch self {
        case .no: "no"
        case .always: "always"
        case .unlessStopped: "unless-stopped"
        case .onFailure(nil): "on-failure"
        case .onFailure(let maximum?): "on-failure:\(maximum)"
        }
    }
}

extension NetworkMode {
    /// As in a Compose file: `service:db`.
    var composeText: String {
        switch self {
        case .none: "none"
        case .host: "host"
        case .service(let name): "service:\(name)"
        case .container(let name): "container:\(name)"
        }
    }
}

extension Duration {
    /// `1.5s`, `250ms`: the larger unit that keeps it short.
    var shortText: String {
        let (seconds, attoseconds) = components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        if milliseconds == 0 { return "\(seconds)s" }
        if seconds == 0 { return "\(milliseconds)ms" }
        return "\(Double(seconds) + Double(milliseconds) / 1000)s"
    }
}
