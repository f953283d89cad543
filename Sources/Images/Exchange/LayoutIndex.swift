import JSON
import OCI

/// The content of `index.json` in an OCI image layout (image-spec, image-layout.md).
package struct LayoutIndex: Sendable {
    package static let nameAnnotation = "org.opencontainers.image.ref.name"
    private let entries: [Descriptor]

    /// - Throws: `ImageError` for anything but an index.
    package init(_ bytes: [UInt8]) throws {
        guard let index = try? decodeJSON(Index.self, from: bytes) else {
            throw ImageError.invalidImage("index.json has an invalid form")
        }
        entries = index.manifests.filter { !$0.isAttestation }
    }

    /// The requested entry: the one with the digest or the tag. Without either, the only entry, or else the one called
    /// `latest`.
    /// - Throws: `ImageError` that lists the entries.
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

    /// The tag. Some writers store only the tag, others a complete name.
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
    /// The path of the blob in a layout.
    package var layoutPath: String { "blobs/\(algorithm.rawValue)/\(hex)" }
}
