import Linux

/// The host interface that containers' interfaces share (macvlan, ipvlan).
package struct ParentLink: Codable, Hashable, Sendable {
    package var name: String
    package var origin: Origin

    package enum Origin: Codable, Hashable, Sendable {
        /// It existed before, and stays.
        case host
        /// Created on `base` for frames with this VLAN's number, and removed with the network.
        case vlan(base: String, id: UInt16)
        /// One end of a pair without a connection to the outside: containers reach only each other.
        case pair(peer: String)
    }

    package init(name: String, origin: Origin) {
        self.name = name
        self.origin = origin
    }

    /// `eth0.10` means VLAN 10 of `eth0`, unless an interface has that name.
    package static func vlan(named name: String) -> ParentLink? {
        guard let dot = name.lastIndex(of: "."), let id = UInt16(name[name.index(after: dot)...]),
            (1...4094).contains(id),
            dot > name.startIndex
        else { return nil }
        return ParentLink(name: name, origin: .vlan(base: String(name[..<dot]), id: id))
    }

    var ownLinks: [String] {
        switch origin {
        case .host: []
        case .vlan: [name]
        case .pair(let peer): [name, peer]
        }
    }

    var leadsOut: Bool {
        guard case .pair = origin else { return true }
        return false
    }

    /// Creates whatever is missing, and brings it up.
    func create(_ kernel: KernelNetwork) throws(NetworkError) {
        do throws(SyscallError) {
            if try KernelNetwork.interface(name, kernel.route) == nil { try make(kernel) }
            var links = [name]
            if case .pair(let peer) = origin { links.append(peer) }
            for link in links where try KernelNetwork.interface(link, kernel.route)?.isUp != true {
                try kernel.route.perform([RouteMessages.bringUp(link)])
            }
        } catch {
            if error.code == .noSuchDevice { throw .noParent(missing) }
            if error.code == .notSupported, case .vlan = origin { throw .kindUnknown("vlan", "8021q") }
            throw .kernel(error)
        }
    }

    private var missing: String {
        guard case .vlan(let base, _) = origin else { return name }
        return base
    }

    private func make(_ kernel: KernelNetwork) throws(SyscallError) {
        switch origin {
        case .host: throw SyscallError(call: "netlink", object: name, code: .noSuchDevice)
        case .vlan(let base, let id):
            guard let under = try KernelNetwork.interface(base, kernel.route) else {
                throw SyscallError(call: "netlink", object: base, code: .noSuchDevice)
            }
            try kernel.route.perform([RouteMessages.createVLAN(name, id: id, on: under.index)])
        case .pair(let peer): try kernel.route.perform([RouteMessages.createHostPair(name, peer)])
        }
    }

    func damage(_ kernel: KernelNetwork) throws(SyscallError) -> String? {
        guard let parent = try KernelNetwork.interface(name, kernel.route) else { return "interface \(name) is gone" }
        return parent.isUp ? nil : "interface \(name) is down"
    }

    func remove(_ kernel: KernelNetwork) throws(NetworkError) {
        if let first = ownLinks.first { try kernel.removeLink(first) }
    }
}
