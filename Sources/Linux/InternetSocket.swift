import Addresses
import Glibc

/// An address and a port: one end of TCP or UDP.
package struct SocketEndpoint: Hashable, Sendable, Codable, CustomStringConvertible {
    package var address: IPAddress
    package var port: UInt16

    package init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `1.2.3.4:80`, `[::1]:80`.
    package var description: String { "\(address.hostText):\(port)" }
}

/// TCP and UDP sockets (ip(7), ipv6(7), tcp(7), udp(7)), in the network namespace of the thread that opens them.
package enum InternetSocket {
    package enum Kind: String, Codable, Hashable, Sendable { case tcp, udp }

    /// A socket of `family`; an IPv6 socket does not accept IPv4.
    package static func open(
        _ family: IPAddress.Family, _ kind: Kind, nonblocking: Bool = true
    ) throws(SyscallError) -> OwnedFD {
        let type = CInt((kind == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        let flags = CInt(SOCK_CLOEXEC.rawValue) | (nonblocking ? CInt(SOCK_NONBLOCK.rawValue) : 0)
        let descriptor = OwnedFD(
            owning: try syscall("socket", on: "\(kind)") { socket(family == .v4 ? AF_INET : AF_INET6, type | flags, 0) }
        )
        if family == .v6 {
            try setOption(descriptor.raw, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1)
        }
        return descriptor
    }

    package static func setOption(
        _ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt
    ) throws(SyscallError) {
        var value = value
        try syscall("setsockopt", on: "option \(name)") {
            setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    package static func bind(_ descriptor: CInt, to endpoint: SocketEndpoint) throws(SyscallError) {
        try syscall("bind", on: "\(endpoint)") {
            withRawAddress(of: endpoint) { Glibc.bind(descriptor, $0, $1) }
        }
    }

    /// - Throws: `EINPROGRESS` for a non-blocking socket; it becomes writable when the connection is established or has
    ///   failed.
    package static func connect(_ descriptor: CInt, to endpoint: SocketEndpoint) throws(SyscallError) {
        try syscall("connect", on: "\(endpoint)") {
            withRawAddress(of: endpoint) { Glibc.connect(descriptor, $0, $1) }
        }
    }

    package static func listen(_ descriptor: CInt, backlog: CInt = 511) throws(SyscallError) {
        try syscall("listen", on: "fd \(descriptor)") { Glibc.listen(descriptor, backlog) }
    }

    /// The next connection; nil when none is pending on a non-blocking socket, or the client has gone.
    package static func accept(
        _ listener: CInt, nonblocking: Bool = true
    ) throws(SyscallError) -> (descriptor: CInt, peer: SocketEndpoint?)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(listener, $0, &length) }
        }
        guard descriptor >= 0 else {
            let code = Errno.current
            let isPassing: Set<CInt> = [EAGAIN, EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH]
            if isPassing.contains(code.rawValue) { return nil }
            throw SyscallError(call: "accept", object: "fd \(listener)", code: code)
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        if nonblocking { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }
        return (descriptor, endpoint(storage))
    }

    /// The socket's own address and port.
    package static func localEndpoint(_ descriptor: CInt) throws(SyscallError) -> SocketEndpoint? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try syscall("getsockname", on: "fd \(descriptor)") {
            withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            }
        }
        return endpoint(storage)
    }

    /// The error of a failed connection attempt; nil after success.
    package static func pendingError(_ descriptor: CInt) -> Errno? {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return .current }
        return code == 0 ? nil : Errno(rawValue: code)
    }

    /// Sends one datagram; with a nil `endpoint` to the address that the socket is connected to.
    package static func send(
        _ descriptor: CInt, _ bytes: [UInt8], to endpoint: SocketEndpoint? = nil
    ) throws(SyscallError) {
        try syscall("sendto", on: endpoint.map { "\($0)" } ?? "fd \(descriptor)") {
            guard let endpoint else { return Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
            return withRawAddress(of: endpoint) {
                sendto(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL), $0, $1)
            }
        }
    }

    /// Receives one datagram into `buffer`; nil when none is pending on a non-blocking socket.
    package static func receive(
        _ descriptor: CInt, into buffer: inout [UInt8]
    ) throws(SyscallError) -> (count: Int, from: SocketEndpoint?)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                buffer.withUnsafeMutableBytes { recvfrom(descriptor, $0.baseAddress, $0.count, 0, address, &length) }
            }
        }
        guard count >= 0 else {
            let code = Errno.current
            if code == .again || code == .interrupted { return nil }
            throw SyscallError(call: "recvfrom", object: "fd \(descriptor)", code: code)
        }
        return (count, endpoint(storage))
    }

    private static func withRawAddress<Result>(
        of endpoint: SocketEndpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        switch endpoint.address {
        case .v4(let value):
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = endpoint.port.bigEndian
            raw.sin_addr.s_addr = value.bigEndian
            return rebound(raw, body)
        case .v6(let value):
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = endpoint.port.bigEndian
            withUnsafeMutableBytes(of: &raw.sin6_addr) { $0.storeBytes(of: value.bigEndian, as: UInt128.self) }
            return rebound(raw, body)
        }
    }

    private static func rebound<Raw, Result>(
        _ raw: Raw, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Raw>.size)) }
        }
    }

    private static func endpoint(_ storage: sockaddr_storage) -> SocketEndpoint? {
        withUnsafeBytes(of: storage) { bytes in
            switch CInt(storage.ss_family) {
            case AF_INET:
                let raw = bytes.loadUnaligned(as: sockaddr_in.self)
                return SocketEndpoint(.v4(UInt32(bigEndian: raw.sin_addr.s_addr)), UInt16(bigEndian: raw.sin_port))
            case AF_INET6:
                let raw = bytes.loadUnaligned(as: sockaddr_in6.self)
                guard let address = withUnsafeBytes(of: raw.sin6_addr, { IPAddress(bytes: $0) }) else { return nil }
                return SocketEndpoint(address, UInt16(bigEndian: raw.sin6_port))
            default: return nil
            }
        }
    }
}
