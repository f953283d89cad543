import OCI

/// An image in the store: how to run its containers, and the layers of its root file system.
package struct Image: Codable, Hashable, Sendable {
    /// The digest of its configuration, which people know as the image ID.
    package let id: Digest
    package let manifest: Descriptor
    package let config: ImageConfig
    /// Base first; as stored, compressed or not.
    package let layers: [Descriptor]
    /// The size of the unpacked layers in bytes, not rounded to blocks.
    package let size: Int64

    package init(manifest: Descriptor, content: Manifest, config: ImageConfig, size: Int64) throws(ImageError) {
        id = content.config.digest
        self.manifest = manifest
        self.config = config
        layers = content.layers
        self.size = size
        let count = config.rootfs.diffIDs.count
        guard count == layers.count else {
            throw .invalidImage("the manifest has \(layers.count) layers, the configuration \(count)")
        }
    }

    package var manifestDigest: Digest { manifest.digest }

    package var platform: Platform {
        Platform(os: config.os, architecture: config.architecture, variant: config.variant)
    }

    /// The names of the unpacked states, base first: each stands for a layer and everything below it (image-spec,
    /// config.md, ChainID).
    package var chainIDs: [Digest] { chain(of: config.rootfs.diffIDs) }
}

/// An image under one of its names.
package struct TaggedImage: Codable, Hashable, Sendable {
    package let reference: Reference
    package let image: Image
    /// The registry's name for it: the digest of the index or manifest that the name pointed to; nil if it never had
    /// one.
    package let repositoryDigest: Digest?
    /// When it got this name, in seconds since 1970.
    package let updated: Int64

    package init(reference: Reference, image: Image, repositoryDigest: Digest?, updated: Int64) {
        self.reference = reference
        self.image = image
        self.repositoryDigest = repositoryDigest
        self.updated = updated
    }
}

/// The chain IDs of layers with these diff IDs, base first.
func chain(of diffIDs: [Digest]) -> [Digest] {
    var result: [Digest] = []
    for diffID in diffIDs {
        guard let below = result.last else {
            result.append(diffID)
            continue
        }
        result.append(digest(of: Array("\(below) \(diffID)".utf8)))
    }
    return result
}

/// The sha256 digest of `bytes`.
package func digest(of bytes: some Sequence<UInt8>) -> Digest {
    var hasher = DigestHasher()
    hasher.update(Array(bytes))
    return hasher.finish()
}
