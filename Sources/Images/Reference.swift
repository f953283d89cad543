import OCI

/// The name of an image: a registry, a repository in it, and a tag or a digest.
///
/// The grammar is `[domain[:port]/]path[:tag][@digest]`, as in Docker. The default domain is `docker.io`, where
/// repositories with one component are in `library/`. Without tag and digest the tag is `latest`.
package struct Reference: Hashable, Sendable, CustomStringConvertible {
    /// The registry, with its port if given: `docker.io`, `localhost:5000`, `[::1]:5000`.
    package let domain: String
    /// The repository: `library/busybox`.
    package let path: String
    /// nil only if there is a digest.
    package let tag: String?
    package let digest: Digest?

    /// Parses a name in its familiar (`busybox`) or canonical (`docker.io/library/busybox:latest`) form.
    package init(_ text: String) throws(ReferenceError) {
        func refuse(_ reason: String) -> ReferenceError { ReferenceError(text: text, reason: reason) }
        guard !text.isEmpty else { throw refuse("it is empty") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw refuse("it has a space or a character that is not ASCII")
        }
        guard Digest(algorithm: .sha256, hex: text) == nil else {
            throw refuse("64 hex digits are an image ID, not a name")
        }
        var rest = Substring(text)
        digest = try Self.cutDigest(&rest, refuse)
        let (domain, remote) = Self.splitDomain(rest)
        rest = remote
        tag = try Self.cutTag(&rest, refuse) ?? (digest == nil ? "latest" : nil)
        try Self.checkDomain(domain, refuse)
        try Self.checkPath(rest, refuse)
        if domain == nil, Digest(algorithm: .sha256, hex: String(rest)) != nil {
            throw refuse("64 hex digits are an image ID, not a name")
        }
        let isHub = domain == nil || domain == "docker.io" || domain == "index.docker.io"
        self.domain = isHub ? "docker.io" : String(domain ?? "")
        path = isHub && !rest.contains("/") ? "library/\(rest)" : String(rest)
        guard path.utf8.count <= 255 else { throw refuse("the repository is longer than 255 characters") }
    }

    /// Checks that an image can get this reference as its name.
    /// - Throws: `ReferenceError` for a reference with a digest, because the content decides the digest, and for one that
    ///   looks like a digest.
    package func checkName() throws(ReferenceError) {
        guard familiarName != "sha256" else {
            throw ReferenceError(
                text: familiar, reason: "refusing to create an ambiguous tag using digest algorithm as name")
        }
        guard let digest else { return }
        let mark = "@\(digest.algorithm.rawValue):…"
        throw ReferenceError(text: familiar, reason: "the digest comes from the content, so name it without \(mark)")
    }

    private init(domain: String, path: String, tag: String?, digest: Digest?) {
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest
    }

    /// The complete name: `docker.io/library/busybox:latest`.
    package var canonical: String { "\(domain)/\(path)\(suffix)" }

    /// The name as people write it: with its tag, without `docker.io/` and `library/`. A repository whose name would
    /// then look like a registry keeps `docker.io/`.
    package var familiar: String { "\(familiarName)\(suffix)" }

    /// The familiar name without tag and digest: the REPOSITORY column of `images`.
    package var familiarName: String {
        guard domain == "docker.io" else { return "\(domain)/\(path)" }
        let short = path.hasPrefix("library/") ? path.dropFirst("library/".count) : path[...]
        if Self.splitDomain(path[...]).0 != nil { return "\(domain)/\(path)" }
        return short.contains("/") ? path : String(short)
    }

    package var description: String { familiar }

    /// The same repository at `digest`, without a tag.
    package func at(_ digest: Digest) -> Reference {
        Reference(domain: domain, path: path, tag: nil, digest: digest)
    }

    /// The same name and tag, at `digest`.
    package func pinned(to digest: Digest) -> Reference {
        Reference(domain: domain, path: path, tag: tag, digest: digest)
    }

    private var suffix: String { (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "") }
}

/// Why a text is not an image reference.
package struct ReferenceError: Error, Hashable, Sendable, CustomStringConvertible {
    package let text: String
    package let reason: String

    package var description: String { "invalid image reference \"\(text)\": \(reason)" }
}

extension Reference: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do throws(ReferenceError) {
            try self.init(container.decodeText())
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(canonical)
    }
}

extension SingleValueDecodingContainer {
    /// The string, or an invalid text, so that every error is a `ReferenceError`.
    fileprivate func decodeText() -> String { (try? decode(String.self)) ?? "" }
}

// The parts of the grammar.
extension Reference {
    private typealias Refusal = (String) -> ReferenceError

    private static func cutDigest(_ rest: inout Substring, _ refuse: Refusal) throws(ReferenceError) -> Digest? {
        guard let at = rest.firstIndex(of: "@") else { return nil }
        let text = rest[rest.index(after: at)...]
        guard let digest = Digest(text) else {
            throw refuse("\"\(text)\" is not a digest (sha256: and 64 lower-case hex digits)")
        }
        rest = rest[..<at]
        return digest
    }

    /// The part before the first slash is a registry if it cannot be part of a repository, or if it is `localhost`.
    private static func splitDomain(_ text: Substring) -> (Substring?, Substring) {
        guard let slash = text.firstIndex(of: "/") else { return (nil, text) }
        let first = text[..<slash]
        let isDomain =
            first == "localhost" || first.contains { $0 == "." || $0 == ":" || $0 == "[" || $0.isUppercase }
        return isDomain ? (first, text[text.index(after: slash)...]) : (nil, text)
    }

    private static func cutTag(_ rest: inout Substring, _ refuse: Refusal) throws(ReferenceError) -> String? {
        guard let colon = rest.lastIndex(of: ":") else { return nil }
        let tag = rest[rest.index(after: colon)...]
        guard tag.utf8.count <= 128 else { throw refuse("the tag is longer than 128 characters") }
        guard let first = tag.utf8.first, isWord(first), tag.utf8.allSatisfy({ isWord($0) || $0 == 0x2E || $0 == 0x2D })
        else {
            throw refuse(
                "\"\(tag)\" is not a tag (letters, digits, \"_\", \".\" and \"-\", not starting with \".\" or \"-\")")
        }
        rest = rest[..<colon]
        return String(tag)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    private static func checkDomain(_ domain: Substring?, _ refuse: Refusal) throws(ReferenceError) {
        guard let domain else { return }
        var host = domain
        if domain.hasPrefix("[") {
            guard let end = domain.firstIndex(of: "]") else { throw refuse("\"[\" of the IPv6 address is not closed") }
            let address = domain[domain.index(after: domain.startIndex)..<end]
            guard address.contains(":"), address.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                throw refuse("\"\(address)\" is not an IPv6 address")
            }
            host = domain[domain.index(after: end)...]
            if host.isEmpty { return }
            guard host.hasPrefix(":") else { throw refuse("\"\(domain)\" is not a registry") }
        }
        if let colon = host.firstIndex(of: ":") {
            guard let port = UInt16(host[host.index(after: colon)...]), port > 0 else {
                throw refuse("\"\(host[host.index(after: colon)...])\" is not a port")
            }
            host = host[..<colon]
            if domain.hasPrefix("[") { return }
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let areGood = labels.allSatisfy { label in
            !label.isEmpty && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { isWord($0) && $0 != 0x5F || $0 == 0x2D }
        }
        guard areGood else { throw refuse("\"\(domain)\" is not a registry's host name") }
    }

    private static func checkPath(_ path: Substring, _ refuse: Refusal) throws(ReferenceError) {
        guard !path.isEmpty else { throw refuse("the repository is missing") }
        for component in path.split(separator: "/", omittingEmptySubsequences: false) {
            guard !component.isEmpty else { throw refuse("it has an empty part between slashes") }
            if component.contains(where: \.isUppercase) { throw refuse("\"\(component)\" must be lower case") }
            guard isPathComponent(component) else {
                throw refuse(
                    "\"\(component)\" is not a repository name (lower-case letters and digits, with \".\", \"_\", \"__\" or \"-\" between them)"
                )
            }
        }
    }

    /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
    private static func isPathComponent(_ component: Substring) -> Bool {
        var separator: [UInt8] = [0]  // as if one came before, because a name cannot start with one
        for byte in component.utf8 {
            if isLowerOrDigit(byte) {
                separator = []
            } else {
                separator.append(byte)
                let isOne = separator == [0x2E] || separator == [0x5F] || separator == [0x5F, 0x5F]
                guard isOne || separator.allSatisfy({ $0 == 0x2D }) else { return false }
            }
        }
        return separator.isEmpty
    }
}
