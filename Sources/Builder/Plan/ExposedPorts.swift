/// The ports that EXPOSE names.
enum ExposedPorts {
    /// `80`, `53/udp`, `8000-8002` as `80/tcp`, `53/udp`, `8000/tcp` …; nil for what is no port.
    static func all(_ text: String) -> [String]? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let transport = parts.count == 2 ? parts[1].lowercased() : "tcp"
        // The host's address and port have no meaning here: `8080:80` is 80.
        let number = parts[0].split(separator: ":", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        let bounds = number.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { UInt16($0) }
        guard ["tcp", "udp", "sctp"].contains(transport), let first = bounds.first ?? nil,
            let last = bounds.last ?? nil,
            first <= last
        else { return nil }
        return (first...last).map { "\($0)/\(transport)" }
    }
}
