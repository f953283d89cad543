/// Who somebody is at registries. Never part of a message or a log: its description only counts.
package struct RegistryCredentials: Sendable, CustomStringConvertible {
    /// How to prove it at one registry.
    package enum Login: Hashable, Sendable {
        case password(user: String, password: String)
        /// What an earlier login gave; exchanged for a token each time.
        case identityToken(String)
    }

    private var logins: [String: Login] = [:]

    package init() {}

    /// `encoded` has hosts, as the keys of a Docker configuration spell them, and `user:password` in base64; the user
    /// `<token>` marks an identity token. What is not of that form counts as no login.
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

    /// The host of a key, which may have a scheme and a path; Docker Hub has several.
    private static func host(_ key: String) -> String {
        var text = key[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
        let host = String(text.prefix { $0 != "/" })
        return ["index.docker.io", "registry-1.docker.io"].contains(host) ? "docker.io" : host
    }
}

/// The bytes that base64 text stands for (RFC 4648); nil when it is none.
func decodeBase64(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in text.utf8 where byte != 0x3D && byte != 0x0A && byte != 0x0D {
        let value: UInt8
        switch byte {
        case 0x41...0x5A: value = byte - 0x41
        case 0x61...0x7A: value = byte - 0x61 + 26
        case 0x30...0x39: value = byte - 0x30 + 52
        case 0x2B, 0x2D: value = 62
        case 0x2F, 0x5F: value = 63
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return count < 6 ? result : nil
}

/// `bytes` in base64, padded.
func encodeBase64(_ bytes: some Collection<UInt8>) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        let piece = Array(rest.prefix(3))
        rest = rest.dropFirst(3)
        let bits = piece.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - piece.count))
        for index in 0..<4 {
            let digit = alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)]
            result.append(index <= piece.count ? digit : 0x3D)
        }
    }
    return String(decoding: result, as: UTF8.self)
}
