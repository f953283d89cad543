import Images
import JSON
import OCI

/// Builds archives of images as `docker save` writes them.
struct ArchiveBuilder {
    /// Layers as bare tars, base first.
    var layers: [[UInt8]]
    var tags: [String]
    var diffIDs: [Digest]

    init(layers: [[UInt8]], tags: [String]) {
        self.layers = layers
        self.tags = tags
        diffIDs = layers.map { digest(of: $0) }
    }

    var config: [UInt8] {
        get throws {
            var config = ImageConfig(architecture: Platform.host.architecture, rootfs: .init(diffIDs: diffIDs))
            config.config = .init()
            config.config?.cmd = ["sh"]
            return try encodeJSON(config)
        }
    }

    /// Adds the image to `tar` and gives its entry in `manifest.json`.
    func add(to tar: inout TarWriter) throws -> JSONValue {
        let config = try config
        let name = "\(digest(of: config).hex).json"
        tar.add(name, data: config)
        var paths: [JSONValue] = []
        for layer in layers {
            let path = "\(digest(of: layer).hex)/layer.tar"
            tar.add(path, data: layer)
            paths.append(.string(path))
        }
        return ["Config": .string(name), "RepoTags": .array(tags.map { .string($0) }), "Layers": .array(paths)]
    }

    /// An archive of `images`.
    static func archive(_ images: [ArchiveBuilder]) throws -> [UInt8] {
        var tar = TarWriter()
        let manifest = JSONValue.array(try images.map { try $0.add(to: &tar) })
        tar.add("manifest.json", data: manifest.serialized())
        return tar.finished
    }
}
