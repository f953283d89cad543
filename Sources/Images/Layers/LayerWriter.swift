import Glibc
import Linux

/// The limits of an archive; a larger one is refused.
package struct UnpackLimits: Codable, Hashable, Sendable {
    /// The size of all files together, and of the decompressed archive, in bytes.
    package var bytes: Int64 = 256 << 30
    package var entries = 8_000_000

    package init() {}
}

/// A folder's descriptor with several owners.
final class OpenFolder: Sendable {
    let handle: OwnedFD
    init(_ handle: consuming OwnedFD) { self.handle = handle }
}

/// Writes the entries of a layer below one folder, in overlayfs's form: whiteouts as devices 0:0, opaque folders by
/// attribute.
///
/// The kernel resolves each path with the folder as root, so no name and no link in the archive leads out of it.
final class LayerWriter {
    private let root: OpenFolder
    private let limits: UnpackLimits
    /// Set when files go among existing ones and do not form a layer.
    private let placement: Placement?
    private var lastParent: (path: ArraySlice<String>, folder: OpenFolder)?
    private var folderTimes: [LayerPath: timespec] = [:]
    private var entries = 0
    /// Folders that no entry described; they get their attributes from the layers below.
    private(set) var implicitFolders: Set<LayerPath> = []
    /// Hard links to files that only layers below have.
    private(set) var missingLinks: [MissingLink] = []
    /// Folders that hide what the layers below have in them.
    private(set) var opaqueFolders: [OpaqueFolder] = []
    /// The size of the written files in bytes.
    private(set) var size: Int64 = 0

    init(root: consuming OwnedFD, limits: UnpackLimits, _ placement: Placement? = nil) {
        self.root = OpenFolder(root)
        self.limits = limits
        self.placement = placement
    }

    /// Writes one entry; `data` returns a file's content.
    func write(_ entry: TarEntry, data: ((UnsafeRawBufferPointer, Int64) throws -> Void) throws -> Void) throws {
        entries += 1
        guard entries <= limits.entries else { throw ImageError.tooLarge("more than \(limits.entries) entries") }
        do {
            let path = try LayerPath(entry.path)
            if placement == nil, let whiteout = try Whiteout(path) {
                return try write(whiteout, in: path.parent)
            }
            guard !path.components.isEmpty else {
                // The target folder itself stays unchanged.
                return placement == nil ? try writeRoot(entry) : ()
            }
            let parent = try folder(path.parent)
            try checkKind(of: entry, at: path, in: parent)
            switch entry.kind {
            case .file(let size): try writeFile(entry, size: size, path, in: parent, data)
            case .folder: try writeFolder(entry, path, in: parent)
            case .symbolicLink(let target):
                try replace(path.name, in: parent) { name in
                    try parent.handle.makeSymbolicLink(name, to: target)
                    try setOwner(of: name, entry.owner, in: parent)
                    try setTimes(entry, of: name, in: parent)
                }
            case .hardLink(let target): try writeHardLink(path, to: target, in: parent)
            case .node(let type, let major, let minor):
                guard type != S_IFCHR || major != 0 || minor != 0 else {
                    throw ImageError.invalidArchive("device 0:0 is how a layer hides files, not a device")
                }
                try replace(path.name, in: parent) { name in
                    let device = deviceNumber(major: major, minor: minor)
                    try parent.handle.makeNode(name, mode: type | 0o600, device: device)
                    try setOwner(of: name, entry.owner, in: parent)
                    try parent.handle.setMode(of: name, entry.mode)
                    try setTimes(entry, of: name, in: parent)
                }
            }
        } catch {
            throw explain(error, entry.path)
        }
    }

    /// Sets the times of folders, because writing into them changed the times.
    func finish() throws {
        for (path, time) in folderTimes {
            do throws(SyscallError) {
                try setTime(time, ofFolder: path)
            } catch {
                let isReplaced = [ENOENT, ENOTDIR, ELOOP].contains(error.code.rawValue)  // by a later entry
                if !isReplaced { throw error }
            }
        }
    }

    private func setTime(_ time: timespec, ofFolder path: LayerPath) throws(SyscallError) {
        let name = path.components.isEmpty ? "." : path.text
        let folder = try root.handle.openInRoot(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try folder.setTimes(access: time, modification: time)
    }
}

/// A hard link to a file in a layer below.
struct MissingLink: Codable, Hashable, Sendable {
    var path: String
    var target: String
}

/// A folder that hides what the layers below have in it; with its inode, because a later entry may replace it.
struct OpaqueFolder: Codable, Hashable, Sendable {
    var path: String
    var inode: UInt64
}

// The kinds of entries.
extension LayerWriter {
    private func writeRoot(_ entry: TarEntry) throws {
        guard case .folder = entry.kind else { return }
        let folder = try root.handle.openInRoot(".", O_RDONLY | O_DIRECTORY)
        try describe(folder, by: entry)
        folderTimes[try LayerPath("")] = entry.modification
    }

    private func writeFolder(_ entry: TarEntry, _ path: LayerPath, in parent: OpenFolder) throws {
        let status = try parent.handle.status(of: path.name)
        if status.map({ $0.st_mode & S_IFMT == S_IFDIR }) != true {
            try makeRoom(for: path.name, in: parent)
            try parent.handle.makeFolder(path.name)
            if status.map(isWhiteout) == true { try makeOpaque(path.text, in: parent, path.name) }
        }
        let folder = try parent.handle.openEntry(path.name, O_RDONLY | O_DIRECTORY)
        try describe(folder, by: entry)
        folderTimes[path] = entry.modification
        implicitFolders.remove(path)
    }

    private func writeFile(
        _ entry: TarEntry, size expected: Int64, _ path: LayerPath, in parent: OpenFolder,
        _ data: ((UnsafeRawBufferPointer, Int64) throws -> Void) throws -> Void
    ) throws {
        guard expected >= 0, expected <= limits.bytes - size else {
            throw ImageError.tooLarge("the files have more than \(limits.bytes) bytes")
        }
        size += expected
        try replace(path.name, in: parent) { name in
            let file = try parent.handle.openEntry(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            var end: Int64 = 0
            try data { piece, offset in
                guard offset >= 0, offset + Int64(piece.count) <= expected else {
                    throw ImageError.invalidArchive("more data than its header says")
                }
                try file.write(piece, at: offset)
                end = max(end, offset + Int64(piece.count))
            }
            if end < expected { try file.setLength(expected) }  // a sparse file with a hole at its end
            try describe(file, by: entry)
            try file.setTimes(access: entry.modification, modification: entry.modification)
        }
    }

    private func writeHardLink(_ path: LayerPath, to text: String, in parent: OpenFolder) throws {
        let target = try LayerPath(text)
        guard !target.components.isEmpty, target.components.allSatisfy({ !$0.hasBytePrefix(".wh.") }) else {
            throw ImageError.invalidArchive("a hard link to \"\(text)\"")
        }
        guard let folder = try existingFolder(target.parent),
            let status = try folder.handle.status(of: target.name), !isWhiteout(status)
        else {
            missingLinks.append(MissingLink(path: path.text, target: target.text))
            return
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw ImageError.invalidArchive("a hard link to the folder \"\(text)\"")
        }
        let there = try parent.handle.status(of: path.name)
        if let there, there.st_ino == status.st_ino, there.st_dev == status.st_dev { return }
        try replace(path.name, in: parent) { name in
            try parent.handle.makeHardLink(name, to: target.name, in: folder.handle)
        }
    }

    /// A whiteout hides what is below, but never an entry of the same layer, in any order.
    private func write(_ whiteout: Whiteout, in path: ArraySlice<String>) throws {
        switch whiteout {
        case .ignored: break
        case .opaque: try makeOpaque(path.joined(separator: "/"), in: try folder(path), ".")
        case .hides(let name):
            let parent = try folder(path)
            guard let status = try parent.handle.status(of: name) else {
                return try parent.handle.makeNode(name, mode: S_IFCHR, device: 0)
            }
            guard status.st_mode & S_IFMT == S_IFDIR else { return }
            try makeOpaque((path + [name]).joined(separator: "/"), in: parent, name)
        }
    }
}

/// How to add files among existing ones.
package struct Placement: Codable, Hashable, Sendable {
    /// A folder never replaces a file, and a file never replaces a folder.
    package var keepsKinds = false
    /// Keep owners, and attributes that only root may set.
    package var keepsOwners = true

    package init() {}
}

// What all kinds need.
extension LayerWriter {
    private func checkKind(of entry: TarEntry, at path: LayerPath, in parent: OpenFolder) throws {
        guard placement?.keepsKinds == true, let there = try parent.handle.status(of: path.name) else {
            return
        }
        let isFolder = there.st_mode & S_IFMT == S_IFDIR
        let willBeFolder = if case .folder = entry.kind { true } else { false }
        if isFolder != willBeFolder {
            throw FileFailure(
                .kindDiffers,
                isFolder
                    ? "cannot overwrite the folder \"\(path.text)\" with something that is not a folder"
                    : "cannot overwrite \"\(path.text)\", which is not a folder, with a folder")
        }
    }

    /// Sets owner, mode and attributes in this order, because changing the owner clears set-ID bits and capabilities.
    private func describe(_ file: borrowing OwnedFD, by entry: TarEntry) throws {
        let isOwned = placement?.keepsOwners ?? true
        if isOwned { try file.setOwner(entry.owner) }
        try file.setMode(entry.mode)
        for (name, value) in entry.attributes
        where isLayerAttribute(name) && (isOwned || !name.hasPrefix("security.")) {
            do throws(SyscallError) {
                try file.setAttribute(name, value)
            } catch {
                let isUnsupported = error.code == .notSupported && name.hasPrefix("user.")
                if !isUnsupported { throw error }  // the store's file system does not support it
            }
        }
    }

    private func setOwner(of name: String, _ owner: Ownership, in parent: OpenFolder) throws {
        if placement?.keepsOwners ?? true { try parent.handle.setOwner(of: name, owner) }
    }

    private func setTimes(_ entry: TarEntry, of name: String, in parent: OpenFolder) throws {
        try parent.handle.setTimes(of: name, access: entry.modification, modification: entry.modification)
    }

    /// Makes what belongs at `name`. Among other files, what is there stays until the new one is complete, so that a full disk costs
    /// nobody the old one. Only a folder goes first: rename(2) puts nothing else in its place. If `make` fails, nothing is left of it.
    private func replace(_ name: String, in parent: OpenFolder, _ make: (_ name: String) throws -> Void) throws {
        let kind = placement == nil ? nil : try parent.handle.status(of: name).map { $0.st_mode & S_IFMT }
        let isBeside = kind != nil && kind != S_IFDIR
        let place = isBeside ? ".berth-new-" + String(UInt64.random(in: 0 ... .max), radix: 16) : name
        if !isBeside { try makeRoom(for: name, in: parent) }
        do {
            try make(place)
            if isBeside { try parent.handle.rename(place, to: name) }
        } catch {
            try? parent.handle.removeEntry(place)
            throw error
        }
        // The link may have been on the way to the parent that was remembered.
        if kind == S_IFLNK { lastParent = nil }
    }

    private func makeRoom(for name: String, in parent: OpenFolder) throws {
        guard let status = try parent.handle.status(of: name) else { return }
        if status.st_mode & S_IFMT == S_IFDIR { lastParent = nil }
        // The parent may have been reached through this link.
        if status.st_mode & S_IFMT == S_IFLNK { lastParent = nil }
        try parent.handle.removeEntry(name)
    }

    /// Only records the folder: an unpacking process may not set a `trusted` attribute.
    private func makeOpaque(_ path: String, in parent: OpenFolder, _ name: String) throws {
        guard let status = try parent.handle.status(of: name) else { return }
        opaqueFolders.append(OpaqueFolder(path: path, inode: UInt64(status.st_ino)))
    }

    private func existingFolder(_ path: ArraySlice<String>) throws -> OpenFolder? {
        do throws(SyscallError) {
            return OpenFolder(try root.handle.folderInRoot(path.joined(separator: "/")))
        } catch {
            if error.code == .notFound || error.code == .notDirectory { return nil }
            throw error
        }
    }

    /// The folder at `path`; creates it and missing folders above it.
    private func folder(_ path: ArraySlice<String>) throws -> OpenFolder {
        if let lastParent, lastParent.path.elementsEqual(path, by: { $0.hasSameBytes(as: $1) }) {
            return lastParent.folder
        }
        let folder = try existingFolder(path) ?? makeFolders(path)
        lastParent = (path, folder)
        return folder
    }

    /// Goes down to `path`, one component at a time. Replaces everything that is missing or not a folder by a folder.
    /// Follows links inside the root, even dangling ones.
    private func makeFolders(_ path: ArraySlice<String>) throws -> OpenFolder {
        var done: [String] = []
        var pending = Array(path.reversed())
        var links = 0
        while let name = pending.popLast() {
            if name == ".." {
                _ = done.popLast()
                continue
            }
            let parent = OpenFolder(try root.handle.folderInRoot(done.joined(separator: "/")))
            let status = try parent.handle.status(of: name)
            if status.map({ $0.st_mode & S_IFMT == S_IFLNK }) == true {
                links += 1
                guard links <= 40, let target = try parent.handle.linkTarget(of: name) else {
                    throw ImageError.invalidArchive("too many symbolic links in \"\(path.joined(separator: "/"))\"")
                }
                if target.isAbsolutePath { done = [] }
                pending += target.pathParts.filter { $0 != "." }.reversed()
                continue
            }
            done.append(name)
            if status.map({ $0.st_mode & S_IFMT == S_IFDIR }) == true { continue }
            try parent.handle.removeEntry(name)
            try parent.handle.makeFolder(name)
            try parent.handle.setMode(of: name, 0o755)  // independent of the umask
            if status.map(isWhiteout) == true { try makeOpaque(done.joined(separator: "/"), in: parent, name) }
            implicitFolders.insert(try LayerPath(done.joined(separator: "/")))
        }
        return OpenFolder(try root.handle.folderInRoot(done.joined(separator: "/")))
    }

    private func explain(_ error: any Error, _ path: String) -> any Error {
        switch error {
        case is FileFailure: return error
        case ImageError.invalidArchive(let reason):
            return ImageError.invalidArchive("\"\(path)\": \(reason)")
        case let error as SyscallError:
            let ours: [CInt] = [ENAMETOOLONG, ELOOP, EINVAL, ENOENT, ENOTDIR, EISDIR, EPERM]
            if error.code == .noSpace || error.code.rawValue == EDQUOT {
                return SyscallError(call: error.call, object: path, code: error.code)
            }
            guard ours.contains(error.code.rawValue) else {
                return ImageError.failed("unpacking \"\(path)\": \(error)")
            }
            return ImageError.invalidArchive("\"\(path)\": \(error)")
        default: return error
        }
    }
}

/// The attribute that hides what lower layers have in a folder (kernel, overlayfs.rst).
let opaqueAttribute = "trusted.overlay.opaque"

/// Whether overlayfs takes this as a whiteout.
func isWhiteout(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0 }

/// Whether a layer may have this attribute. overlayfs's own attributes would let an archive control the mount;
/// `trusted` and security labels belong to the host.
func isLayerAttribute(_ name: String) -> Bool {
    if name.hasPrefix("user.") { return !name.hasPrefix("user.overlay.") }
    return ["security.capability", "system.posix_acl_access", "system.posix_acl_default"].contains(name)
}
