import JSON
import OCI

/// An image described by an archive, checked for completeness and consistency before anything is stored.
struct ArchiveImage: Sendable {
    var references: [Reference]
    var config: ImageConfig
    var configBytes: [UInt8]
    var manifest: Manifest
    var manifestBytes: [UInt8]
    var mediaType: String
    /// One file for each layer, base first.
    var files: [ArchiveFiles.File]
}

extension ArchiveFiles {
    /// The images of an archive from `docker save` (`manifest.json`), or in an OCI layout (`index.json`).
    func images(for platform: Platform) throws -> [ArchiveImage] {
        let layout = try content("index.json").map { try layoutImages($0, platform) } ?? []
        guard let bytes = try content("manifest.json") else {
            guard !layout.isEmpty else {
                throw ImageError.invalidArchive("it contains neither manifest.json nor index.json, so it has no images")
            }
            return layout
        }
        // Both describe the same images: one has all names, the other has the registry's manifests.
        let manifests = Dictionary(layout.map { ($0.manifest.config.digest, $0) }) { first, _ in first }
        return try parse([SavedImage].self, bytes, "manifest.json").map { saved in
            var image = try savedImage(saved)
            if let original = manifests[image.manifest.config.digest] {
                let references = image.references
                image = original
                image.references = references
            }
            return image
        }
    }

    /// An entry of `manifest.json`.
    private struct SavedImage: Codable {
        var config: String
        var repoTags: [String]?
        var layers: [String]?

        enum CodingKeys: String, CodingKey {
            case config = "Config"
            case repoTags = "RepoTags"
            case layers = "Layers"
        }
    }

    private func savedImage(_ saved: SavedImage) throws -> ArchiveImage {
        guard let file = try file(saved.config) else {
            throw ImageError.invalidArchive("\"\(saved.config)\", named in manifest.json, is missing")
        }
        let configBytes = try content(file)
        let files = try (saved.layers ?? []).map { path in
            guard let file = try self.file(path) else {
                throw ImageError.invalidArchive("layer \"\(path)\", named in manifest.json, is missing")
            }
            return file
        }
        let layers = try files.map { Descriptor(mediaType: try mediaType($0), digest: $0.digest, size: $0.size) }
        let manifest = Manifest(
            config: Descriptor(
                mediaType: MediaType.config, digest: digest(of: configBytes), size: Int64(configBytes.count)),
            layers: layers)
        return ArchiveImage(
            references: try (saved.repoTags ?? []).map { try Reference($0) },
            config: try parse(ImageConfig.self, configBytes, saved.config), configBytes: configBytes,
            manifest: manifest, manifestBytes: try encodeJSON(manifest), mediaType: MediaType.manifest, files: files)
    }

    private func layoutImages(_ bytes: [UInt8], _ platform: Platform) throws -> [ArchiveImage] {
        try parse(Index.self, bytes, "index.json").manifests.compactMap { descriptor in
            guard var image = try layoutImage(descriptor, platform, depth: 0) else { return nil }
            image.references = reference(of: descriptor).map { [$0] } ?? []
            return image
        }
    }

    /// nil for anything but an image, and for an image whose blobs are missing.
    private func layoutImage(_ descriptor: Descriptor, _ platform: Platform, depth: Int) throws -> ArchiveImage? {
        guard !descriptor.isAttestation, let file = try blob(descriptor) else { return nil }
        let bytes = try content(file)
        switch try ManifestDocument(bytes, mediaType: descriptor.mediaType) {
        case .index(let index):
            guard depth < 3 else { throw ImageError.invalidImage("indexes are nested too deep") }
            return try layoutImage(index.choose(platform), platform, depth: depth + 1)
        case .manifest(let manifest):
            guard let configFile = try blob(manifest.config) else { return nil }
            let configBytes = try content(configFile)
            let files = try manifest.layers.compactMap { try blob($0) }
            guard files.count == manifest.layers.count else { return nil }
            return ArchiveImage(
                references: [], config: try parse(ImageConfig.self, configBytes, "the configuration"),
                configBytes: configBytes, manifest: manifest, manifestBytes: bytes, mediaType: descriptor.mediaType,
                files: files)
        }
    }

    /// The complete name from containerd's annotation; the other annotation is often only a tag, which is not enough.
    private func reference(of descriptor: Descriptor) -> Reference? {
        if let name = descriptor.annotations?["io.containerd.image.name"] { return try? Reference(name) }
        guard let name = descriptor.annotations?["org.opencontainers.image.ref.name"],
            name.contains(":") || name.contains("/")
        else { return nil }
        return try? Reference(name)
    }

    private func mediaType(_ file: File) throws -> String {
        switch Compression(magic: try head(of: file)) {
        case .gzip: MediaType.layerGzip
        case .zstd: MediaType.layerZstd
        default: MediaType.layer
        }
    }

    private func parse<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], _ what: String) throws -> T {
        do {
            return try decodeJSON(type, from: bytes)
        } catch {
            throw ImageError.invalidImage("\(what): \(plainText(of: error))")
        }
    }
}
