import Linux

/// What a network is on this machine: stored with the network and with each place on it.
///
/// Another way to make networks is a type that conforms to `NetworkRealisation`, in a file of its own, and its line in `kinds`.
package struct Realisation: Hashable, Sendable {
    let network: any NetworkRealisation

    static let kinds: [any NetworkRealisation.Type] = [BridgeNetwork.self, MacvlanNetwork.self, IpvlanNetwork.self]

    init(_ network: some NetworkRealisation) { self.network = network }

    /// The Compose file's word for it: `macvlan`.
    package var driver: String { type(of: network).driver }
    /// The interface of the host that its packets go through, for a person.
    package var interface: String { network.interface }
    /// Interfaces of the host that are this network's alone, and go with it.
    package var ownLinks: [String] { network.ownLinks }
    /// The interface whose packets the engine's firewall judges and that published ports lead to; nil for a network that the host itself
    /// is no part of.
    package var guardedInterface: String? { network.guardedInterface }
    /// Its gateways lead to other networks.
    package var leadsOut: Bool { network.leadsOut }
    /// Its subnet is that of another network of the host, which it is part of.
    package var sharesSubnet: Bool { network.guardedInterface == nil }

    package static func == (left: Realisation, right: Realisation) -> Bool {
        AnyHashable(left.network) == AnyHashable(right.network)
    }

    package func hash(into hasher: inout Hasher) { AnyHashable(network).hash(into: &hasher) }
}

/// What networks of one driver are made of. Each call can be repeated: what is there already is left, or repaired.
protocol NetworkRealisation: Codable, Hashable, Sendable {
    static var driver: String { get }

    var interface: String { get }
    var ownLinks: [String] { get }
    var guardedInterface: String? { get }
    var leadsOut: Bool { get }

    /// - Throws: `NetworkError` when the host has something else in its place, or lacks what it needs.
    func create(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(NetworkError)
    /// What is wrong with it; nil when all is as `create` made it.
    func damage(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(SyscallError) -> String?
    /// Gives a container its interface, with addresses, settings and routes.
    func attach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError)
    /// Takes it away again; none is fine.
    func detach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError)
    /// Removes what is the network's own; none is fine.
    func remove(_ kernel: KernelNetwork) throws(NetworkError)
}

/// What a network should be, whatever it is made of.
package struct NetworkPlan: Hashable, Sendable {
    /// The gateways, each with the prefix of its subnet.
    package var addresses: [CIDR]
    /// Bytes of the largest packet; nil is the kernel's choice.
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
