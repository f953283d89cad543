import Linux

/// What is remembered of addresses that were given, so that a freed one goes to somebody else as late as possible: clients keep answers
/// of name servers, and the kernel tracks connections. A container that takes another's place gets its address.
struct AddressMemory {
    private struct Place: Hashable {
        let network: String
        let family: IPAddress.Family
    }

    /// More names than these of a network are forgotten at once.
    private static let mostNames = 1024

    private var last: [Place: IPAddress] = [:]
    /// By network and name of the container.
    private var former: [String: [String: [IPAddress]]] = [:]

    /// With what containers have now, of which the newest got its address last unless `given` knows of a later one, which may
    /// be free again.
    init(_ containers: some Sequence<ContainerRecord>, given: [GivenAddress] = []) {
        for container in containers.sorted(by: { $0.createdAt < $1.createdAt }) {
            for endpoint in container.endpoints {
                for address in endpoint.bareAddresses { self.given(address, in: endpoint.network) }
            }
        }
        for given in given { self.given(given.address, in: given.network) }
    }

    /// The one that was given last; the next in sequence is the one after it.
    func last(in network: String, _ family: IPAddress.Family) -> IPAddress? {
        last[Place(network: network, family: family)]
    }

    /// What the last container of this name had.
    func former(of name: String, in network: String, _ family: IPAddress.Family) -> IPAddress? {
        former[network]?[name]?.first { $0.family == family }
    }

    mutating func given(_ address: IPAddress, in network: String) {
        last[Place(network: network, family: address.family)] = address
    }

    /// A container is gone. Only what has a place to come back to has a successor.
    mutating func removed(_ container: ContainerRecord) {
        guard !container.isOneOff else { return }
        for endpoint in container.endpoints {
            if former[endpoint.network, default: [:]].count >= Self.mostNames { former[endpoint.network] = [:] }
            former[endpoint.network, default: [:]][container.name] = endpoint.bareAddresses
        }
    }

    mutating func removed(network: String) {
        former[network] = nil
        for family in [IPAddress.Family.v4, .v6] { last[Place(network: network, family: family)] = nil }
    }
}

/// The address that a network gave last in sequence.
package struct GivenAddress: Hashable, Sendable {
    package var network: String
    package var address: IPAddress

    package init(network: String, address: IPAddress) {
        self.network = network
        self.address = address
    }
}

extension ContainerRecord.Endpoint {
    /// Without prefix length.
    var bareAddresses: [IPAddress] { addresses.map(\.address) }
}
