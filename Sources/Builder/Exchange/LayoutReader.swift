import EngineWire
import Images
import Linux
import OCI

/// Reads OCI image layouts that the client of a build has. Nobody's word is taken: every blob has the digest that it is asked for by.
struct LayoutReader: Sendable {
    let contexts: any ContextSource
    let images: ImageStore
    let pool: BlockingPool

    /// The manifest or index that is meant.
    func top(of layout: BuildLayout) async throws -> (Descriptor, [UInt8]) {
        let index = try await read("index.json", of: layout, limit: 4 << 20)
        let entry = try LayoutIndex(index).entry(tag: layout.tag, digest: layout.digest.flatMap { Digest($0) })
        return (entry, try await blob(entry, of: layout, limit: 4 << 20))
    }

    /// The image that is meant, for `platform`; it is in the store for as long as the lease holds it.
    func image(of layout: BuildLayout, platform: Platform, in lease: BuildLease) async throws -> Image {
        do {
            let (top, bytes) = try await top(of: layout)
            let image = try await documents(of: layout).image(top, bytes, platform: platform)
            return try await images.add(image, in: lease) { try await fetch($0, of: layout) }
        } catch let error as ImageError {
            throw EngineFailure(code: .imageMissing, message: "\(layout.shown): \(error)")
        }
    }

    func documents(of layout: BuildLayout) -> OutsideDocuments {
        OutsideDocuments {
            try await blob($0, of: layout, limit: 4 << 20)
        } blob: {
            try await blob($0, of: layout, limit: $1)
        }
    }

    /// Brings a blob into the image store; whoever calls holds it in a lease.
    func fetch(_ blob: Descriptor, of layout: BuildLayout) async throws {
        try await pool.run {
            try contexts.fetch([blob.digest.layoutPath], in: layout.context) { _, next in try images.take(blob, next) }
        }
    }

    private func blob(_ blob: Descriptor, of layout: BuildLayout, limit: Int) async throws -> [UInt8] {
        let bytes = try await read(blob.digest.layoutPath, of: layout, limit: limit)
        var hasher = DigestHasher(blob.digest.algorithm)
        hasher.update(bytes)
        let actual = hasher.finish()
        guard actual == blob.digest else {
            throw ImageError.digestMismatch(what: "a blob of \(layout.shown)", expected: blob.digest, actual: actual)
        }
        return bytes
    }

    private func read(_ path: String, of layout: BuildLayout, limit: Int) async throws -> [UInt8] {
        try await pool.run {
            var bytes: [UInt8] = []
            try contexts.fetch([path], in: layout.context) { _, next in
                while let piece = try next() {
                    bytes += piece
                    guard bytes.count <= limit else {
                        throw ImageError.tooLarge("\(path) of \(layout.shown) has more than \(limit) bytes")
                    }
                }
            }
            return bytes
        }
    }
}
