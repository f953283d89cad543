import JSON
import OCI

/// What `index.json` of an OCI image layout lists (image-spec, image-layout.md).
package struct LayoutIndex: Sendable {
    package static let nameAnnotation = "org.opencontainers.image.ref.name"
    private let entries: [Descriptor]

    /// - Throws: `ImageError` for what is no index.
    package init(_ bytes: [UInt8]) throws {
        guard let index = try? decodeJSON(Index.self, from: bytes) else {
            throw ImageError.invalidImage("index.json does not have its form")
        }
        entries = index.manifests.filter { !$0.isAttestation }
    }

    /// The entry that is meant: the one with the digest or the tag, without either the only one, else the one called `latest`.
    /// - Throws: `ImageError` that says what there is.
    package func entry(tag: String?, digest: Digest?) throws -> Descriptor {
        if let digest {
            if let found = entries.first(where: { $0.digest == digest }) { return found }
            throw ImageError.notFound("\(digest); the layout has \(shown)")
        }
        let found = entries.filter { name(of: $0) == (tag ?? "latest") }
        if let first = found.first { return first }
        guard tag == nil, entries.count == 1 else {
            throw ImageError.notFound("\(tag ?? "latest"); the layout has \(shown)")
        }
        return entries[0]
    }

    /// The tag: writers put it alone there, or behind a whole name.
    private func name(of entry: Descriptor) -> String? {
        guard let name = entry.annotations?[Self.nameAnnotation] else { return nil }
        let last = name.split(separator: "/").last ?? ""
        return last.split(separator: ":").last.map(String.init)
    }

    private var shown: String {
        entries.isEmpty ? "nothing" : entries.map { name(of: $0) ?? "\($0.digest)" }.sorted().joined(separator: ", ")
    }
}

extension Digest {
    /// Where a layout keeps the blob.
    package var layoutPath: String { "blobs/\(algorithm.rawValue)/\(hex)" }
}
