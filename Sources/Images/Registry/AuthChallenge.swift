/// A challenge in a registry's `WWW-Authenticate` (RFC 9110, section 11.6.1): a scheme and its parameters.
struct AuthChallenge: Hashable, Sendable {
    /// In lower case.
    let scheme: String
    /// Names in lower case.
    let parameters: [String: String]

    /// The challenges in one header, which may contain several.
    static func parse(_ header: String) -> [AuthChallenge] {
        var result: [AuthChallenge] = []
        var scanner = Substring(header)
        var scheme: String?
        var parameters: [String: String] = [:]
        func finish() {
            if let scheme { result.append(AuthChallenge(scheme: scheme, parameters: parameters)) }
        }
        while true {
            scanner = scanner.drop { $0 == " " || $0 == "," || $0 == "\t" }
            let word = scanner.prefix { $0 != " " && $0 != "=" && $0 != "," && $0 != "\t" }
            guard !word.isEmpty else { break }
            scanner = scanner[word.endIndex...]
            if scanner.first == "=" {
                scanner = scanner.dropFirst()
                parameters[word.lowercased()] = value(&scanner)
            } else {
                finish()
                scheme = word.lowercased()
                parameters = [:]
            }
        }
        finish()
        return result
    }

    /// A token, or a quoted string with backslash escapes.
    private static func value(_ scanner: inout Substring) -> String {
        guard scanner.first == "\"" else {
            let token = scanner.prefix { $0 != "," && $0 != " " }
            scanner = scanner[token.endIndex...]
            return String(token)
        }
        scanner = scanner.dropFirst()
        var result = ""
        while let character = scanner.popFirst(), character != "\"" {
            if character == "\\", let next = scanner.popFirst() {
                result.append(next)
            } else {
                result.append(character)
            }
        }
        return result
    }
}
