import Linux

/// Remembers the addresses that networks gave to containers. It makes a freed address the last to be given again,
/// because clients cache DNS answers and the kernel tracks connections. A container that replaces another gets the same
/// address.
struct AddressMemory {
    private struct Place: Hashable {
        let network: String
        let family: IPAddress.Family
    }

    /// With more names than this, a network forgets all of them at once.
    private static let mostNames = 1024

    private var last: [Place: IPAddress] = [:]
    /// Keyed by network, then by container name.
    private var former: [String: [String: [IPAddress]]] = [:]

    /// Starts from the addresses of existing containers. The newest container counts as the last one served, unless
    /// `given` records a later address, which may be free again.
    init(_ containers: some Sequence<ContainerRecord>, given: [GivenAddress] = []) {
        for container in containers.sorted(by: { $0.createdAt < $1.createdAt }) {
            for endpoint in container.endpoints {
                for address in endpoint.bareAddresses { self.given(address, in: endpoint.network) }
            }
        }
        for given in given { self.given(given.address, in: given.network) }
    }

    /// The address given last; the next one in sequence follows it.
    func last(in network: String, _ family: IPAddress.Family) -> IPAddress? {
        last[Place(network: network, family: family)]
    }

    /// The addresses of the last container with this name.
    func former(of name: String, in network: String, _ family: IPAddress.Family) -> IPAddress? {
        former[network]?[name]?.first { $0.family == family }
    }

    mutating func given(_ address: IPAddress, in network: String) {
        last[Place(network: network, family: address.family)] = address
    }

    /// Call this when a container is removed. Keeps addresses only for containers that can have a successor.
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

/// The address that a network gave last in its sequence.
package struct GivenAddress: Hashable, Sendable {
    package var network: String
    package var address: IPAddress

    package init(network: String, address: IPAddress) {
        self.network = network
        self.address = address
    }
}

extension ContainerRecord.Endpoint {
    /// Without the prefix length.
    var bareAddresses: [IPAddress] { addresses.map(\.address) }
}
