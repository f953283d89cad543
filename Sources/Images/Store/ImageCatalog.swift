import Glibc
import JSON
import Linux
import OCI

/// The images of a store and their names, in memory and each in one small file. A change counts only once it is on the
/// disk.
struct ImageCatalog {
    private let root: String
    private(set) var images: [Digest: Image] = [:]
    private(set) var tags: [Reference: Tag] = [:]
    /// Images without a name that stay: they never had one, or lost it to another image by a client of the Docker API.
    private var unnamed: Set<Digest> = []

    /// What a name points to.
    struct Tag: Codable, Hashable {
        var reference: Reference
        var image: Digest
        var repositoryDigest: Digest?
        /// Seconds since 1970.
        var updated: Int64
    }

    /// Reads the files. A file that does not parse is an error, so that no image gets lost.
    init(root: String) throws {
        self.root = root
        try makeFolders("\(root)/refs")
        try makeFolders("\(root)/records")
        try makeFolders("\(root)/unnamed")
        for image in try Self.readAll(Image.self, in: "\(root)/records") { images[image.id] = image }
        for tag in try Self.readAll(Tag.self, in: "\(root)/refs") where images[tag.image] != nil {
            tags[tag.reference] = tag
        }
        unnamed = Set(try folderEntries("\(root)/unnamed").compactMap { Digest(algorithm: .sha256, hex: $0) })
    }

    /// Whether the image stays although no name leads to it.
    func isUnnamed(_ image: Digest) -> Bool { unnamed.contains(image) }

    /// Keeps an image without a name.
    mutating func keepUnnamed(_ image: Digest) throws {
        guard !unnamed.contains(image), names(of: image).isEmpty else { return }
        try writeFileAtomically(unnamedPath(image), [], mode: 0o644, durable: true)
        unnamed.insert(image)
    }

    private mutating func forgetUnnamed(_ image: Digest) throws {
        guard unnamed.contains(image) else { return }
        try remove(unnamedPath(image))
        unnamed.remove(image)
    }

    private func unnamedPath(_ image: Digest) -> String { "\(root)/unnamed/\(image.hex)" }

    mutating func add(_ image: Image) throws {
        if images[image.id] == image { return }
        try write(image, to: recordPath(image.id))
        images[image.id] = image
    }

    mutating func tag(_ tag: Tag) throws {
        try write(tag, to: tagPath(tag.reference))
        tags[tag.reference] = tag
        try forgetUnnamed(tag.image)
    }

    /// Stores the registry's digest for the image of a name, if the name still points to it.
    mutating func noteRegistry(of reference: Reference, image: Digest, digest: Digest) throws {
        guard var tag = tags[reference], tag.image == image, tag.repositoryDigest != digest else { return }
        tag.repositoryDigest = digest
        try self.tag(tag)
    }

    mutating func untag(_ reference: Reference) throws {
        try remove(tagPath(reference))
        tags[reference] = nil
    }

    /// Removes an image; its names must be removed before.
    mutating func drop(_ image: Digest) throws {
        try forgetUnnamed(image)
        try remove(recordPath(image))
        images[image] = nil
    }

    /// The names of an image, sorted.
    func names(of image: Digest) -> [Reference] {
        tags.values.filter { $0.image == image }.map(\.reference).sorted { $0.canonical < $1.canonical }
    }

    /// The diff ID of a layer's blob, from an image that was verified when it arrived.
    func diffID(ofBlob digest: Digest) -> Digest? {
        for image in images.values {
            if let index = image.layers.firstIndex(where: { $0.digest == digest }) {
                return image.config.rootfs.diffIDs[index]
            }
        }
        return nil
    }

    private func recordPath(_ image: Digest) -> String { "\(root)/records/\(image.hex).json" }

    /// A name may contain slashes and be longer than a file name, so the file is named by its hash.
    private func tagPath(_ reference: Reference) -> String {
        "\(root)/refs/\(digest(of: reference.canonical.utf8).hex).json"
    }

    private func write(_ value: some Encodable, to path: String) throws {
        try writeFileAtomically(path, encodeJSON(value), mode: 0o644, durable: true)
    }

    private func remove(_ path: String) throws {
        if unlink(path) != 0 {
            let code = Errno.current
            guard code == .notFound else { throw SyscallError(call: "unlink", object: path, code: code) }
        }
        try syncFolder(of: path)
    }

    private static func readAll<T: Decodable>(_ type: T.Type, in folder: String) throws -> [T] {
        try folderEntries(folder).filter { $0.hasSuffix(".json") }.map { name in
            do {
                return try decodeJSON(type, from: readFile("\(folder)/\(name)"))
            } catch {
                throw ImageError.damagedStore("\(folder)/\(name): \(plainText(of: error))")
            }
        }
    }
}
