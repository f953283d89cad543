import Glibc

/// UNIX domain sockets (unix(7)); all descriptors are close-on-exec.
package enum UnixSocket {
    package enum Kind: Sendable {
        /// A byte stream.
        case stream
        /// Messages over a connection, in order.
        case packets
        /// Messages without a connection.
        case datagrams
    }

    /// Two connected sockets.
    package static func pair(_ kind: Kind = .stream, nonblocking: Bool = false) throws(SyscallError) -> DescriptorPair {
        var pair: [CInt] = [-1, -1]
        try syscall("socketpair", on: "unix") { socketpair(AF_UNIX, type(kind, nonblocking), 0, &pair) }
        return DescriptorPair(first: OwnedFD(owning: pair[0]), second: OwnedFD(owning: pair[1]))
    }

    /// Listens at `path` and replaces an old socket file; only this user may connect, unless `mode` says otherwise.
    package static func listen(
        _ path: String, kind: Kind = .stream, mode: mode_t = 0o600, backlog: CInt = 64, nonblocking: Bool = false
    ) throws(SyscallError) -> OwnedFD {
        let listener = try socket(kind, nonblocking, path)
        unlink(path)
        // The mode of the file comes from the socket's mode and the umask (unix(7)), so it is never wider than
        // requested.
        fchmod(listener.raw, mode)
        try withAddress(path, listener.raw, "bind", Glibc.bind)
        try syscall("chmod", on: path) { chmod(path, mode) }
        try syscall("listen", on: path) { Glibc.listen(listener.raw, backlog) }
        return listener
    }

    /// The next connection; nil when none is pending on a non-blocking listener, or the client has gone.
    package static func accept(_ listener: CInt, nonblocking: Bool = false) throws(SyscallError) -> OwnedFD? {
        let result = Glibc.accept(listener, nil, nil)
        let code = Errno.current
        if result < 0 {
            if code == .again || code == .interrupted || code.rawValue == ECONNABORTED { return nil }
            throw SyscallError(call: "accept", object: "fd \(listener)", code: code)
        }
        let connection = OwnedFD(owning: result)
        try syscall("fcntl(F_SETFD)", on: "fd \(result)") { fcntl(result, F_SETFD, FD_CLOEXEC) }
        if nonblocking { try setNonblocking(result) }
        return connection
    }

    /// A connection to the listener at `path`. One that must not wait fails with EAGAIN when the listener's queue is
    /// full.
    package static func connect(
        _ path: String, kind: Kind = .stream, nonblocking: Bool = false, waits: Bool = true
    ) throws(SyscallError) -> OwnedFD {
        let connection = try socket(kind, !waits, path)
        try withAddress(path, connection.raw, "connect", Glibc.connect)
        if nonblocking != !waits { try setNonblocking(connection.raw, nonblocking) }
        return connection
    }

    /// Makes reads and writes of `descriptor` fail with EAGAIN instead of blocking.
    package static func setNonblocking(_ descriptor: CInt, _ isNonblocking: Bool = true) throws(SyscallError) {
        let flags = try syscall("fcntl(F_GETFL)", on: "fd \(descriptor)") { fcntl(descriptor, F_GETFL) }
        try syscall("fcntl(F_SETFL)", on: "fd \(descriptor)") {
            fcntl(descriptor, F_SETFL, isNonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)
        }
    }

    private static func type(_ kind: Kind, _ nonblocking: Bool) -> CInt {
        let type =
            switch kind {
            case .stream: SOCK_STREAM.rawValue
            case .packets: SOCK_SEQPACKET.rawValue
            case .datagrams: SOCK_DGRAM.rawValue
            }
        return CInt(type) | CInt(SOCK_CLOEXEC.rawValue) | (nonblocking ? CInt(SOCK_NONBLOCK.rawValue) : 0)
    }

    private static func socket(_ kind: Kind, _ nonblocking: Bool, _ path: String) throws(SyscallError) -> OwnedFD {
        OwnedFD(owning: try syscall("socket", on: path) { Glibc.socket(AF_UNIX, type(kind, nonblocking), 0) })
    }

    /// A path of more than 107 bytes does not fit into sockaddr_un, so use a descriptor of its folder.
    private static func withAddress(
        _ path: String, _ descriptor: CInt, _ name: StaticString,
        _ call: (CInt, UnsafePointer<sockaddr>?, socklen_t) -> CInt
    ) throws(SyscallError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path) - 1
        var short = path
        var folder: OwnedFD?
        if path.utf8.count > capacity, let slash = path.lastSlash {
            let opened = try openFile(String(path[..<slash]), O_RDONLY | O_DIRECTORY)
            short = "/proc/self/fd/\(opened.raw)\(path[slash...])"
            folder = consume opened
        }
        guard short.utf8.count <= capacity else {
            throw SyscallError(call: "\(name)", object: path, code: Errno(rawValue: ENAMETOOLONG))
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: short.utf8) }
        try syscall(name, on: path) {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        _ = consume folder
    }
}
