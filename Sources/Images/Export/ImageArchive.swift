import Glibc
import JSON
import Linux
import OCI
import Tar

/// The form of an archive of images.
package enum ImageArchiveForm: Sendable {
    /// An OCI image layout (image-spec, image-layout.md).
    case oci
    /// The same, with the list for `docker load`.
    case docker
}

/// An image to write to an archive, with its names there.
package struct ArchivedImage: Sendable {
    package var image: Image
    package var names: [Reference]

    package init(_ image: Image, names: [Reference]) {
        self.image = image
        self.names = names
    }
}

extension ImageStore {
    /// Writes images as an archive, piece by piece, to `sink`; the same images give the same bytes. Blocks: run it on a
    /// `BlockingPool`.
    package nonisolated func writeArchive(
        of images: [ArchivedImage], as form: ImageArchiveForm,
        to sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let tar = TarWriter(sink)
        try tar.addFile("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        try tar.addFile("index.json", try encodeJSON(Index(manifests: images.flatMap(Self.manifests))))
        for folder in ["blobs/", "blobs/sha256/"] {
            var header = TarWriter.Header(path: folder, type: "5")
            header.mode = 0o755
            try tar.add(header)
        }
        var written: Set<Digest> = []
        for image in images.map(\.image) {
            for blob in [image.manifest.digest, image.id] + image.layers.map(\.digest)
            where written.insert(blob).inserted {
                try tar.addFile(blob.layoutPath, from: openFile(content.path(blob), O_RDONLY))
            }
        }
        if form == .docker {
            let entries = images.map { each in
                LoadEntry(
                    config: each.image.id.layoutPath, repoTags: each.names.isEmpty ? nil : each.names.map(\.familiar),
                    layers: each.image.layers.map { $0.digest.layoutPath })
            }
            try tar.addFile("manifest.json", try encodeJSON(entries))
        }
        try tar.finish()
    }

    /// An entry for each of its names, or one entry without a name.
    private static func manifests(_ each: ArchivedImage) -> [Descriptor] {
        var descriptor = each.image.manifest
        descriptor.platform = each.image.platform
        guard !each.names.isEmpty else { return [descriptor] }
        return each.names.map { name in
            var named = descriptor
            named.annotations = ["io.containerd.image.name": name.canonical]
            if let tag = name.tag { named.annotations?["org.opencontainers.image.ref.name"] = tag }
            return named
        }
    }

    /// An entry of `manifest.json` for `docker load`.
    private struct LoadEntry: Encodable {
        var config: String
        var repoTags: [String]?
        var layers: [String]

        enum CodingKeys: String, CodingKey {
            case config = "Config"
            case repoTags = "RepoTags"
            case layers = "Layers"
        }
    }
}

extension TarWriter {
    func addFile(_ path: String, _ bytes: [UInt8]) throws {
        try add(Header(path: path, type: "0", size: Int64(bytes.count)))
        try append(bytes)
        try pad(Int64(bytes.count))
    }

    func addFile(_ path: String, from file: borrowing OwnedFD) throws {
        let size = Int64(try file.status().st_size)
        try add(Header(path: path, type: "0", size: size))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        var left = size
        while left > 0 {
            let count = try file.read(into: buffer)
            guard count > 0 else { throw ImageError.failed("\(path) changed while it was read") }
            try append(UnsafeRawBufferPointer(rebasing: buffer[..<min(count, Int(left))]))
            left -= Int64(count)
        }
        try pad(size)
    }
}
