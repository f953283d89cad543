import Glibc
import Linux

/// Adds files on top of layers, as COPY and ADD do, without a mount: it writes the upper folder of an overlay.
///
/// It resolves each path in the combined tree of the layers, including links, and writes with the upper folder as root.
/// Its calls block: run them on a `BlockingPool`.
package final class LayerComposer {
    /// Why something cannot be placed there.
    package enum Obstacle: Error, Hashable, Sendable, CustomStringConvertible {
        case isFolder(String)
        case isNoFolder(String)

        package var description: String {
            switch self {
            case .isFolder(let path): "/\(path) is a folder, and a file cannot take its place"
            case .isNoFolder(let path): "/\(path) is not a folder"
            }
        }
    }

    /// Attributes for a new file or folder.
    package struct Attributes: Hashable, Sendable {
        package var mode: UInt32
        package var owner: Ownership
        /// Nanoseconds since 1970.
        package var modified: Int64

        package init(mode: UInt32, owner: Ownership, modified: Int64) {
            self.mode = mode
            self.owner = owner
            self.modified = modified
        }

        fileprivate var time: timespec {
            let (seconds, rest) = modified.quotientAndRemainder(dividingBy: 1_000_000_000)
            return rest < 0
                ? timespec(tv_sec: Int(seconds) - 1, tv_nsec: Int(rest) + 1_000_000_000)
                : timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
        }
    }

    private struct Identity: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    private let root: OpenFolder
    private let stack: LayerStack
    private let copy: TreeCopy
    /// Attributes of folders that nobody described.
    private let unnamed: Attributes
    private var folderTimes: [String: timespec] = [:]
    private var parent: (path: String, folder: OpenFolder)?
    private var linked: [Identity: String] = [:]

    /// `upper` is an empty folder, `lower` the layers, top first. Folders that nobody described belong to `owner` and
    /// get mode 0755 and the time `now`, in nanoseconds since 1970.
    package init(
        upper: String, above lower: [String], now: Int64, owner: Ownership = Ownership(user: 0, group: 0)
    ) throws {
        root = OpenFolder(try openFile(upper, O_RDONLY | O_DIRECTORY))
        try root.handle.setMode(0o755)
        stack = try LayerStack([upper] + lower)
        copy = TreeCopy(stack)
        unnamed = Attributes(mode: 0o755, owner: owner, modified: now)
    }

    /// `path` with all its links resolved, as far as it exists; relative to the root.
    package func resolve(_ path: String) throws -> String {
        var pending = Array(path.pathParts.reversed())
        var walked: [String] = []
        var links = 0
        while let name = pending.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = walked.popLast()
                continue
            }
            let whole = (walked + [name]).joined(separator: "/")
            guard let found = try stack.find(whole, following: false), found.isLink, let target = try found.linkTarget()
            else {
                walked.append(name)
                continue
            }
            links += 1
            guard links <= 40 else {
                throw SyscallError(call: "open", object: "/\(path)", code: Errno(rawValue: ELOOP))
            }
            if target.isAbsolutePath { walked = [] }
            pending += Array(target.pathParts.reversed())
        }
        return walked.joined(separator: "/")
    }

    /// Whether a folder is at `path`; nil when nothing is there.
    package func isFolder(_ path: String) throws -> Bool? { try stack.find(path, following: false)?.isFolder }

    /// Ensures that a folder is at `path`. A new folder, and with `describing` an existing one, gets `attributes`;
    /// without `attributes` it counts as one that nobody described.
    package func makeFolder(_ path: String, _ attributes: Attributes? = nil, describing: Bool = false) throws {
        guard !path.isEmpty else { return }
        let found = try stack.find(path, following: false)
        if let found, !found.isFolder { throw Obstacle.isNoFolder(path) }
        let isNew = found == nil
        let folder = try self.folder(path)
        guard isNew || describing else { return }
        let given = attributes ?? unnamed
        let opened = try folder.handle.openEntry(".", O_RDONLY | O_DIRECTORY)
        try opened.setOwner(given.owner)
        try opened.setMode(given.mode)
        folderTimes[path] = given.time
    }

    /// Creates the file at `path`; `write` fills it.
    package func makeFile(_ path: String, _ attributes: Attributes, _ write: (borrowing OwnedFD) throws -> Void) throws
    {
        let (folder, name) = try room(for: path)
        let file = try folder.handle.openEntry(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        try write(file)
        try file.setOwner(attributes.owner)
        try file.setMode(attributes.mode)
        try file.setTimes(access: attributes.time, modification: attributes.time)
    }

    /// Makes `path` another name of the file at `first`, which was created here.
    package func makeName(_ path: String, of first: String) throws {
        let (folder, name) = try room(for: path)
        let parent = try root.handle.folderInRoot(Self.parent(of: first))
        try folder.handle.makeHardLink(name, to: Self.name(of: first), in: parent)
    }

    package func makeLink(_ path: String, to target: String, _ attributes: Attributes) throws {
        let (folder, name) = try room(for: path)
        try folder.handle.makeSymbolicLink(name, to: target)
        try folder.handle.setOwner(of: name, attributes.owner)
        try folder.handle.setTimes(of: name, access: attributes.time, modification: attributes.time)
    }

    /// Creates a FIFO or a device; `type` has the type bits of its mode.
    package func makeNode(_ path: String, type: UInt32, device: UInt64, _ attributes: Attributes) throws {
        let (folder, name) = try room(for: path)
        try folder.handle.makeNode(name, mode: type | 0o600, device: dev_t(device))
        try folder.handle.setOwner(of: name, attributes.owner)
        try folder.handle.setMode(of: name, attributes.mode)
        try folder.handle.setTimes(of: name, access: attributes.time, modification: attributes.time)
    }

    /// Copies a file of other layers to `path`, including extended attributes. If it was copied before under another of
    /// its names, creates a hard link.
    package func copyFile(_ source: LayerStack.Found, to path: String, _ attributes: Attributes) throws {
        let identity = Identity(device: source.status.st_dev, inode: source.status.st_ino)
        if source.status.st_nlink > 1, let first = linked[identity] {
            return try makeName(path, of: first)
        }
        let original = try source.open()
        try makeFile(path, attributes) { try TreeCopy.copyBytes(from: original, to: $0) }
        try copyAttributes(of: original, to: path)
        if source.status.st_nlink > 1 { linked[identity] = path }
    }

    /// Gives what is at `path` the extended attributes of `original`.
    private func copyAttributes(of original: borrowing OwnedFD, to path: String) throws {
        let names = try original.attributeNames().filter(isLayerAttribute)
        guard !names.isEmpty else { return }
        let file = try root.handle.openInRoot(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        for name in names {
            guard let value = try original.attribute(name) else { continue }
            do throws(SyscallError) { try file.setAttribute(name, value) } catch {
                if error.code != .notSupported { throw error }  // this file system does not support such attributes
            }
        }
    }

    /// Sets the times of folders, because writing into them changed the times.
    package func finish() throws {
        for (path, time) in folderTimes {
            try root.handle.openInRoot(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).setTimes(
                access: time, modification: time)
        }
    }

    /// The folder for `path` and the name in it. The upper folder has nothing under that name.
    private func room(for path: String) throws -> (OpenFolder, String) {
        if let found = try stack.find(path, following: false), found.isFolder { throw Obstacle.isFolder(path) }
        let folder = try folder(Self.parent(of: path))
        try folder.handle.removeEntry(Self.name(of: path))
        return (folder, Self.name(of: path))
    }

    private static func parent(of path: String) -> String {
        path.lastSlash.map { String(path[..<$0]) } ?? ""
    }

    private static func name(of path: String) -> String {
        path.lastPathPart
    }

    /// The folder at `path` in the upper folder: copied up from the layers below if it exists there, otherwise created.
    private func folder(_ path: String) throws -> OpenFolder {
        if let parent, parent.path == path { return parent.folder }
        var folder = root
        var done = ""
        for name in path.pathParts {
            let whole = done.isEmpty ? name : "\(done)/\(name)"
            let found = try stack.find(whole, following: false)
            if let found, !found.isFolder { throw Obstacle.isNoFolder(whole) }
            if try folder.handle.status(of: name) == nil {
                try folder.handle.makeFolder(name)
                let opened = try folder.handle.openEntry(name, O_RDONLY | O_DIRECTORY)
                if let found, let top = found.layers.first {
                    try copy.describe(opened, like: top.handle, found.status)
                    folderTimes[whole] = found.status.st_mtim
                } else {
                    try opened.setOwner(unnamed.owner)
                    try opened.setMode(unnamed.mode)  // independent of the umask
                    folderTimes[whole] = unnamed.time
                }
            }
            folder = OpenFolder(try folder.handle.folderInRoot(name))
            done = whole
        }
        parent = (path, folder)
        return folder
    }
}
