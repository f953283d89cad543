import JSON
import OCI

/// Reads descriptions of images and caches from anywhere: a registry, or a folder that the client reads. Everything
/// that it returns has the requested digest.
package struct OutsideDocuments: Sendable {
    /// A manifest or an index.
    package var document: @Sendable (Descriptor) async throws -> [UInt8]
    /// A small blob.
    package var blob: @Sendable (_ blob: Descriptor, _ limit: Int) async throws -> [UInt8]

    package init(
        document: @escaping @Sendable (Descriptor) async throws -> [UInt8],
        blob: @escaping @Sendable (_ blob: Descriptor, _ limit: Int) async throws -> [UInt8]
    ) {
        self.document = document
        self.blob = blob
    }
}

/// An external cache.
package struct OutsideCache: Sendable {
    package var steps: StepCache
    /// The image that contains it; nil for a cache of its own.
    package var image: InlineImage?

    package init(steps: StepCache, image: InlineImage? = nil) {
        self.steps = steps
        self.image = image
    }

    /// The parts of an image that show whether its steps are those of a Dockerfile.
    package struct InlineImage: Sendable {
        /// The instructions in its history.
        package var history: [ImageConfig.History]
        package var layers: [StepCache.Layer]

        package init(history: [ImageConfig.History], layers: [StepCache.Layer]) {
            self.history = history
            self.layers = layers
        }
    }
}

/// An external image, without its layers.
package struct OutsideImage: Sendable {
    var manifest: Manifest
    var manifestBytes: [UInt8]
    var mediaType: String
    var config: ImageConfig
    var configBytes: [UInt8]
}

extension OutsideDocuments {
    /// The image under `top` that runs best on `platform`.
    package func image(_ top: Descriptor, _ bytes: [UInt8], platform: Platform) async throws -> OutsideImage {
        var (descriptor, bytes) = (top, bytes)
        for _ in 0..<4 {
            switch try ManifestDocument(bytes, mediaType: descriptor.mediaType) {
            case .index(let index):
                descriptor = try index.choose(platform)
                bytes = try await document(descriptor)
            case .manifest(let manifest):
                let configBytes = try await blob(manifest.config, 8 << 20)
                guard let config = try? decodeJSON(ImageConfig.self, from: configBytes),
                    config.rootfs.diffIDs.count == manifest.layers.count
                else { throw ImageError.invalidImage("its configuration is not that of a container image") }
                let offered = Platform(os: config.os, architecture: config.architecture, variant: config.variant)
                guard platform.accepts(offered) else {
                    throw ImageError.noPlatform(wanted: platform.text, available: [offered.normalized.text])
                }
                return OutsideImage(
                    manifest: manifest, manifestBytes: bytes, mediaType: descriptor.mediaType, config: config,
                    configBytes: configBytes)
            }
        }
        throw ImageError.invalidImage("indexes are nested too deep")
    }

    /// The cache under `top`, which is a cache's own manifest, or the manifest of an image with an inline cache.
    /// - Throws: `ImageError` for anything else.
    package func cache(_ top: Descriptor, _ bytes: [UInt8], platform: Platform) async throws -> OutsideCache {
        switch try ManifestDocument(bytes, mediaType: top.mediaType) {
        case .index(let index):
            // The older form: an index lists the blobs of the layers and, among them, the configuration.
            if let config = index.manifests.first(where: { $0.mediaType == StepCacheDocument.mediaType }) {
                return try await cache(config, index.manifests)
            }
        case .manifest(let manifest):
            if manifest.config.mediaType == StepCacheDocument.mediaType {
                return try await cache(manifest.config, manifest.layers)
            }
        }
        return try await cache(in: image(top, bytes, platform: platform))
    }

    private func cache(_ config: Descriptor, _ blobs: [Descriptor]) async throws -> OutsideCache {
        do {
            let bytes = try await blob(config, StepCacheDocument.limit)
            return OutsideCache(steps: try StepCache(bytes, blobs: blobs))
        } catch let error where error is JSONError || error is DecodingError {
            throw ImageError.invalidImage(
                "the description of the cache has an invalid form: \(plainText(of: error))")
        }
    }

    private func cache(in image: OutsideImage) throws -> OutsideCache {
        let (config, layers) = (image.config, image.manifest.layers)
        guard let text = config.stepCache else {
            throw ImageError.failed("the image has no cache inside; a build with type=inline puts one there")
        }
        guard layers.allSatisfy(\.isLayer) else { throw ImageError.invalidImage("it has layers of an unknown kind") }
        do {
            let steps = try StepCache(inline: text, layers: layers, diffIDs: config.rootfs.diffIDs)
            return OutsideCache(
                steps: steps, image: .init(history: config.history ?? [], layers: steps.layers))
        } catch let error where error is JSONError || error is DecodingError {
            throw ImageError.invalidImage("the cache in the image has an invalid form: \(plainText(of: error))")
        }
    }
}
