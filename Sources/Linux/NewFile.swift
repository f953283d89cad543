import Glibc

/// A file that takes its path when it is whole; until then it has another name beside it, and is gone with this when it is not kept.
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

    /// Lent, not given.
    package var descriptor: CInt { file.raw }

    package func keep() throws(SyscallError) {
        try syscall("rename", on: path) { rename(temporary, path) }
        isKept = true
    }
}
