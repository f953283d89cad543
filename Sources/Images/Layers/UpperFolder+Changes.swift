import Glibc
import Linux

/// A path at which an overlay's upper folder differs from the layers below.
package struct LayerChange: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case changed, added, deleted }

    /// Relative to the root.
    package var path: String
    package var kind: Kind
}

/// The changes in the upper folder at `upper`, mounted or not, relative to the layers `lower`, top first; sorted by
/// path. Mount points that the runtime created, which are among `mountPoints`, do not count. Blocks: run it on a
/// `BlockingPool`.
package func layerChanges(
    in upper: String, above lower: [String], mountPoints: [String]
) throws -> [LayerChange] {
    let folder = try UpperFolder(upper)
    let stack = try LayerStack(lower)
    let search = ChangeSearch(stack, omitted: Set(try folder.mountPoints(mountPoints, above: lower)))
    try search.walk(folder.root.handle, "", over: stack.find("")?.layers ?? [])
    return search.changes.sorted { Array($0.path.utf8).lexicographicallyPrecedes(Array($1.path.utf8)) }
}

private final class ChangeSearch {
    private let stack: LayerStack
    private let omitted: Set<String>
    private(set) var changes: [LayerChange] = []

    init(_ stack: LayerStack, omitted: Set<String>) {
        self.stack = stack
        self.omitted = omitted
    }

    /// `layers` are the folders that it covers, top first.
    func walk(_ folder: borrowing OwnedFD, _ path: String, over layers: [OpenFolder]) throws {
        guard path.utf8.count <= 4096 else { throw ImageError.tooLarge("a path of more than 4096 bytes") }
        for name in try folder.entries() {
            let whole = path.isEmpty ? name : "\(path)/\(name)"
            guard !omitted.contains(whole), let status = try folder.status(of: name) else { continue }
            let below = try stack.entry(name, in: layers)
            guard !isWhiteout(status) else {
                changes.append(LayerChange(path: whole, kind: .deleted))
                continue
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                changes.append(LayerChange(path: whole, kind: below == nil ? .added : .changed))
                continue
            }
            // it disappeared again
            guard let opened = try? folder.openEntry(name, O_RDONLY | O_DIRECTORY) else { continue }
            let isOpaque = try opened.attribute(opaqueAttribute) == [UInt8(ascii: "y")]
            let before = changes.count
            try walk(opened, whole, over: isOpaque ? [] : below?.layers ?? [])
            if isOpaque, let below, below.isFolder {
                let names = Set(try opened.entries())
                for gone in try stack.names(in: below) where !names.contains(gone) {
                    changes.append(LayerChange(path: "\(whole)/\(gone)", kind: .deleted))
                }
            }
            if let below {
                // A folder that only contains mount points is unchanged.
                if changes.count > before || !Self.areAlike(status, below.status, ignoringTime: holdsOmitted(whole)) {
                    changes.append(LayerChange(path: whole, kind: .changed))
                }
            } else {
                changes.append(LayerChange(path: whole, kind: .added))
            }
        }
    }

    private func holdsOmitted(_ path: String) -> Bool { omitted.contains { $0.hasBytePrefix("\(path)/") } }

    private static func areAlike(_ one: stat, _ other: stat, ignoringTime: Bool) -> Bool {
        guard one.st_mode == other.st_mode, one.st_uid == other.st_uid, one.st_gid == other.st_gid else { return false }
        return ignoringTime
            || one.st_mtim.tv_sec == other.st_mtim.tv_sec && one.st_mtim.tv_nsec == other.st_mtim.tv_nsec
    }
}
