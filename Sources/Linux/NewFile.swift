import Glibc

/// A file that gets its path when it is complete. Until then it has another name in the same folder; it is removed with
/// this object unless it is kept.
package final class NewFile {
    private let file: OwnedFD
    private let path: String
    private let temporary: String
    private var isKept = false

    package init(_ path: String) throws(SyscallError) {
        self.path = path
        temporary = "\(path).\(getpid()).new"
        file = try openFile(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    }

    deinit { if !isKept { unlink(temporary) } }

    /// This object still owns it.
    package var descriptor: CInt { file.raw }

    package func keep() throws(SyscallError) {
        try syscall("rename", on: path) { rename(temporary, path) }
        isKept = true
    }
}
