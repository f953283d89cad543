import Glibc
import Linux

/// The upper folder of an overlay that is no longer mounted and becomes a layer.
struct UpperFolder {
    let root: OpenFolder

    init(_ path: String) throws(SyscallError) { root = OpenFolder(try openFile(path, O_RDONLY | O_DIRECTORY)) }

    /// The result of a walk.
    struct Contents {
        /// Folders that hide what is below them.
        var opaque: [String] = []
        var isEmpty = true
    }

    /// Removes the paths from `mountPoints`.
    func removeMountPoints(_ paths: [String], above lower: [String]) throws {
        for path in try mountPoints(paths, above: lower) {
            let parts = path.pathParts
            let parent = try root.handle.folderInRoot(parts.dropLast().joined(separator: "/"))
            if let name = parts.last { try parent.removeEntry(name) }
        }
    }

    /// The mount points that the runtime created: empty files and folders that the layers below do not have, and
    /// folders that exist only for them. Relative to the root; the content of a folder comes before the folder.
    func mountPoints(_ paths: [String], above lower: [String]) throws -> [String] {
        let below = lower.isEmpty ? nil : try LayerStack(lower)
        var points: [String] = []
        var known: Set<String> = []
        for path in paths {
            var parts = path.split(separator: "/").map(String.init)
            while let name = parts.popLast() {
                let whole = (parts + [name]).joined(separator: "/")
                if known.contains(whole) { continue }
                guard
                    let parent = try? root.handle.openInRoot(
                        parts.isEmpty ? "." : parts.joined(separator: "/"), O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
                    let status = try parent.status(of: name), !isWhiteout(status)
                else { break }
                let found = try below?.find(whole, following: false)
                switch status.st_mode & S_IFMT {
                case S_IFDIR:
                    let folder = try parent.openEntry(name, O_RDONLY | O_DIRECTORY)
                    guard try folder.entries().allSatisfy({ known.contains("\(whole)/\($0)") }) else { break }
                    if let found {
                        guard found.isFolder, found.status.st_mode == status.st_mode,
                            found.status.st_uid == status.st_uid,
                            found.status.st_gid == status.st_gid, try folder.attribute(opaqueAttribute) == nil
                        else { break }
                    }
                    points.append(whole)
                    known.insert(whole)
                    continue
                case S_IFREG where found == nil && status.st_size == 0:
                    points.append(whole)
                    known.insert(whole)
                    continue
                default: break
                }
                break
            }
        }
        return points
    }

    /// Walks all of it. With `epoch`, in seconds since 1970, nothing is newer than that afterwards.
    func contents(epoch: Int64? = nil) throws -> Contents {
        var contents = Contents()
        try walk(root.handle, "", epoch, &contents)
        return contents
    }

    private func walk(_ folder: borrowing OwnedFD, _ path: String, _ epoch: Int64?, _ contents: inout Contents) throws {
        guard path.utf8.count <= 4096 else { throw ImageError.tooLarge("a path of more than 4096 bytes") }
        for name in try folder.entries() {
            guard let status = try folder.status(of: name) else { continue }
            let kind = status.st_mode & S_IFMT
            if kind != S_IFSOCK { contents.isEmpty = false }
            if kind == S_IFDIR {
                let whole = path.isEmpty ? name : "\(path)/\(name)"
                let opened = try folder.openEntry(name, O_RDONLY | O_DIRECTORY)
                if try opened.attribute(opaqueAttribute) == [UInt8(ascii: "y")] { contents.opaque.append(whole) }
                guard try opened.attribute("trusted.overlay.redirect") == nil else {
                    throw ImageError.failed(
                        "/\(whole) was renamed in a way that only this kernel's overlayfs understands (its redirect_dir is on)"
                    )
                }
                try walk(opened, whole, epoch, &contents)
            }
            if let epoch, status.st_mtim.tv_sec >= epoch, !isWhiteout(status) {
                let time = timespec(tv_sec: Int(epoch), tv_nsec: 0)
                try folder.setTimes(of: name, access: time, modification: time)
            }
        }
    }
}
