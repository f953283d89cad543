import Linux

/// What one network namespace may resolve, pushed as a whole by the engine.
package struct Zone: Codable, Hashable, Sendable {
    /// A server that is asked for names which are not in the zone.
    package struct Upstream: Codable, Hashable, Sendable {
        package var endpoint: SocketEndpoint
        /// Ask from the host's namespace and not the container's: for a server that listens on the host's loopback.
        package var isReachedFromHost: Bool

        package init(_ endpoint: SocketEndpoint, isReachedFromHost: Bool? = nil) {
            self.endpoint = endpoint
            self.isReachedFromHost = isReachedFromHost ?? endpoint.address.isLoopback
        }
    }

    /// A name for an address, for reverse look-ups.
    package struct ReverseName: Codable, Hashable, Sendable {
        package var address: IPAddress
        package var name: String

        package init(_ address: IPAddress, _ name: String) {
            self.address = address
            self.name = name
        }
    }

    /// Addresses by name, without a final dot; case does not matter.
    package var names: [String: [IPAddress]]
    package var reverse: [ReverseName]
    /// The networks that the container is on: addresses in them are never looked up elsewhere.
    package var networks: [CIDR]
    /// At most three are used, in this order; none means that only the zone's names exist.
    package var upstreams: [Upstream]
    /// An unknown name of one label does not go upstream, because the user's `ndots` wants the search list tried first.
    package var keepsSingleLabels: Bool

    package init(
        names: [String: [IPAddress]] = [:], reverse: [ReverseName] = [], networks: [CIDR] = [],
        upstreams: [Upstream] = [], keepsSingleLabels: Bool = false
    ) {
        self.names = Dictionary(
            names.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { $0 + $1 })
        self.reverse = reverse
        self.networks = networks
        self.upstreams = upstreams
        self.keepsSingleLabels = keepsSingleLabels
    }
}

/// What to do with a query.
package enum ZoneAnswer: Hashable, Sendable {
    case respond(DNS.ResponseCode, [DNSRecord])
    case forward
}

/// A zone ready for questions; it remembers per name which address came first last time.
package struct ZoneIndex: Sendable {
    /// Seconds that clients may keep an answer. A healed container mostly keeps its address; where it got another, nobody looks at the
    /// old one for longer than this. Not zero: some resolvers ask several times within one connection attempt.
    package static let ttl: UInt32 = 5

    package let zone: Zone
    private let names: [String: [IPAddress]]
    private let reverse: [IPAddress: [String]]
    private var turns: [String: Int] = [:]

    package init(_ zone: Zone) {
        self.zone = zone
        names = Dictionary(zone.names.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { $0 + $1 })
        reverse = Dictionary(zone.reverse.map { ($0.address, [$0.name]) }, uniquingKeysWith: { $0 + $1 })
    }

    package mutating func answer(to query: DNSQuery) -> ZoneAnswer {
        guard query.opcode == 0 else { return .respond(.notImplemented, []) }
        guard query.class == DNS.classInternet else { return elsewhere(query) }
        if let addresses = names[query.name] { return known(query, addresses) }
        if let address = Self.reversedAddress(query.name) {
            if let names = reverse[address] {
                return .respond(.noError, query.type == DNS.typePTR ? names.map(DNSRecord.pointer) : [])
            }
            // Our own networks are nobody else's business.
            if zone.networks.contains(where: { $0.contains(address) }) { return .respond(.nameError, []) }
        }
        let isAddressQuestion = query.type == DNS.typeA || query.type == DNS.typeAAAA
        if zone.keepsSingleLabels, isAddressQuestion, !query.name.utf8.contains(UInt8(ascii: ".")) {
            return .respond(.noError, [])
        }
        return elsewhere(query)
    }

    /// A name that exists has no records of the types it lacks: an empty answer, never "no such name".
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
