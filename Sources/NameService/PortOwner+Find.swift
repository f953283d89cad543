import Glibc
import Linux

extension PortOwner {
    /// The process whose socket prevents others from using `endpoint`, in the caller's network namespace; nil when
    /// /proc does not show it.
    ///
    /// Reads the descriptors of every process, so do not call it on a thread that others wait for.
    package static func find(_ endpoint: SocketEndpoint, _ transport: InternetSocket.Kind) -> PortOwner? {
        var inodes: Set<String> = []
        for table in ["\(transport.rawValue)", "\(transport.rawValue)6"] {
            guard let text = try? readText("/proc/self/net/\(table)", limit: 64 << 20) else { continue }
            for line in text.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ", omittingEmptySubsequences: true)
                guard fields.count > 9, let local = parse(fields[1]), local.port == endpoint.port,
                    isInTheWay(local.address, of: endpoint.address), fields[9] != "0"
                else { continue }
                inodes.insert("socket:[\(fields[9])]")
            }
        }
        return inodes.isEmpty ? nil : process(holding: inodes)
    }

    /// A wildcard conflicts with every address of its family; an IPv6 wildcard that accepts IPv4 conflicts with those
    /// too.
    private static func isInTheWay(_ other: IPAddress, of address: IPAddress) -> Bool {
        if other == .anyV6 { return true }
        return other.family == address.family && (other == address || other.isUnspecified || address.isUnspecified)
    }

    /// `0100007F:1F90`: words of four bytes in the machine's byte order, then the port (proc_pid_net(5)).
    private static func parse(_ field: Substring) -> SocketEndpoint? {
        let parts = field.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
        var bytes: [UInt8] = []
        var rest = parts[0]
        while rest.utf8.count >= 8 {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            withUnsafeBytes(of: word) { bytes += $0 }
            rest = rest.dropFirst(8)
        }
        return IPAddress(bytes: bytes).map { SocketEndpoint($0, port) }
    }

    private static func process(holding inodes: Set<String>) -> PortOwner? {
        for name in (try? folderEntries("/proc")) ?? [] {
            guard let pid = Int32(name) else { continue }
            for entry in (try? folderEntries("/proc/\(name)/fd")) ?? [] {
                guard let target = readLink("/proc/\(name)/fd/\(entry)"), inodes.contains(target) else { continue }
                let program = (try? readText("/proc/\(name)/comm")) ?? ""
                return PortOwner(pid: pid, program: String(program.prefix { $0 != "\n" }))
            }
        }
        return nil
    }

    private static func readLink(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
