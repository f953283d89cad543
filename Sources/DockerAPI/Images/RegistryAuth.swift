import EngineWire
import JSON

/// `X-Registry-Auth` and `X-Registry-Config`: the client's logins at registries. berth uses them for this request only.
enum RegistryAuth {
    /// The login at the registry of `reference`.
    static func logins(_ header: String?, for reference: String) -> RegistryLogins {
        guard let value = value(of: header) else { return RegistryLogins() }
        let host = value["serveraddress"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? domain(of: reference)
        return RegistryLogins(login(value).map { [host: $0] } ?? [:])
    }

    /// Reads the body of a login: the registry, and the user.
    static func body(_ value: JSONValue) -> (server: String, RegistryLogins) {
        let server = value["serveraddress"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "docker.io"
        return (server, RegistryLogins(login(value).map { [server: $0] } ?? [:]))
    }

    /// The logins at all registries that a build may need, by host.
    static func logins(ofBuild header: String?) -> RegistryLogins {
        var logins: [String: String] = [:]
        for member in value(of: header)?.object?.members ?? [] {
            logins[member.key] = login(member.value)
        }
        return RegistryLogins(logins)
    }

    /// nil for a header that cannot be read: some clients send a text without meaning, and dockerd takes it as no login.
    private static func value(of header: String?) -> JSONValue? {
        guard let header, !header.isEmpty else { return nil }
        // RFC 4648, section 5; clients may leave out the padding.
        var text = header.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return decodeBase64(text).flatMap { try? JSONValue(parsing: $0) }
    }

    private static func login(_ value: JSONValue) -> String? {
        if let token = value["identitytoken"]?.string, !token.isEmpty {
            return encodeBase64(Array("<token>:\(token)".utf8))
        }
        if let user = value["username"]?.string, !user.isEmpty {
            return encodeBase64(Array("\(user):\(value["password"]?.string ?? "")".utf8))
        }
        return value["auth"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func domain(of reference: String) -> String {
        let parts = reference.split(separator: "/", maxSplits: 1)
        guard parts.count == 2, let first = parts.first,
            first.contains(".") || first.contains(":") || first == "localhost"
        else { return "docker.io" }
        return String(first)
    }
}
