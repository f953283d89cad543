import Glibc

/// A descriptor with one owner, closed with it; `raw` is for lending to a call, never for keeping.
package struct OwnedFD: ~Copyable, Sendable {
    package let raw: CInt

    /// Takes over `raw`, which nobody else may close.
    package init(owning raw: CInt) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }  // never retried: Linux has closed it even when it says EINTR

    /// Gives the descriptor up: the caller must close it, or hand it to something that does.
    package consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }

    /// A second descriptor for the same open file, closed on exec.
    package func duplicate() throws(SyscallError) -> OwnedFD {
        OwnedFD(owning: try syscall("fcntl(F_DUPFD_CLOEXEC)", on: "fd \(raw)") { fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }
}
