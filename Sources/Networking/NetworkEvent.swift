import Linux

/// Something happened to an engine's networks that the engine did not necessarily do: a reason to observe again.
package enum NetworkEvent: Hashable, Sendable {
    /// A bridge or the host's end of an endpoint is gone.
    case linkRemoved(String)
    /// A bridge was taken down or lost an address, or an endpoint left its bridge.
    case linkChanged(String)
    /// Somebody else changed or removed the engine's nftables table; the program's name, as the kernel tells it.
    case tableChanged(by: String)
    /// Somebody changed chains or rules of another table: it may drop now what passed before, or lack our tagged rules.
    case foreignFirewallChanged(by: String)
    /// Notifications were lost: only a full reading tells.
    case overflow
}

/// Turns the kernel's notifications into events; a value, fed with messages.
struct NetworkEventFilter {
    /// Whose transaction a change of the ruleset was: the thread that speaks to nftables for this engine.
    struct Author: Sendable {
        let thread: CInt
        let program: String
        /// In a pid namespace of its own a process does not know the numbers that the kernel tells.
        let knowsItsNumber: Bool

        func wrote(pid: UInt32?, program: String?) -> Bool {
            knowsItsNumber ? pid == UInt32(thread) : program == self.program
        }
    }

    private let instance: InstanceName
    private let author: Author
    /// Names by index: of bridges whose addresses matter, and of endpoints that have been ports of one.
    private var bridges: [UInt32: String] = [:]
    private var ports: [UInt32: String] = [:]
    private var isTableTouched = false
    private var areOthersTouched = false

    private let isNamedBridge: @Sendable (String) -> Bool
    /// The engine takes this link away itself, and all that happens to it on the way is no news.
    private let isLeaving: @Sendable (String) -> Bool

    init(
        instance: InstanceName, author: Author, isNamedBridge: @escaping @Sendable (String) -> Bool,
        isLeaving: @escaping @Sendable (String) -> Bool
    ) {
        self.instance = instance
        self.author = author
        self.isNamedBridge = isNamedBridge
        self.isLeaving = isLeaving
    }

    /// A message of rtnetlink.
    mutating func event(forRoute reply: NetlinkReply) -> NetworkEvent? {
        let event: NetworkEvent? =
            switch reply.type {
            case RouteMessages.Kind.newLink: linkChange(KernelNetwork.parseLink(reply))
            case RouteMessages.Kind.deleteLink: linkRemoval(reply)
            case RouteMessages.Kind.deleteAddress:
                bridges[reply.payload.number(at: 4, as: UInt32.self)].map(NetworkEvent.linkChanged)
            default: nil
            }
        switch event {
        case .linkRemoved(let name)?, .linkChanged(let name)?: return isLeaving(name) ? nil : event
        case .tableChanged?, .foreignFirewallChanged?, .overflow?, nil: return event
        }
    }

    /// A message of nf_tables. Those of one transaction come together, and NFT_MSG_NEWGEN, which says whose it was, comes last.
    mutating func event(forFirewall reply: NetlinkReply) -> NetworkEvent? {
        guard reply.type >> 8 == 10 else { return nil }  // NFNL_SUBSYS_NFTABLES
        let attributes = reply.attributes(after: 4)
        guard reply.type & 0xff == 15 else {
            // The first attribute of every object is the name of its table; the family is inet.
            if reply.payload.first == 1, attributes.text(1) == instance.table {
                isTableTouched = true
            } else if reply.type & 0xff <= 8 {  // tables, chains and rules, not the elements of sets
                areOthersTouched = true
            }
            return nil
        }
        defer { (isTableTouched, areOthersTouched) = (false, false) }
        let pid = attributes.number(2, as: UInt32.self).map { UInt32(bigEndian: $0) }
        let program = attributes.text(3)
        guard !author.wrote(pid: pid, program: program) else { return nil }
        if isTableTouched { return .tableChanged(by: program ?? "another program") }
        return areOthersTouched ? .foreignFirewallChanged(by: program ?? "another program") : nil
    }

    private mutating func linkChange(_ link: NetworkObservation.Interface) -> NetworkEvent? {
        if isBridge(link.name) {
            // Down before it was seen up is a bridge in the making.
            if link.isUp { bridges[link.index] = link.name }
            return link.isUp || bridges[link.index] == nil ? nil : .linkChanged(link.name)
        }
        guard link.name.hasPrefix(instance.vethPrefix) else { return nil }
        if link.master != nil {
            ports[link.index] = link.name
            return nil
        }
        return ports.removeValue(forKey: link.index).map(NetworkEvent.linkChanged)
    }

    private mutating func linkRemoval(_ reply: NetlinkReply) -> NetworkEvent? {
        let link = KernelNetwork.parseLink(reply)
        // AF_BRIDGE: a port leaves its bridge; the interface may live on.
        guard reply.payload.first != 7 else { return nil }
        bridges[link.index] = nil
        ports[link.index] = nil
        return isBridge(link.name) || link.name.hasPrefix(instance.vethPrefix) ? .linkRemoved(link.name) : nil
    }

    private func isBridge(_ name: String) -> Bool { name.hasPrefix(instance.bridgePrefix) || isNamedBridge(name) }
}
