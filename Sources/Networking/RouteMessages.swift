import Linux

/// Messages of rtnetlink(7), with the numbers of `linux/rtnetlink.h`, `if_link.h` and `if_addr.h`.
enum RouteMessages {
    enum Kind {
        static let newLink: UInt16 = 16
        static let deleteLink: UInt16 = 17
        static let getLink: UInt16 = 18
        static let setLink: UInt16 = 19
        static let newAddress: UInt16 = 20
        static let deleteAddress: UInt16 = 21
        static let getAddress: UInt16 = 22
        static let newRoute: UInt16 = 24
        static let getRoute: UInt16 = 26
    }

    enum LinkAttribute {
        static let address: UInt16 = 1
        static let name: UInt16 = 3
        static let mtu: UInt16 = 4
        static let link: UInt16 = 5
        static let master: UInt16 = 10
        static let portInformation: UInt16 = 12
        static let kindInformation: UInt16 = 18
        static let namespace: UInt16 = 28
    }

    static let up: UInt32 = 1  // IFF_UP

    /// `ifinfomsg`: sets the flags selected by `change` to those in `flags`.
    static func linkHeader(index: UInt32 = 0, family: UInt8 = 0, flags: UInt32 = 0, change: UInt32 = 0) -> [UInt8] {
        [family, 0, 0, 0] + words(index, flags, change)
    }

    static func getLink(_ name: String) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.getLink, flags: [], fixed: linkHeader(), purpose: "look up interface \(name)",
            tolerating: [.noSuchDevice])
        message.add(LinkAttribute.name, name)
        return message
    }

    static func deleteLink(_ name: String) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.deleteLink, flags: [], fixed: linkHeader(), purpose: "delete interface \(name)",
            tolerating: [.noSuchDevice])
        message.add(LinkAttribute.name, name)
        return message
    }

    /// Requests an interface of `kind` with an impossible name. A kernel that supports the kind, directly or with a
    /// module, refuses the name; any other refuses the kind (`rtnl_newlink` in net/core/rtnetlink.c). Nothing is
    /// created.
    static func pretendToCreate(_ kind: String) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.newLink, flags: [.create, .exclusive], fixed: linkHeader(),
            purpose: "ask for interfaces of kind \(kind)")
        message.add(LinkAttribute.name, ".")
        message.nest(LinkAttribute.kindInformation) { $0.add(1, bytes: kind.utf8) }
        return message
    }

    static func createBridge(_ spec: BridgeSpec, macAddress: MACAddress) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.newLink, flags: [.create, .exclusive], fixed: linkHeader(),
            purpose: "create bridge \(spec.name)", tolerating: [.exists])
        message.add(LinkAttribute.name, spec.name)
        // Without it the bridge would use the lowest address among its ports, and change it whenever ports change.
        message.add(LinkAttribute.address, bytes: macAddress.bytes)
        // Set the MTU later: set here, it would follow the MTUs of the ports.
        message.nest(LinkAttribute.kindInformation) { $0.add(1, bytes: "bridge".utf8) }
        return message
    }

    /// Creates both ends at once, the inner one directly in the namespace behind `descriptor`.
    static func createPair(_ spec: EndpointSpec, namespace descriptor: CInt, macAddress: MACAddress?) -> NetlinkMessage
    {
        var message = NetlinkMessage(
            type: Kind.newLink, flags: [.create, .exclusive], fixed: linkHeader(),
            purpose: "create interface \(spec.hostInterface) with peer \(spec.interfaceName)")
        message.add(LinkAttribute.name, spec.hostInterface)
        if let mtu = spec.mtu { message.add(LinkAttribute.mtu, mtu) }
        message.nest(LinkAttribute.kindInformation) { information in
            information.add(1, bytes: "veth".utf8)
            information.nest(2) { data in
                data.nest(1, fixed: linkHeader()) { peer in
                    peer.add(LinkAttribute.name, spec.interfaceName)
                    peer.add(LinkAttribute.namespace, UInt32(bitPattern: descriptor))
                    if let macAddress { peer.add(LinkAttribute.address, bytes: macAddress.bytes) }
                    if let mtu = spec.mtu { peer.add(LinkAttribute.mtu, mtu) }
                }
            }
        }
        return message
    }

    /// Creates an interface on `parent` directly in the namespace behind `descriptor`.
    static func createChild(
        _ spec: EndpointSpec, of parent: UInt32, kind: String, namespace descriptor: CInt,
        data: (inout NetlinkMessage) -> Void
    ) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.newLink, flags: [.create, .exclusive], fixed: linkHeader(),
            purpose: "create \(kind) interface \(spec.interfaceName)")
        message.add(LinkAttribute.name, spec.interfaceName)
        message.add(LinkAttribute.link, parent)
        message.add(LinkAttribute.namespace, UInt32(bitPattern: descriptor))
        if let address = spec.macAddress { message.add(LinkAttribute.address, bytes: address.bytes) }
        if let mtu = spec.mtu { message.add(LinkAttribute.mtu, mtu) }
        message.nest(LinkAttribute.kindInformation) { information in
            information.add(1, bytes: kind.utf8)
            information.nest(2) { data(&$0) }
        }
        return message
    }

    /// An interface for frames on `parent` with the VLAN number `id` (802.1Q).
    static func createVLAN(_ name: String, id: UInt16, on parent: UInt32) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.newLink, flags: [.create, .exclusive], fixed: linkHeader(),
            purpose: "create VLAN interface \(name)")
        message.add(LinkAttribute.name, name)
        message.add(LinkAttribute.link, parent)
        message.nest(LinkAttribute.kindInformation) { information in
            information.add(1, bytes: "vlan".utf8)
            information.nest(2) { $0.add(1, id) }  // IFLA_VLAN_ID
        }
        return message
    }

    /// A pair of two host interfaces.
    static func createHostPair(_ name: String, _ peer: String) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.newLink, flags: [.create, .exclusive], fixed: linkHeader(), purpose: "create pair \(name)")
        message.add(LinkAttribute.name, name)
        message.nest(LinkAttribute.kindInformation) { information in
            information.add(1, bytes: "veth".utf8)
            information.nest(2) { data in
                data.nest(1, fixed: linkHeader()) { $0.add(LinkAttribute.name, peer) }
            }
        }
        return message
    }

    /// Makes `name` a port of the bridge with index `bridge`.
    static func enslave(_ name: String, to bridge: UInt32) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.setLink, flags: [], fixed: linkHeader(), purpose: "make \(name) a port of its bridge")
        message.add(LinkAttribute.name, name)
        message.add(LinkAttribute.master, bridge)
        return message
    }

    static func bringUp(_ name: String, mtu: UInt32? = nil) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.setLink, flags: [], fixed: linkHeader(flags: up, change: up), purpose: "bring up \(name)")
        message.add(LinkAttribute.name, name)
        if let mtu { message.add(LinkAttribute.mtu, mtu) }
        return message
    }

    static func bringDown(_ name: String) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.setLink, flags: [], fixed: linkHeader(flags: 0, change: up), purpose: "bring down \(name)",
            tolerating: [.noSuchDevice])
        message.add(LinkAttribute.name, name)
        return message
    }

    /// Bridge port settings: isolated ports reach only the bridge itself and ports that are not isolated; hairpin lets a
    /// packet leave through the port it came from.
    static func configurePort(_ index: UInt32, name: String, isIsolated: Bool, isHairpin: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: Kind.setLink, flags: [], fixed: linkHeader(index: index, family: 7),  // AF_BRIDGE
            purpose: "configure bridge port \(name)")
        message.nest(LinkAttribute.portInformation | 0x8000) { port in
            port.add(33, UInt8(isIsolated ? 1 : 0))
            port.add(4, UInt8(isHairpin ? 1 : 0))
        }
        return message
    }

    static func addAddress(_ address: CIDR, to index: UInt32, name: String) -> NetlinkMessage {
        changeAddress(Kind.newAddress, address, index, "give \(address) to \(name)", tolerating: [.exists])
    }

    static func deleteAddress(_ address: CIDR, from index: UInt32, name: String) -> NetlinkMessage {
        changeAddress(
            Kind.deleteAddress, address, index, "take \(address) from \(name)", tolerating: [.addressNotAvailable])
    }

    private static func changeAddress(
        _ kind: UInt16, _ address: CIDR, _ index: UInt32, _ purpose: String, tolerating: Set<Errno>
    ) -> NetlinkMessage {
        let isNew = kind == Kind.newAddress
        var message = NetlinkMessage(
            type: kind, flags: isNew ? [.create, .exclusive] : [],
            fixed: [familyNumber(address.family), UInt8(address.prefixLength), 0, 0] + words(index), purpose: purpose,
            tolerating: tolerating)
        message.add(2, bytes: address.address.bytes)
        message.add(1, bytes: address.address.bytes)
        guard isNew else { return message }
        switch address.family {
        case .v4:
            if address.prefixLength < 31 { message.add(4, bytes: address.last.bytes) }
        case .v6: message.add(8, UInt32(0x02))  // IFA_F_NODAD: usable at once, because berth assigns the address
        }
        return message
    }

    /// Without a gateway, all addresses are reached directly through the interface.
    static func setDefaultRoute(
        _ family: IPAddress.Family, via gateway: IPAddress?, interface index: UInt32, name: String
    ) -> NetlinkMessage {
        // rtmsg: main table, static, universe (link without a gateway), unicast.
        let scope: UInt8 = gateway == nil && family == .v4 ? 253 : 0
        var message = NetlinkMessage(
            type: Kind.newRoute, flags: [.create, .replace],
            fixed: [familyNumber(family), 0, 0, 0, 254, 4, scope, 1] + words(0),
            purpose: "default route\(gateway.map { " through \($0)" } ?? "") on \(name)")
        if let gateway { message.add(5, bytes: gateway.bytes) }
        message.add(4, index)
        return message
    }

    static func familyNumber(_ family: IPAddress.Family) -> UInt8 { family == .v4 ? 2 : 10 }

    static func words(_ words: UInt32...) -> [UInt8] {
        words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
    }
}

extension Errno {
    static let noSuchDevice = Errno(rawValue: 19)
    static let addressNotAvailable = Errno(rawValue: 99)
}
