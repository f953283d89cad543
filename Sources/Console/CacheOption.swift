/// A cache for a build to read from or write to, in the form of `--cache-from`, `--cache-to` and the keys under
/// `build:`: `type=KIND,KEY=VALUE,…`, or only the name of an image.
package struct CacheOption: Hashable, Sendable {
    package enum Direction: String, Sendable {
        case from = "--cache-from"
        case to = "--cache-to"
    }

    package enum Kind: Hashable, Sendable {
        case inline
        case registry(String)
        /// A folder, as written.
        case local(String)
        /// A kind that BuildKit supports and berth does not.
        case unsupported(String)
    }

    package var kind: Kind
    /// `mode=max`: include results of all steps, not only of those that end in layers of the image.
    package var isWhole = false
    /// `ignore-error=true`.
    package var mayFail = false
    /// Selects one of several caches in a folder.
    package var tag: String?
    package var digest: String?
    /// Fields without effect.
    package var ignored: [String] = []

    /// Fields that change the form of an exported cache, but not its content.
    private static let forms: Set<String> = [
        "compression", "compression-level", "force-compression", "oci-mediatypes", "image-manifest",
    ]
    private static let unsupported: Set<String> = ["gha", "s3", "azblob"]

    /// - Throws: `UsageFailure` that says what is missing.
    package init(_ text: String, _ direction: Direction) throws(UsageFailure) {
        guard text.contains("=") else {
            guard !text.isEmpty else { throw UsageFailure("\(direction.rawValue): it is empty") }
            kind = .registry(text)
            return
        }
        var fields: [String: String] = [:]
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            fields[pair[0].lowercased()] = pair.count == 2 ? pair[1] : "true"
        }
        func take(_ name: String) -> String? { fields.removeValue(forKey: name).flatMap { $0.isEmpty ? nil : $0 } }
        let type = take("type") ?? ""
        switch type {
        case "inline" where direction == .to: kind = .inline
        case "inline":
            throw UsageFailure(
                "\(direction.rawValue) \(text): a cache inside an image is named by the image",
                hint: "write type=registry,ref=IMAGE")
        case "registry":
            guard let reference = take("ref") else {
                throw UsageFailure(
                    "\(direction.rawValue) \(text): it names no image", hint: "write type=registry,ref=HOST/NAME:TAG")
            }
            kind = .registry(reference)
        case "local":
            let name = direction == .from ? "src" : "dest"
            guard let path = take(name) else {
                throw UsageFailure(
                    "\(direction.rawValue) \(text): it names no folder", hint: "write type=local,\(name)=FOLDER")
            }
            kind = .local(path)
            tag = take("tag")
            digest = take("digest")
        case _ where Self.unsupported.contains(type):
            kind = .unsupported(type)
            return
        default:
            throw UsageFailure(
                "\(direction.rawValue) \(text): there is no cache of type '\(type)'",
                hint:
                    "use \(direction == .to ? "inline, " : "")local or registry, as in type=local,\(direction == .to ? "dest" : "src")=FOLDER"
            )
        }
        if direction == .to {
            let mode = take("mode") ?? "min"
            guard mode == "min" || mode == "max" else {
                throw UsageFailure("\(direction.rawValue) \(text): the mode '\(mode)' is neither min nor max")
            }
            isWhole = mode == "max"
            mayFail = take("ignore-error") == "true"
        }
        ignored = fields.keys.filter { !Self.forms.contains($0) }.sorted()
    }
}

/// `oci-layout://PATH[:TAG][@DIGEST]`.
package struct LayoutOption: Hashable, Sendable {
    package static let prefix = "oci-layout://"
    package var path: String
    package var tag: String?
    package var digest: String?

    /// nil for any other value.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        var rest = text.dropFirst(Self.prefix.count)
        if let at = rest.lastIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        let name = rest.lastIndex(of: "/").map { rest.index(after: $0) } ?? rest.startIndex
        if let colon = rest[name...].lastIndex(of: ":") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        path = String(rest)
        guard !path.isEmpty, tag != "", digest != "" else { return nil }
    }
}
