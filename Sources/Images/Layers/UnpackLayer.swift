import Glibc
import Linux
import OCI

/// Facts about a layer that was just unpacked.
struct UnpackedLayer: Codable, Hashable, Sendable {
    /// The digest of the bare tar.
    var diffID: Digest
    /// The size of its files in bytes.
    var size: Int64
    var implicitFolders: [String]
    var missingLinks: [MissingLink]
    var opaqueFolders: [OpaqueFolder]
}

/// Unpacks the layer in `blob`, from the current position, into the empty folder `root`.
///
/// Writes nothing outside of `root`; the caller must remove `root` when this throws.
func unpackLayer(_ blob: CInt, into root: consuming OwnedFD, limits: UnpackLimits) throws -> UnpackedLayer {
    try root.setMode(0o755)
    let writer = LayerWriter(root: root, limits: limits)
    let source = try DecompressedStream(blob, limit: limits.bytes)
    do {
        let archive = try TarReader(source)
        while let entry = try archive.next() {
            try writer.write(entry) { try archive.readData($0) }
        }
    }
    guard let diffID = try source.finish() else { throw ImageError.failed("the layer was not hashed") }
    try writer.finish()
    return UnpackedLayer(
        diffID: diffID, size: writer.size, implicitFolders: writer.implicitFolders.map(\.text).sorted(),
        missingLinks: writer.missingLinks, opaqueFolders: writer.opaqueFolders)
}

/// Unpacks a build context from `archive`, a tar, plain or compressed, into the empty folder `root`.
///
/// Writes nothing outside of `root`; the caller must remove `root` when this throws.
func unpackContext(_ archive: CInt, into root: consuming OwnedFD, limits: UnpackLimits) throws {
    var placement = Placement()
    placement.keepsOwners = false
    let writer = LayerWriter(root: root, limits: limits, placement)
    let reader = try TarReader(DecompressedStream(archive, hashing: false, limit: limits.bytes))
    while let entry = try reader.next() {
        // A build context contains no devices.
        if case .node(let type, _, _) = entry.kind, type != S_IFIFO { continue }
        try writer.write(entry) { try reader.readData($0) }
    }
    try writer.finish()
    if let missing = writer.missingLinks.first {
        throw ImageError.invalidArchive(
            "\"\(missing.path)\" is a hard link to \"\(missing.target)\", which is not there")
    }
}
