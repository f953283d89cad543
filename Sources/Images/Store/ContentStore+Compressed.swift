import Glibc
import JSON
import Linux
import OCI

// Remembers the compressed forms of bare layers.
extension ContentStore {
    private func compressedPath(_ digest: Digest) -> String { "\(root)/compressed/\(digest.hex).json" }

    /// The result of the last compression of the bare layer `digest`; nil if there was none.
    func compressedForm(of digest: Digest) -> Descriptor? {
        guard let bytes = try? readFile(compressedPath(digest)) else { return nil }
        return try? decodeJSON(Descriptor.self, from: bytes)
    }

    func note(_ compressed: Descriptor, asFormOf digest: Digest) throws {
        try makeFolders("\(root)/compressed")
        try writeFileAtomically(compressedPath(digest), encodeJSON(compressed), mode: 0o644)
    }

    /// Call this when the layer is removed.
    func forgetCompressedForm(of digest: Digest) { unlink(compressedPath(digest)) }
}
