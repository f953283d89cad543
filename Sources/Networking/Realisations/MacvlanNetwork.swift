import Linux

/// Each container has an interface with its own Ethernet address on a host interface, so the outside network sees it as
/// a separate machine. The host cannot reach the network.
struct MacvlanNetwork: ParentNetwork {
    static let driver = "macvlan"

    let parent: ParentLink
    let mode: MacvlanMode

    func attach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError) {
        var endpoint = endpoint
        // With one container on the parent, the kernel gives it the parent's own address.
        if endpoint.macAddress == nil, mode != .passthru {
            endpoint.macAddress = endpoint.addresses.first.map { MACAddress(for: $0.address) }
        }
        try kernel.attachChild(endpoint, of: parent.name, kind: Self.driver) { data in
            data.add(1, mode.number)  // IFLA_MACVLAN_MODE
        }
    }
}

/// How interfaces on the same parent reach each other.
package enum MacvlanMode: String, Codable, Hashable, Sendable, CaseIterable {
    /// Directly.
    case bridge
    /// Not at all.
    case `private`
    /// Through the external switch.
    case vepa
    /// There is only one, and it takes over the parent's identity.
    case passthru

    /// `enum macvlan_mode` of linux/if_link.h.
    var number: UInt32 {
        switch self {
        case .private: 1
        case .vepa: 2
        case .bridge: 4
        case .passthru: 8
        }
    }
}

extension Realisation {
    package static func macvlan(_ parent: ParentLink, _ mode: MacvlanMode) -> Realisation {
        Realisation(MacvlanNetwork(parent: parent, mode: mode))
    }
}
