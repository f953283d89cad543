import Glibc

/// A descriptor with one owner, closed with it. Use `raw` only for the duration of a call.
package struct OwnedFD: ~Copyable, Sendable {
    package let raw: CInt

    /// Takes ownership of `raw`; nobody else may close it.
    package init(owning raw: CInt) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }  // never retried: Linux has closed it even when it says EINTR

    /// Gives up ownership: the caller must close the descriptor, or pass it on.
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
