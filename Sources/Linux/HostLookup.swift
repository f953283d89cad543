import Addresses
import Glibc

/// Resolves host names to addresses with the machine's resolver (getaddrinfo(3)).
package enum HostLookup {
    /// The addresses in the order to try them; empty for an unknown name. Blocks for name servers.
    package static func addresses(of host: String) -> [IPAddress] {
        if let address = IPAddress(host) { return [address] }
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var result: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr.flatMap({ address($0, entry.pointee.ai_family) }) {
                result.append(address)
            }
            next = entry.pointee.ai_next
        }
        return result
    }

    private static func address(_ raw: UnsafePointer<sockaddr>, _ family: CInt) -> IPAddress? {
        switch family {
        case AF_INET:
            return raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                .v4(UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            return raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin6_addr) { IPAddress(bytes: $0) }
            }
        default: return nil
        }
    }
}
