import Glibc

/// Removes `path` and everything below it, without following symbolic links or crossing into another file system.
///
/// A program in a container decides how deep the tree is and how long its paths are, so the cost in descriptors and
/// stack must not depend on that, and no limit may apply.
package func removeTree(_ path: String) throws(SyscallError) {
    if unlink(path) == 0 { return }
    let code = Errno.current
    switch code {
    case .notFound: return
    case .isDirectory, .notPermitted: break
    default: throw SyscallError(call: "unlink", object: path, code: code)
    }
    let top = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let device = try top.status().st_dev
    var removal = TreeRemoval(path: path, top: top, device: device)
    try removal.empty()
    if rmdir(path) == 0 || Errno.current == .notFound { return }
    throw SyscallError(call: "rmdir", object: path, code: .current)
}

private struct TreeRemoval: ~Copyable {
    let path: String
    let top: OwnedFD
    let device: dev_t
    /// The number of folders moved up to the top so far.
    private var moved = 0

    private static let deepest = 32

    init(path: String, top: consuming OwnedFD, device: dev_t) {
        self.path = path
        self.top = top
        self.device = device
    }

    mutating func empty() throws(SyscallError) {
        while true {
            let names = try top.entries()
            if names.isEmpty { return }
            for name in names { try remove(name, in: top.raw, depth: 0) }
        }
    }

    private mutating func remove(_ name: String, in folder: CInt, depth: Int) throws(SyscallError) {
        if unlinkat(folder, name, 0) == 0 { return }
        let code = Errno.current
        if code == .notFound { return }
        guard code == .isDirectory || code == .notPermitted else { throw failure("unlinkat", name, code) }
        guard depth < Self.deepest else { return try moveUp(name, from: folder) }
        let raw = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0 else {
            if Errno.current == .notFound { return }
            throw failure("openat", name, .current)
        }
        let child = OwnedFD(owning: raw)
        guard try child.status().st_dev == device else { throw failure("remove", name, .busy) }
        for entry in try child.entries() { try remove(entry, in: child.raw, depth: depth + 1) }
        if unlinkat(folder, name, AT_REMOVEDIR) == 0 || Errno.current == .notFound { return }
        throw failure("unlinkat", name, .current)
    }

    /// Moves a folder that is too deep to the top; it is handled there later.
    private mutating func moveUp(_ name: String, from folder: CInt) throws(SyscallError) {
        while true {
            moved += 1
            // This replaces an empty folder with that name, which does no harm.
            if renameat(folder, name, top.raw, ".berth-\(moved)") == 0 { return }
            let code = Errno.current
            guard [ENOTEMPTY, EEXIST, ENOTDIR].contains(code.rawValue) else { throw failure("renameat", name, code) }
        }
    }

    private func failure(_ call: StaticString, _ name: String, _ code: Errno) -> SyscallError {
        SyscallError(call: "\(call)", object: "\(path)/…/\(name)", code: code)
    }
}
