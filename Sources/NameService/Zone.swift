import Linux

/// The names of one network. It is sent once, however many containers use it.
package struct Directory: Codable, Hashable, Sendable {
    /// Addresses by name, in lower case and without a final dot.
    package var names: [String: [IPAddress]]
    package var reverse: [Zone.ReverseName]

    package init(names: [String: [IPAddress]] = [:], reverse: [Zone.ReverseName] = []) {
        self.names = Zone.lowercased(names)
        self.reverse = reverse
    }
}

/// What one network namespace can resolve; the engine always sends it as a whole.
package struct Zone: Codable, Hashable, Sendable {
    /// A server for names that are not in the zone.
    package struct Upstream: Codable, Hashable, Sendable {
        package var endpoint: SocketEndpoint
        /// Query it from the host's namespace instead of the container's: for a server on the host's loopback
        /// interface.
        package var isReachedFromHost: Bool

        package init(_ endpoint: SocketEndpoint, isReachedFromHost: Bool? = nil) {
            self.endpoint = endpoint
            self.isReachedFromHost = isReachedFromHost ?? endpoint.address.isLoopback
        }
    }

    /// A name for an address, for reverse lookups.
    package struct ReverseName: Codable, Hashable, Sendable {
        package var address: IPAddress
        package var name: String

        package init(_ address: IPAddress, _ name: String) {
            self.address = address
            self.name = name
        }
    }

    /// Ids of the networks of the container, for their directories. A directory that is not known yet has no names.
    package var directories: [String]
    /// Names for this container only: its links. They take precedence over the directories. Case does not matter.
    package var names: [String: [IPAddress]]
    /// The networks of the container; lookups of addresses in them never go upstream.
    package var networks: [CIDR]
    /// At most three are used, in this order; with none, only the zone's names exist.
    package var upstreams: [Upstream]
    /// Do not send unknown single-label names upstream, because the user's `ndots` wants the search list first.
    package var keepsSingleLabels: Bool

    package init(
        directories: [String] = [], names: [String: [IPAddress]] = [:], networks: [CIDR] = [],
        upstreams: [Upstream] = [], keepsSingleLabels: Bool = false
    ) {
        self.directories = directories
        self.names = Self.lowercased(names)
        self.networks = networks
        self.upstreams = upstreams
        self.keepsSingleLabels = keepsSingleLabels
    }

    fileprivate static func lowercased(_ names: [String: [IPAddress]]) -> [String: [IPAddress]] {
        Dictionary(names.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { $0 + $1 })
    }
}

/// The known directories, shared by all zones of one thread.
package final class Directories {
    fileprivate struct Indexed {
        let directory: Directory
        let reverse: [IPAddress: [String]]
    }

    fileprivate private(set) var byID: [String: Indexed] = [:]

    package init() {}

    /// The networks whose names are known.
    package var ids: [String] { byID.keys.sorted() }

    /// Sets the names of `id`; nil removes them.
    package func set(_ id: String, _ directory: Directory?) {
        byID[id] = directory.map { directory in
            let reverse = directory.reverse.map { ($0.address, [$0.name]) }
            return Indexed(directory: directory, reverse: Dictionary(reverse, uniquingKeysWith: { $0 + $1 }))
        }
    }
}

/// How to answer a query.
package enum ZoneAnswer: Hashable, Sendable {
    case respond(DNS.ResponseCode, [DNSRecord])
    case forward
}

/// A zone prepared for queries. For each name it remembers which address came first last time.
package struct ZoneIndex {
    /// How many seconds clients may cache an answer. A container usually keeps its address; if it gets another, clients
    /// use the old one no longer than this. Not zero, because some resolvers query several times in one connection
    /// attempt.
    package static let ttl: UInt32 = 5

    package var zone: Zone
    private let directories: Directories
    private var turns: [String: Int] = [:]

    package init(_ zone: Zone, in directories: Directories) {
        self.zone = zone
        self.directories = directories
    }

    private func addresses(of name: String) -> [IPAddress]? {
        if let own = zone.names[name] { return own }
        let found = zone.directories.compactMap { directories.byID[$0]?.directory.names[name] }
        return found.isEmpty ? nil : found.flatMap(\.self)
    }

    private func names(of address: IPAddress) -> [String]? {
        let found = zone.directories.compactMap { directories.byID[$0]?.reverse[address] }
        return found.isEmpty ? nil : found.flatMap(\.self)
    }

    package mutating func answer(to query: DNSQuery) -> ZoneAnswer {
        guard query.opcode == 0 else { return .respond(.notImplemented, []) }
        guard query.class == DNS.classInternet else { return elsewhere(query) }
        if let addresses = addresses(of: query.name) { return known(query, addresses) }
        if let address = Self.reversedAddress(query.name) {
            if let names = names(of: address) {
                return .respond(.noError, query.type == DNS.typePTR ? names.map(DNSRecord.pointer) : [])
            }
            // Queries about our own networks do not go upstream.
            if zone.networks.contains(where: { $0.contains(address) }) { return .respond(.nameError, []) }
        }
        let isAddressQuestion = query.type == DNS.typeA || query.type == DNS.typeAAAA
        if zone.keepsSingleLabels, isAddressQuestion, !query.name.utf8.contains(UInt8(ascii: ".")) {
            return .respond(.noError, [])
        }
        return elsewhere(query)
    }

    /// A name that exists but has no records of the requested type gets an empty answer, never "no such name".
    private mutating func known(_ query: DNSQuery, _ addresses: [IPAddress]) -> ZoneAnswer {
        let wanted: [IPAddress] =
            switch query.type {
            case DNS.typeA: addresses.filter { $0.family == .v4 }
            case DNS.typeAAAA: addresses.filter { $0.family == .v6 }
            case DNS.typeANY: addresses
            default: []
            }
        guard wanted.count > 1 else { return .respond(.noError, wanted.map(DNSRecord.address)) }
        let turn = turns[query.name, default: 0]
        turns[query.name] = turn &+ 1
        let shift = turn % wanted.count
        return .respond(.noError, (wanted[shift...] + wanted[..<shift]).map(DNSRecord.address))
    }

    private func elsewhere(_ query: DNSQuery) -> ZoneAnswer {
        zone.upstreams.isEmpty ? .respond(.nameError, []) : .forward
    }

    /// The address in a name below `in-addr.arpa` or `ip6.arpa` (RFC 1035, 3.5; RFC 3596, 2.5).
    static func reversedAddress(_ name: String) -> IPAddress? {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.last == "arpa" else { return nil }
        if labels.count == 6, labels[4] == "in-addr" {
            return IPAddress(labels[..<4].reversed().joined(separator: "."))
        }
        guard labels.count == 34, labels[32] == "ip6" else { return nil }
        var value: UInt128 = 0
        for label in labels[..<32].reversed() {
            guard label.utf8.count == 1, let digit = UInt8(label, radix: 16) else { return nil }
            value = value << 4 | UInt128(digit)
        }
        return .v6(value)
    }
}
