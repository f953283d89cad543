/// The parts of a URL that following a redirect needs (RFC 3986).
struct URLParts {
    /// Scheme and authority, without the scheme's default port: `https://host:port`.
    let origin: String
    /// Without query.
    private let path: String

    init(_ url: String) {
        guard let separator = url.firstRange(of: "://") else {
            origin = ""
            path = url
            return
        }
        let rest = url[separator.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        origin = Self.withoutOwnPort(url[..<end].lowercased())
        path = String(rest[end...].prefix { $0 != "?" && $0 != "#" })
    }

    private static func withoutOwnPort(_ origin: String) -> String {
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")]
        where origin.hasPrefix(scheme) && origin.hasSuffix(port) {
            return String(origin.dropLast(port.count))
        }
        return origin
    }

    /// The URL of `location` in a response to this one.
    func resolve(_ location: String) -> String {
        if location.contains("://") { return location }
        if location.hasPrefix("//") { return "\(origin.prefix { $0 != ":" }):\(location)" }
        if location.hasPrefix("/") { return origin + location }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return "\(origin)\(folder)\(location)"
    }

    /// Names and values in the encoding of a query or a form.
    static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\(escape($0.0))=\(escape($0.1))" }.joined(separator: "&")
    }

    private static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(.init(byte))
            default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return result
    }
}
