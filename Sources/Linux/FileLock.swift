import Glibc

/// A lock on a file (flock(2)), held until it is released, or until its holder and all that inherited the descriptor
/// have ended.
package struct FileLock: ~Copyable, Sendable {
    private let file: OwnedFD

    /// Tries to take the lock on `path` without waiting; creates a missing file with mode 0600.
    /// - Returns: nil when somebody else holds it.
    package static func attempt(_ path: String) throws(SyscallError) -> FileLock? {
        let file = try openFile(path, O_RDWR | O_CREAT)
        do throws(SyscallError) {
            try syscall("flock", on: path) { flock(file.raw, LOCK_EX | LOCK_NB) }
        } catch  where error.code == .again {
            return nil
        }
        return FileLock(file: file)
    }

    /// Takes the lock on `path`, and waits as long as somebody else holds it; do not call it on the cooperative pool.
    package static func wait(_ path: String) throws(SyscallError) -> FileLock {
        let file = try openFile(path, O_RDWR | O_CREAT)
        try syscall("flock", on: path) { flock(file.raw, LOCK_EX) }
        return FileLock(file: file)
    }

    /// Whether somebody holds the lock on `path` now; false when there is no such file.
    package static func isHeld(_ path: String) throws(SyscallError) -> Bool {
        do throws(SyscallError) {
            let file = try openFile(path, O_RDONLY)
            try syscall("flock", on: path) { flock(file.raw, LOCK_SH | LOCK_NB) }
            return false
        } catch {
            if error.code == .notFound { return false }
            if error.code == .again { return true }
            throw error
        }
    }

    /// Takes ownership of a descriptor that already holds a lock.
    package init(holding file: consuming OwnedFD) { self.file = file }

    /// The descriptor that holds the lock, for passing it on.
    package var descriptor: CInt { file.raw }

    private init(file: consuming OwnedFD) { self.file = file }
}
