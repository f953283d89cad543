import JSON

/// Logins for registries. They never appear in messages or logs: the description contains only their number.
package struct RegistryCredentials: Sendable, CustomStringConvertible {
    /// A login for one registry.
    package enum Login: Hashable, Sendable {
        case password(user: String, password: String)
        /// From an earlier login; exchanged for a token each time.
        case identityToken(String)
    }

    private var logins: [String: Login] = [:]

    package init() {}

    /// `encoded` has hosts, as spelled in the keys of a Docker configuration, and `user:password` in base64; the user
    /// `<token>` marks an identity token. Ignores entries of another form.
    package init(encoded: [String: String]) {
        for (host, text) in encoded {
            guard let bytes = decodeBase64(text) else { continue }
            let parts = String(decoding: bytes, as: UTF8.self).split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let (user, password) = (String(parts[0]), String(parts[1]))
            logins[Self.host(host)] =
                user == "<token>" ? .identityToken(password) : .password(user: user, password: password)
        }
    }

    package mutating func add(_ login: Login, for host: String) { logins[Self.host(host)] = login }

    /// The login for a reference's domain.
    package func login(for domain: String) -> Login? { logins[Self.host(domain)] }

    package var description: String { "logins at \(logins.count) registries" }

    /// The host in a key, which may have a scheme and a path; Docker Hub has several spellings.
    package static func host(_ key: String) -> String {
        var text = key[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
        let host = String(text.prefix { $0 != "/" })
        return ["index.docker.io", "registry-1.docker.io"].contains(host) ? "docker.io" : host
    }
}
