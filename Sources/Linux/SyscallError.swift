import Glibc

/// A system call that failed: which one, on which object, with which errno.
package struct SyscallError: Error, Hashable, Sendable, CustomStringConvertible {
    package let call: String
    package let object: String
    package let code: Errno

    package init(call: String, object: String, code: Errno) {
        self.call = call
        self.object = object
        self.code = code
    }

    package var description: String { "\(call) \(object): \(code)" }

    /// The disk is full, or the user's quota is used up (errno(3)).
    package var isFullDisk: Bool { code == .noSpace || code.rawValue == EDQUOT }
}

/// Repeats a system call while a signal interrupts it, and throws when it fails.
///
/// EBADF and EFAULT are bugs of berth that nothing outside can cause, so they trap.
@discardableResult
package func syscall<Result: SignedInteger>(
    _ call: StaticString, on object: @autoclosure () -> String, _ body: () -> Result
) throws(SyscallError) -> Result {
    while true {
        let result = body()
        let code = Errno.current  // first, before anything can overwrite it
        if result >= 0 { return result }
        if code == .interrupted { continue }
        precondition(code != .badDescriptor && code != .badAddress, "\(call) on \(object()): \(code)")
        throw SyscallError(call: "\(call)", object: object(), code: code)
    }
}
