import Glibc
import JSON
import Linux
import OCI

// What bare layers are called where they go compressed.
extension ContentStore {
    private func compressedPath(_ digest: Digest) -> String { "\(root)/compressed/\(digest.hex).json" }

    /// What came of the bare layer `digest` when it was compressed last; nil when it never was.
    func compressedForm(of digest: Digest) -> Descriptor? {
        guard let bytes = try? readFile(compressedPath(digest)) else { return nil }
        return try? decodeJSON(Descriptor.self, from: bytes)
    }

    func note(_ compressed: Descriptor, asFormOf digest: Digest) throws {
        try makeFolders("\(root)/compressed")
        try writeFileAtomically(compressedPath(digest), encodeJSON(compressed), mode: 0o644)
    }

    /// With the layer goes what is known of it.
    func forgetCompressedForm(of digest: Digest) { unlink(compressedPath(digest)) }
}
