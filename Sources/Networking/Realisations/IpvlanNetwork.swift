import Linux

/// Each container has an interface that shares the Ethernet address of a host interface; the kernel distinguishes them
/// by IP address. The host cannot reach the network.
struct IpvlanNetwork: ParentNetwork {
    static let driver = "ipvlan"

    let parent: ParentLink
    let mode: IpvlanMode
    let reach: IpvlanReach

    func attach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError) {
        var endpoint = endpoint
        endpoint.macAddress = nil
        // The host routes, so there is no gateway to look for.
        endpoint.routesByInterface = mode != .l2
        try kernel.attachChild(endpoint, of: parent.name, kind: Self.driver) { data in
            data.add(1, mode.number)  // IFLA_IPVLAN_MODE
            data.add(2, reach.number)  // IFLA_IPVLAN_FLAGS
        }
    }
}

/// The layer at which the host forwards packets.
package enum IpvlanMode: String, Codable, Hashable, Sendable, CaseIterable {
    case l2, l3, l3s

    /// `enum ipvlan_mode` of linux/if_link.h.
    var number: UInt16 {
        switch self {
        case .l2: 0
        case .l3: 1
        case .l3s: 2
        }
    }
}

/// How interfaces on the same parent reach each other.
package enum IpvlanReach: String, Codable, Hashable, Sendable, CaseIterable {
    case bridge, `private`, vepa

    /// IPVLAN_F_PRIVATE and IPVLAN_F_VEPA of linux/if_link.h.
    var number: UInt16 {
        switch self {
        case .bridge: 0
        case .private: 1
        case .vepa: 2
        }
    }
}

extension Realisation {
    package static func ipvlan(_ parent: ParentLink, _ mode: IpvlanMode, _ reach: IpvlanReach) -> Realisation {
        Realisation(IpvlanNetwork(parent: parent, mode: mode, reach: reach))
    }
}
