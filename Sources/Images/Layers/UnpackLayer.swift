import Glibc
import Linux
import OCI

/// What unpacking a layer brought to light.
struct UnpackedLayer: Codable, Hashable, Sendable {
    /// The digest of the bare tar.
    var diffID: Digest
    /// Bytes of its files.
    var size: Int64
    var implicitFolders: [String]
    var missingLinks: [MissingLink]
    var opaqueFolders: [OpaqueFolder]
}

/// Unpacks the layer that `blob` holds, from where it stands, into the empty folder `root`.
///
/// Nothing is written outside `root`; whoever calls removes it when this throws.
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

/// Unpacks the context of a build that `archive` holds, a tar, plain or compressed, into the empty folder `root`.
///
/// Nothing is written outside `root`; whoever calls removes it when this throws.
func unpackContext(_ archive: CInt, into root: consuming OwnedFD, limits: UnpackLimits) throws {
    var placement = Placement()
    placement.keepsOwners = false
    let writer = LayerWriter(root: root, limits: limits, placement)
    let reader = try TarReader(DecompressedStream(archive, hashing: false, limit: limits.bytes))
    while let entry = try reader.next() {
        // A build takes no devices out of its context.
        if case .node(let type, _, _) = entry.kind, type != S_IFIFO { continue }
        try writer.write(entry) { try reader.readData($0) }
    }
    try writer.finish()
    if let missing = writer.missingLinks.first {
        throw ImageError.invalidArchive(
            "\"\(missing.path)\" is a hard link to \"\(missing.target)\", which is not there")
    }
}
