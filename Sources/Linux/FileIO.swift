import CLinux
import Glibc

/// Opens `path` (open(2)); close-on-exec is always set.
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

    /// Reads to the end, at most `limit` bytes: what is longer is cut off there.
    package func readToEnd(limit: Int = 64 << 20) throws(SyscallError) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while result.count < limit {
            let count = try syscall("read", on: "fd \(raw)") {
                chunk.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
            }
            if count == 0 { break }
            result.append(contentsOf: chunk[..<min(count, limit - result.count)])
        }
        return result
    }
}

/// The content of the file at `path`, at most `limit` bytes.
package func readFile(_ path: String, limit: Int = 64 << 20) throws(SyscallError) -> [UInt8] {
    try openFile(path, O_RDONLY).readToEnd(limit: limit)
}

/// The content of the file at `path` as text, invalid UTF-8 repaired.
package func readText(_ path: String, limit: Int = 1 << 20) throws(SyscallError) -> String {
    String(decoding: try readFile(path, limit: limit), as: UTF8.self)
}

/// Writes `bytes` into the existing file at `path` in one write, as the kernel's control files want it.
package func writeControlFile(_ path: String, _ text: String) throws(SyscallError) {
    let file = try openFile(path, O_WRONLY)
    let bytes = Array(text.utf8)
    try syscall("write", on: path) { Glibc.write(file.raw, bytes, bytes.count) }
}

/// Replaces the file at `path` as a whole: readers see the old content or the new, also after a crash when `durable`.
///
/// Until then it is a file beside it whose name ends in `.new`.
package func writeFileAtomically(
    _ path: String, _ bytes: some Collection<UInt8>, mode: mode_t = 0o600, durable: Bool = false
) throws(SyscallError) {
    // One for each thread: two that write the same file at once must not write into each other's.
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

/// Makes a rename in the folder of `path` survive a crash.
package func syncFolder(of path: String) throws(SyscallError) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = try openFile(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY)
    try syscall("fsync", on: folder) { fsync(descriptor.raw) }
}

/// Makes the folder `path` and those above it that are missing.
package func makeFolders(_ path: String, mode: mode_t = 0o755) throws(SyscallError) {
    if mkdir(path, mode) == 0 { return }
    let code = Errno.current
    switch code {
    case .exists: return
    case .notFound:
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { break }
        try makeFolders(String(path[..<slash]), mode: mode)
        if mkdir(path, mode) == 0 || Errno.current == .exists { return }
    default: break
    }
    throw SyscallError(call: "mkdir", object: path, code: code)
}

/// Whether something is at `path`; a dangling symbolic link counts as nothing.
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
