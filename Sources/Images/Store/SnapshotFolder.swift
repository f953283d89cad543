import Glibc
import JSON
import Linux
import OCI
import Synchronization

/// The unpacked layers, each in a folder named by its chain ID. A layer being unpacked has another name until it is
/// complete.
struct SnapshotFolder: Sendable {
    let root: String
    private static let counter = Atomic<Int>(0)

    /// Facts about an unpacked layer, in a file beside it.
    struct Record: Codable, Hashable, Sendable {
        /// The size of its files in bytes.
        var size: Int64
    }

    init(root: String) throws(SyscallError) {
        self.root = root
        try makeFolders("\(root)/empty/fs")
    }

    /// The root folder of the layer state `chainID`.
    func layerPath(_ chainID: Digest) -> String { "\(root)/\(chainID.hex)/fs" }

    /// An empty layer, because overlayfs needs at least one.
    var emptyLayerPath: String { "\(root)/empty/fs" }

    /// nil unless the layer is complete.
    func record(_ chainID: Digest) throws -> Record? {
        let path = "\(root)/\(chainID.hex)/layer.json"
        guard has(chainID) else { return nil }
        return try decodeJSON(Record.self, from: readFile(path))
    }

    /// Whether the layer is complete: its description is written before it gets its name.
    func has(_ chainID: Digest) -> Bool { fileExists("\(root)/\(chainID.hex)/layer.json") }

    /// A new folder to unpack into, with a file system folder in it.
    func makePending() throws(SyscallError) -> String {
        let path = "\(root)/.new-\(Self.counter.wrappingAdd(1, ordering: .relaxed).newValue)"
        try makeFolders("\(path)/fs")
        return path
    }

    /// Completes an unpacked layer with data from the layers below, and makes it the snapshot `chainID`.
    ///
    /// After a crash the snapshot is complete or missing.
    func commit(_ pending: String, _ layer: UnpackedLayer, as chainID: Digest, above lower: [String]) throws {
        try complete("\(pending)/fs", layer, above: lower)
        try writeFileAtomically("\(pending)/layer.json", encodeJSON(Record(size: layer.size)), mode: 0o644)
        try openFile(pending, O_RDONLY | O_DIRECTORY).syncFileSystem()
        let target = "\(root)/\(chainID.hex)"
        if rename(pending, target) != 0 {
            let code = Errno.current
            guard code == .notEmpty || code == .exists else {
                throw SyscallError(call: "rename", object: target, code: code)
            }
            try removeTree(pending)  // somebody else was faster; the content is the same
        }
        try syncFolder(of: target)
    }

    /// The layer with mount points that belongs above `chainID`; nil if it does not exist yet.
    func mountPoints(of chainID: Digest) -> String? {
        let path = "\(root)/\(chainID.hex)/points"
        return fileExists(path) ? path : nil
    }

    /// Creates the layer with mount points that belongs above `chainID`. It is removed with the snapshot.
    func makeMountPoints(of chainID: Digest, above lower: [String]) throws -> String {
        let pending = try makePending()
        let target = "\(root)/\(chainID.hex)/points"
        do {
            try MountPointLayer(below: lower).write(to: "\(pending)/fs")
            try syscall("rename", on: target) { rename("\(pending)/fs", target) }
        } catch let error as SyscallError where [.exists, .notEmpty].contains(error.code) {
            // Another container was first; the content is the same.
        } catch {
            try? removeTree(pending)
            throw error
        }
        try removeTree(pending)
        return target
    }

    /// Removes a snapshot at once; `removeLeftovers` removes its files later.
    func discard(_ name: String) throws(SyscallError) {
        let target = "\(root)/.gone-\(Self.counter.wrappingAdd(1, ordering: .relaxed).newValue)"
        try syscall("rename", on: name) { rename("\(root)/\(name)", target) }
    }

    /// The existing snapshots.
    func chainIDs() throws(SyscallError) -> [Digest] {
        try folderEntries(root).compactMap { Digest(algorithm: .sha256, hex: $0) }
    }

    /// Names of folders that a crash or `discard` left behind. Only at the start do those that begin with `.new-`
    /// count.
    func leftovers(prefixes: [String]) throws(SyscallError) -> [String] {
        try folderEntries(root).filter { name in prefixes.contains { name.hasPrefix($0) } }.map { "\(root)/\($0)" }
    }

    private func complete(_ path: String, _ layer: UnpackedLayer, above lower: [String]) throws {
        try hide(layer.opaqueFolders, in: path)
        guard !layer.implicitFolders.isEmpty || !layer.missingLinks.isEmpty else { return }
        guard !lower.isEmpty else {
            guard let link = layer.missingLinks.first else { return }
            throw ImageError.invalidArchive("\"\(link.path)\": a hard link to \"\(link.target)\", which is not there")
        }
        let below = try LayerStack(lower)
        let copy = TreeCopy(below)
        let root = try openFile(path, O_RDONLY | O_DIRECTORY)
        for link in layer.missingLinks { try makeLink(link, in: root, from: below, copy) }
        for folder in layer.implicitFolders.reversed() {
            guard let found = try below.find(folder, following: false), found.isFolder, let top = found.layers.first
            else { continue }
            do {
                let opened = try root.openInRoot(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                try copy.describe(opened, like: top.handle, found.status)
            } catch let error as SyscallError {
                if error.code != .notFound && error.code != .notDirectory { throw error }  // replaced later
            }
        }
    }

    /// Marks folders that hide what the layers below have in them (overlayfs.rst).
    private func hide(_ folders: [OpaqueFolder], in path: String) throws {
        guard !folders.isEmpty else { return }
        let root = try openFile(path, O_RDONLY | O_DIRECTORY)
        for folder in folders {
            do throws(SyscallError) {
                let opened = try root.openInRoot(folder.path.isEmpty ? "." : folder.path, O_RDONLY | O_DIRECTORY)
                guard try opened.status().st_ino == folder.inode else { continue }
                try opened.setAttribute(opaqueAttribute, [UInt8(ascii: "y")])
            } catch {
                let isReplaced = [ENOENT, ENOTDIR, ELOOP].contains(error.code.rawValue)  // by a later entry
                if !isReplaced { throw error }
            }
        }
    }

    /// Creates a hard link to a file in a layer below: copies the file up into this layer, as a write to it would do.
    private func makeLink(
        _ link: MissingLink, in root: borrowing OwnedFD, from below: LayerStack, _ copy: TreeCopy
    ) throws {
        let path = try LayerPath(link.path)
        let target = try LayerPath(link.target)
        guard let found = try below.find(target.text, following: false), !found.isFolder else {
            throw ImageError.invalidArchive("\"\(link.path)\": a hard link to \"\(link.target)\", which is not there")
        }
        let parent = try root.folderInRoot(path.parent.joined(separator: "/"))
        try parent.removeEntry(path.name)
        try copy.copy(found, to: path.name, in: parent)
    }
}
