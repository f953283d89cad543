import Glibc
import Linux

/// Reads unpacked layers as one tree, as overlayfs would show them, without a mount.
///
/// No path leads out of the layers: each step opens one component without following it, and symbolic links are resolved
/// against the stack's own root.
package struct LayerStack: Sendable {
    private let root: [OpenFolder]

    /// `layers` are absolute paths, top first.
    package init(_ layers: [String]) throws(SyscallError) {
        var root: [OpenFolder] = []
        for path in layers { root.append(OpenFolder(try openFile(path, O_RDONLY | O_DIRECTORY))) }
        self.root = root
    }

    /// An entry in the tree: its folder in the layer that has it, and its name there.
    package struct Found: Sendable {
        let folder: OpenFolder
        let name: String
        package let status: stat
        /// For a folder: itself and the folders that it covers, top first.
        let layers: [OpenFolder]

        package var isFolder: Bool { status.st_mode & S_IFMT == S_IFDIR }
        package var isLink: Bool { status.st_mode & S_IFMT == S_IFLNK }

        /// The target of a symbolic link; nil for anything else.
        package func linkTarget() throws(SyscallError) -> String? { try folder.handle.linkTarget(of: name) }

        /// Opens a regular file. Never opens a FIFO or a device, even if the layer changes meanwhile.
        package func open() throws(SyscallError) -> OwnedFD { try folder.handle.openEntry(name, O_RDONLY | O_NONBLOCK) }
    }

    /// The entry at `path`, following links on the way, and at the end if `following`; nil when there is none.
    package func find(_ path: String, following: Bool = true) throws -> Found? {
        var pending = Array(path.pathParts.filter { $0 != "." }.reversed())
        var walked = [try rootFound()]
        var links = 0
        while let name = pending.popLast() {
            if name == ".." {
                if walked.count > 1 { walked.removeLast() }
                continue
            }
            guard let here = walked.last, here.isFolder, let next = try entry(name, in: here.layers) else { return nil }
            guard next.isLink, following || !pending.isEmpty else {
                walked.append(next)
                continue
            }
            links += 1
            guard links <= 40, let target = try next.folder.handle.linkTarget(of: name) else { return nil }
            if target.isAbsolutePath { walked = [try rootFound()] }
            pending += target.pathParts.filter { $0 != "." }.reversed()
        }
        return walked.last
    }

    /// The entry `name` in a folder of the tree, without following it.
    func entry(_ name: String, in folders: [OpenFolder]) throws(SyscallError) -> Found? {
        var found: (folder: OpenFolder, status: stat)?
        var layers: [OpenFolder] = []
        for folder in folders {
            guard let status = try folder.handle.status(of: name) else { continue }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            if found == nil {
                if isWhiteout(status) { return nil }
                found = (folder, status)
            }
            guard isFolder else { break }  // it hides everything below, or a folder above hides it
            let opened = OpenFolder(try folder.handle.openEntry(name, O_RDONLY | O_DIRECTORY))
            layers.append(opened)
            if try opened.handle.attribute(opaqueAttribute) == [UInt8(ascii: "y")] { break }
        }
        return found.map { Found(folder: $0.folder, name: name, status: $0.status, layers: layers) }
    }

    /// The names in a folder of the tree, sorted.
    package func names(in found: Found) throws(SyscallError) -> [String] {
        // Compare bytes: names that look alike may differ.
        var names: Set<[UInt8]> = []
        for layer in found.layers { names.formUnion(try layer.handle.entries().map { Array($0.utf8) }) }
        var result: [String] = []
        for bytes in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let name = String(decoding: bytes, as: UTF8.self)
            if try entry(name, in: found.layers) != nil { result.append(name) }
        }
        return result
    }

    /// Opens a regular file; nil when there is none at `path`.
    func open(_ path: String) throws -> OwnedFD? {
        guard let found = try find(path), found.status.st_mode & S_IFMT == S_IFREG else { return nil }
        // Never a FIFO or a device, even if the layer changes meanwhile: opening one could block or have an effect.
        let file = try found.folder.handle.openEntry(found.name, O_RDONLY | O_NONBLOCK)
        guard try file.status().st_mode & S_IFMT == S_IFREG else { return nil }
        return file
    }

    private func rootFound() throws(SyscallError) -> Found {
        guard let top = root.first else {
            throw SyscallError(call: "open", object: "/", code: .notFound)
        }
        return Found(folder: top, name: ".", status: try top.handle.status(), layers: root)
    }
}
