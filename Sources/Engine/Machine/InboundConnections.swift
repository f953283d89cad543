import Linux

/// Connections from outside to programs of a network namespace: /proc/PID/net/tcp and tcp6 (proc_pid_net(5)).
package enum InboundConnections {
    /// Whether such a connection is open: one to a listening port in the namespace of process `pid`.
    package static func areOpen(inNamespaceOf pid: Int32) -> Bool {
        let text = ["tcp", "tcp6"].map { (try? readText("/proc/\(pid)/net/\($0)", limit: 16 << 20)) ?? "" }
        return areOpen(in: text)
    }

    /// The same for the text of the two tables.
    package static func areOpen(in tables: [String]) -> Bool {
        var listening: Set<Substring> = []
        var established: Set<Substring> = []
        for line in tables.flatMap({ $0.split(separator: "\n").dropFirst() }) {
            // sl, local address, remote address, state: `0: 00000000:0050 00000000:0000 0A …`
            let words = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: true)
            guard words.count > 3, let port = words[1].split(separator: ":").last else { continue }
            switch words[3] {
            case "0A": listening.insert(port)
            // ESTABLISHED, SYN_RECV, CLOSE_WAIT: a client may still wait for an answer.
            case "01", "03", "08": established.insert(port)
            default: continue
            }
        }
        return !listening.isDisjoint(with: established)
    }
}
