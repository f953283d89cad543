import CLinux
import Glibc

/// Opens `path` (open(2)); always sets close-on-exec.
package func openFile(
    _ path: String, _ flags: CInt, mode: mode_t = 0o600
) throws(SyscallError) -> OwnedFD {
    OwnedFD(owning: try syscall("open", on: path) { open(path, flags | O_CLOEXEC, mode) })
}

extension OwnedFD {
    /// Reads up to `buffer.count` bytes; 0 at the end (read(2)).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SyscallError) -> Int {
        try syscall("read", on: "fd \(raw)") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
    }

    /// Up to `size` bytes, as many as are available; empty at the end.
    package func readPiece(_ size: Int) throws(SyscallError) -> [UInt8] {
        var failure: SyscallError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            do throws(SyscallError) { count = try read(into: UnsafeMutableRawBufferPointer(buffer)) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes` (write(2)); for a blocking descriptor.
    package func write(_ bytes: some Collection<UInt8>) throws(SyscallError) {
        let bytes = Array(bytes)
        var done = 0
        while done < bytes.count {
            done += try syscall("write", on: "fd \(raw)") {
                bytes.withUnsafeBytes { Glibc.write(raw, $0.baseAddress?.advanced(by: done), bytes.count - done) }
            }
        }
    }

    /// Reads to the end.
    /// - Throws: `.tooLarge` when that is more than `limit` bytes.
    package func readToEnd(limit: Int = fileSizeLimit) throws(SyscallError) -> [UInt8] {
        let bytes = try readBeginning(limit + 1)
        guard bytes.count <= limit else { throw SyscallError(call: "read", object: "fd \(raw)", code: .tooLarge) }
        return bytes
    }

    /// Reads `count` bytes, or fewer if the end comes first.
    package func readBeginning(_ count: Int) throws(SyscallError) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(count, 16384))
        while result.count < count {
            let room = min(chunk.count, count - result.count)
            let read = try syscall("read", on: "fd \(raw)") {
                chunk.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, room) }
            }
            if read == 0 { break }
            result.append(contentsOf: chunk[..<read])
        }
        return result
    }
}

/// The default limit for a file that is read as a whole, in bytes.
package let fileSizeLimit = 64 << 20

/// The content of the file at `path`.
/// - Throws: `.tooLarge` when it has more than `limit` bytes.
package func readFile(_ path: String, limit: Int = fileSizeLimit) throws(SyscallError) -> [UInt8] {
    let file = try openFile(path, O_RDONLY)
    do throws(SyscallError) { return try file.readToEnd(limit: limit) } catch {
        throw SyscallError(call: error.call, object: path, code: error.code)
    }
}

/// The content of the file at `path` as text, with invalid UTF-8 replaced.
/// - Throws: `.tooLarge` when it has more than `limit` bytes.
package func readText(_ path: String, limit: Int = fileSizeLimit) throws(SyscallError) -> String {
    String(decoding: try readFile(path, limit: limit), as: UTF8.self)
}

/// Writes to the existing file at `path` in one write, as the kernel's control files require.
package func writeControlFile(_ path: String, _ text: String) throws(SyscallError) {
    let file = try openFile(path, O_WRONLY)
    let bytes = Array(text.utf8)
    try syscall("write", on: path) { Glibc.write(file.raw, bytes, bytes.count) }
}

/// Replaces the file at `path` atomically: readers see the old content or the new, with `durable` also after a crash.
///
/// The new content is first written to a file beside it whose name ends in `.new`.
package func writeFileAtomically(
    _ path: String, _ bytes: some Collection<UInt8>, mode: mode_t = 0o600, durable: Bool = false
) throws(SyscallError) {
    // A different name for each thread, so that two concurrent writers do not mix their content.
    let temporary = "\(path).\(berth_gettid()).new"
    do throws(SyscallError) {
        let file = try openFile(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.write(bytes)
        if durable { try syscall("fsync", on: temporary) { fsync(file.raw) } }
    } catch {
        unlink(temporary)
        throw error
    }
    try syscall("rename", on: path) { rename(temporary, path) }
    if durable { try syncFolder(of: path) }
}

/// Creates an empty file at `path`, opened for writing; replaces existing content.
package func createFile(_ path: String, mode: mode_t = 0o600) throws(SyscallError) -> OwnedFD {
    try openFile(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
}

/// Whether a folder is at `path`; a link to one does not count.
package func isFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Moves a file or folder to `target`, and replaces what is there.
package func moveFile(_ path: String, to target: String) throws(SyscallError) {
    try syscall("rename", on: target) { rename(path, target) }
}

/// Makes a rename in the folder of `path` survive a crash.
package func syncFolder(of path: String) throws(SyscallError) {
    let folder = path.lastSlash.map { String(path[..<$0]) } ?? "."
    let descriptor = try openFile(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY)
    try syscall("fsync", on: folder) { fsync(descriptor.raw) }
}

/// Creates the folder `path` and missing folders above it.
package func makeFolders(_ path: String, mode: mode_t = 0o755) throws(SyscallError) {
    if mkdir(path, mode) == 0 { return }
    let code = Errno.current
    switch code {
    case .exists: return
    case .notFound:
        guard let slash = path.lastSlash, slash != path.startIndex else { break }
        try makeFolders(String(path[..<slash]), mode: mode)
        if mkdir(path, mode) == 0 || Errno.current == .exists { return }
    default: break
    }
    throw SyscallError(call: "mkdir", object: path, code: code)
}

/// Whether something is at `path`; a dangling symbolic link does not count.
package func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// The names in the folder at `path`, without "." and "..", sorted.
package func folderEntries(_ path: String) throws(SyscallError) -> [String] {
    guard let folder = opendir(path) else { throw SyscallError(call: "opendir", object: path, code: .current) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Moves the file offset to the beginning (lseek(2)); no effect on a pipe.
package func rewind(_ descriptor: CInt) { _ = lseek(descriptor, 0, SEEK_SET) }

/// A new unnamed file below `folder`, for reading and writing; it disappears with its last descriptor.
package func openNamelessFile(in folder: String) throws(SyscallError) -> OwnedFD {
    var template = Array("\(folder)/berth-XXXXXX".utf8CString)
    let descriptor = OwnedFD(owning: try syscall("mkstemp", on: folder) { mkstemp(&template) })
    _ = fcntl(descriptor.raw, F_SETFD, FD_CLOEXEC)
    unlink(template)
    return descriptor
}
