import Glibc

/// An error number of the kernel (errno(3)).
package struct Errno: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: CInt

    package init(rawValue: CInt) { self.rawValue = rawValue }

    /// The calling thread's errno; read it before anything else can change it.
    package static var current: Errno { Errno(rawValue: errno) }

    package static let notPermitted = Errno(rawValue: EPERM)
    package static let notFound = Errno(rawValue: ENOENT)
    package static let noSuchProcess = Errno(rawValue: ESRCH)
    package static let interrupted = Errno(rawValue: EINTR)
    package static let badDescriptor = Errno(rawValue: EBADF)
    package static let again = Errno(rawValue: EAGAIN)
    package static let accessDenied = Errno(rawValue: EACCES)
    package static let badAddress = Errno(rawValue: EFAULT)
    package static let busy = Errno(rawValue: EBUSY)
    package static let exists = Errno(rawValue: EEXIST)
    package static let notDirectory = Errno(rawValue: ENOTDIR)
    package static let isDirectory = Errno(rawValue: EISDIR)
    package static let invalid = Errno(rawValue: EINVAL)
    package static let noSpace = Errno(rawValue: ENOSPC)
    package static let readOnly = Errno(rawValue: EROFS)
    package static let notImplemented = Errno(rawValue: ENOSYS)
    package static let notEmpty = Errno(rawValue: ENOTEMPTY)
    package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    package static let addressInUse = Errno(rawValue: EADDRINUSE)
    package static let notSupported = Errno(rawValue: EOPNOTSUPP)
    package static let tooLarge = Errno(rawValue: EFBIG)
    package static let tooManyFiles = Errno(rawValue: EMFILE)

    /// The text of strerror(3).
    package var description: String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(rawValue, &buffer, buffer.count) == 0 else { return "error \(rawValue)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
