import Glibc

/// A blocking connection to the UNIX stream socket at `path` (unix(7)), closed on exec.
/// - Throws: `notFound` or `connectionRefused` when nobody listens, `accessDenied` without permission, ENAMETOOLONG
///   above 107 bytes.
package func connectToUnixSocket(_ path: String) throws(SyscallError) -> OwnedFD {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw SyscallError(call: "connect", object: path, code: Errno(rawValue: ENAMETOOLONG))
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = OwnedFD(owning: try syscall("socket", on: path) { socket(AF_UNIX, kind, 0) })
    try syscall("connect", on: path) {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                connect(descriptor.raw, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
    return descriptor
}

extension OwnedFD {
    /// Writes as much of `bytes` as possible to a socket without waiting (send(2)); 0 when nothing is possible now.
    package func sendWhatFits(_ bytes: ArraySlice<UInt8>) throws(SyscallError) -> Int {
        do throws(SyscallError) {
            return try syscall("send", on: "fd \(raw)") {
                bytes.withUnsafeBytes {
                    send(raw, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
                }
            }
        } catch {
            if error.code == .again { return 0 }
            throw error
        }
    }

    /// Reads up to `limit` bytes; empty at the end (read(2)).
    package func readSome(limit: Int = 65536) throws(SyscallError) -> [UInt8] {
        try readDescriptor(raw, limit: limit)
    }
}

/// Reads up to `limit` bytes from a descriptor that somebody else owns; empty at the end (read(2)).
package func readDescriptor(_ raw: CInt, limit: Int = 65536) throws(SyscallError) -> [UInt8] {
    var chunk = [UInt8](repeating: 0, count: limit)
    let count = try syscall("read", on: "fd \(raw)") {
        chunk.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
    }
    chunk.removeLast(limit - count)
    return chunk
}

/// Writes all of `bytes` to a descriptor that somebody else owns (write(2)); waits if it would block.
package func writeDescriptor(_ raw: CInt, _ bytes: [UInt8]) throws(SyscallError) {
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes { Glibc.write(raw, $0.baseAddress?.advanced(by: done), bytes.count - done) }
        let code = Errno.current
        if count >= 0 {
            done += count
        } else if code == .again {
            // Another program set this terminal or pipe to non-blocking.
            var ready = [Readiness(raw, for: .writing)]
            try waitForReadiness(&ready)
        } else if code != .interrupted {
            throw SyscallError(call: "write", object: "fd \(raw)", code: code)
        }
    }
}
