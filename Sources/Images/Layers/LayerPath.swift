import Linux

/// The path of an archive's entry as components below the layer's root, with "." and ".." resolved. Compared by bytes,
/// as in the kernel.
struct LayerPath: Hashable, Sendable {
    let components: [String]

    /// - Throws: `invalidArchive` when the path leads out of the root, or is too long for any file system.
    init(_ text: String) throws(ImageError) {
        guard text.utf8.count <= 4096 else { throw .invalidArchive("a name of \(text.utf8.count) bytes") }
        var components: [String] = []
        for component in text.pathParts {
            switch component {
            case ".": continue
            case "..":
                guard components.popLast() != nil else {
                    throw .invalidArchive("\"\(text)\" leads out of the archive")
                }
            default:
                guard component.utf8.count <= 255 else {
                    throw .invalidArchive("a file name of \(component.utf8.count) bytes")
                }
                components.append(component)
            }
        }
        self.components = components
    }

    var text: String { components.joined(separator: "/") }
    var parent: ArraySlice<String> { components.dropLast() }
    /// Empty for the root.
    var name: String { components.last ?? "" }

    static func == (left: LayerPath, right: LayerPath) -> Bool { left.text.hasSameBytes(as: right.text) }
    func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
}

/// The meaning of an entry's name for the layers below (image-spec, layer.md, "Whiteouts").
enum Whiteout {
    /// Hides `name` in the folder.
    case hides(name: String)
    /// Hides everything that lower layers have in the folder.
    case opaque
    /// Internal data of an old file system; skipped.
    case ignored

    /// nil for a path that is not a whiteout.
    init?(_ path: LayerPath) throws(ImageError) {
        let prefix = ".wh."
        if path.components.contains(where: { $0.hasBytePrefix(".wh..wh.") && $0 != ".wh..wh..opq" }) {
            self = .ignored
            return
        }
        guard !path.parent.contains(where: { $0.hasBytePrefix(prefix) }) else {
            throw .invalidArchive("\"\(path.text)\" is inside a whiteout")
        }
        guard let name = path.name.droppingBytePrefix(prefix) else { return nil }
        if path.name == ".wh..wh..opq" {
            self = .opaque
            return
        }
        guard !name.isEmpty, name != ".", name != ".." else {
            throw .invalidArchive("\"\(path.text)\" is a whiteout of nothing")
        }
        self = .hides(name: name)
    }
}
