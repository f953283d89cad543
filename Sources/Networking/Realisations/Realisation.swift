import Linux

/// How a network exists on this machine; stored with the network and with each of its endpoints.
///
/// To add another kind, write a type that conforms to `NetworkRealisation` in a file of its own, and add it to `kinds`.
package struct Realisation: Hashable, Sendable {
    let network: any NetworkRealisation

    static let kinds: [any NetworkRealisation.Type] = [BridgeNetwork.self, MacvlanNetwork.self, IpvlanNetwork.self]

    init(_ network: some NetworkRealisation) { self.network = network }

    /// The driver in the Compose file: `macvlan`.
    package var driver: String { type(of: network).driver }
    /// The host interface for its packets, as a name for a person.
    package var interface: String { network.interface }
    /// Host interfaces that belong to this network only; they are removed with it.
    package var ownLinks: [String] { network.ownLinks }
    /// The interface for firewall rules and published ports; nil for a network that the host is not on.
    package var guardedInterface: String? { network.guardedInterface }
    /// Its gateways lead to other networks.
    package var leadsOut: Bool { network.leadsOut }
    /// It shares the subnet of another network of the host.
    package var sharesSubnet: Bool { network.guardedInterface == nil }

    package static func == (left: Realisation, right: Realisation) -> Bool {
        AnyHashable(left.network) == AnyHashable(right.network)
    }

    package func hash(into hasher: inout Hasher) { AnyHashable(network).hash(into: &hasher) }
}

/// Creates and removes networks of one driver. Every call may be repeated: it keeps or repairs what exists.
protocol NetworkRealisation: Codable, Hashable, Sendable {
    static var driver: String { get }

    var interface: String { get }
    var ownLinks: [String] { get }
    var guardedInterface: String? { get }
    var leadsOut: Bool { get }

    /// - Throws: `NetworkError` when something else on the host has its name, or the host lacks what it needs.
    func create(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(NetworkError)
    /// What is wrong with it; nil when everything is as `create` left it.
    func damage(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(SyscallError) -> String?
    /// Gives a container its interface, with addresses, settings and routes.
    func attach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError)
    /// Removes the interface again. It is no error if there is none.
    func detach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError)
    /// Removes everything that belongs only to the network. It is no error if there is nothing.
    func remove(_ kernel: KernelNetwork) throws(NetworkError)
}

/// The desired properties of a network, whatever its kind.
package struct NetworkPlan: Hashable, Sendable {
    /// The gateways, each with its subnet's prefix length.
    package var addresses: [CIDR]
    /// The MTU in bytes; nil leaves it to the kernel.
    package var mtu: UInt32?

    package init(addresses: [CIDR], mtu: UInt32? = nil) {
        self.addresses = addresses
        self.mtu = mtu
    }
}

extension Realisation: Codable {
    private enum Keys: String, CodingKey { case driver, state }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let driver = try container.decode(String.self, forKey: .driver)
        guard let kind = Self.kinds.first(where: { $0.driver == driver }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .driver, in: container, debugDescription: "there is no network driver \"\(driver)\"")
        }
        func decode<Kind: NetworkRealisation>(_ kind: Kind.Type) throws -> Realisation {
            Realisation(try container.decode(kind, forKey: .state))
        }
        self = try decode(kind)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(driver, forKey: .driver)
        try container.encode(network, forKey: .state)
    }
}
