import CLinux
import Glibc

/// Two descriptors from one call: the ends of a pipe (reading end first) or of a socket pair.
///
/// Each can be taken once; the rest is closed with the pair.
package struct DescriptorPair: ~Copyable, Sendable {
    private var ends: (CInt, CInt)

    package init(first: consuming OwnedFD, second: consuming OwnedFD) {
        ends = (first.release(), second.release())
    }

    /// A pipe (pipe2(2)): the reading end first, both close-on-exec.
    package static func pipe(nonblocking: Bool = false) throws(SyscallError) -> DescriptorPair {
        var ends: [CInt] = [-1, -1]
        let flags = O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0)
        try syscall("pipe2", on: "pipe") { berth_pipe2(&ends, flags) }
        return DescriptorPair(first: OwnedFD(owning: ends[0]), second: OwnedFD(owning: ends[1]))
    }

    deinit {
        for end in [ends.0, ends.1] where end >= 0 { close(end) }
    }

    /// Returns the first descriptor, which the caller then owns. Taking it twice is a bug and traps.
    package mutating func takeFirst() -> OwnedFD {
        precondition(ends.0 >= 0, "descriptor taken twice")
        defer { ends.0 = -1 }
        return OwnedFD(owning: ends.0)
    }

    /// Returns the second descriptor, which the caller then owns. Taking it twice is a bug and traps.
    package mutating func takeSecond() -> OwnedFD {
        precondition(ends.1 >= 0, "descriptor taken twice")
        defer { ends.1 = -1 }
        return OwnedFD(owning: ends.1)
    }
}
