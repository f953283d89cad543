import Images
import JSON
import OCI

/// The name of a step's result: the digest of all that it depends on.
struct StepKey {
    private var hasher = DigestHasher()

    /// `kind` keeps different things apart that are written alike.
    init(_ kind: String) { add(kind) }

    mutating func add(_ text: String) {
        hasher.update(Array("\(text.utf8.count):".utf8))
        hasher.update(Array(text.utf8))
    }

    /// JSON with its members in a fixed order.
    mutating func add(_ value: some Encodable) throws { add(String(decoding: try encodeJSON(value), as: UTF8.self)) }

    var digest: Digest { hasher.finish() }
}
