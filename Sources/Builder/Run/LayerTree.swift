import Dockerfile
import Glibc
import Images
import Linux

/// The tree that layers show, as a source of COPY --from.
struct LayerTree: SourceTree {
    let stack: LayerStack

    /// `folders` are the layers' folders, top first.
    init(_ folders: [String]) throws { stack = try LayerStack(folders) }

    func entry(_ path: String) throws -> SourceEntry? {
        guard let found = try stack.find(path, following: false) else { return nil }
        let status = found.status
        let kind: SourceEntry.Kind
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link(try found.linkTarget() ?? "")
        case S_IFSOCK: return nil
        default: kind = .node(type: status.st_mode & S_IFMT, device: UInt64(status.st_rdev))
        }
        return SourceEntry(
            path: path, kind: kind, mode: status.st_mode & 0o7777, user: status.st_uid, group: status.st_gid,
            size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
    }

    func names(in path: String) throws -> [String] {
        guard let found = try stack.find(path, following: false), found.isFolder else { return [] }
        return try stack.names(in: found)
    }

    /// The digest of a file's content.
    func digest(of path: String) throws -> String {
        guard let found = try stack.find(path, following: false) else { return "" }
        let file = try found.open()
        var hasher = DigestHasher()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { return "\(hasher.finish())" }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
