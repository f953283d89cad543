import CLinux
import Glibc

/// Rules for resolving a path below a folder's descriptor (openat2(2)).
///
/// The folder is the root: `..` and absolute symbolic links cannot leave it, and `/proc`'s magic links are refused.
private let insideRoot = UInt64(BERTH_RESOLVE_IN_ROOT | BERTH_RESOLVE_NO_MAGICLINKS)

// Calls on a folder's descriptor. `path` is resolved with the folder as root; `name` is one component and is never
// followed.
extension OwnedFD {
    /// Opens `path` with this folder as its root; always sets close-on-exec (openat2(2)).
    package func openInRoot(_ path: String, _ flags: CInt, mode: mode_t = 0) throws(SyscallError) -> OwnedFD {
        let flags = UInt64(UInt32(bitPattern: flags | O_CLOEXEC))
        return OwnedFD(
            owning: try syscall("openat2", on: path) { berth_openat2(raw, path, flags, UInt64(mode), insideRoot) })
    }

    /// A descriptor of the folder at `path` for the calls below, but not for reading.
    package func folderInRoot(_ path: String) throws(SyscallError) -> OwnedFD {
        try openInRoot(path.isEmpty ? "." : path, CInt(BERTH_O_PATH) | O_DIRECTORY)
    }

    /// Opens `name`, which must not be a symbolic link.
    package func openEntry(_ name: String, _ flags: CInt, mode: mode_t = 0) throws(SyscallError) -> OwnedFD {
        OwnedFD(owning: try syscall("openat", on: name) { openat(raw, name, flags | O_CLOEXEC | O_NOFOLLOW, mode) })
    }

    /// The status of `name`; nil when nothing is there (fstatat(2)).
    package func status(of name: String) throws(SyscallError) -> stat? {
        var status = stat()
        if fstatat(raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
        let code = Errno.current
        if code == .notFound { return nil }
        throw SyscallError(call: "fstatat", object: name, code: code)
    }

    /// The status of the descriptor itself (fstat(2)).
    package func status() throws(SyscallError) -> stat {
        var status = stat()
        try syscall("fstat", on: "fd \(raw)") { fstat(raw, &status) }
        return status
    }

    package func makeFolder(_ name: String, mode: mode_t = 0o755) throws(SyscallError) {
        try syscall("mkdirat", on: name) { mkdirat(raw, name, mode) }
    }

    package func makeSymbolicLink(_ name: String, to target: String) throws(SyscallError) {
        try syscall("symlinkat", on: name) { symlinkat(target, raw, name) }
    }

    /// Creates a device, a FIFO or a whiteout (mknod(2)); `mode` includes the type.
    package func makeNode(_ name: String, mode: mode_t, device: dev_t = 0) throws(SyscallError) {
        try syscall("mknodat", on: name) { mknodat(raw, name, mode, device) }
    }

    /// Makes `name` another name of `original` in `folder`; does not follow a symbolic link.
    package func makeHardLink(
        _ name: String, to original: String, in folder: borrowing OwnedFD
    ) throws(SyscallError) {
        let source = folder.raw
        try syscall("linkat", on: name) { linkat(source, original, raw, name, 0) }
    }

    /// The target of the symbolic link `name`; nil when it is not a link.
    package func linkTarget(of name: String) throws(SyscallError) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlinkat(raw, name, &buffer, buffer.count)
        let code = Errno.current
        if count >= 0 { return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) }
        if code == .invalid || code == .notFound { return nil }
        throw SyscallError(call: "readlinkat", object: name, code: code)
    }

    /// Renames `name` to `other` in the same folder, and replaces what has that name (renameat2(2)).
    package func rename(_ name: String, to other: String) throws(SyscallError) {
        try syscall("renameat2", on: other) { berth_renameat2(raw, name, raw, other, 0) }
    }

    /// Removes `name`, and everything below it if it is a folder. It is no error if there is nothing.
    package func removeEntry(_ name: String) throws(SyscallError) {
        if unlinkat(raw, name, 0) == 0 { return }
        let code = Errno.current
        if code == .notFound { return }
        guard code == .isDirectory || code == .notPermitted else {
            throw SyscallError(call: "unlinkat", object: name, code: code)
        }
        let folder = try openEntry(name, O_RDONLY | O_DIRECTORY)
        for child in try folder.entries() { try folder.removeEntry(child) }
        try syscall("unlinkat", on: name) { unlinkat(raw, name, AT_REMOVEDIR) }
    }

    /// The names in the folder, without "." and "..", unsorted.
    package func entries() throws(SyscallError) -> [String] {
        // A separate descriptor, because closedir(3) closes the one it was given, and O_PATH cannot be read.
        let listed = openat(raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard listed >= 0, let folder = fdopendir(listed) else {
            throw SyscallError(call: "fdopendir", object: "fd \(raw)", code: .current)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
