import Linux

/// A change of an engine's networks that somebody else may have made; a reason to observe again.
package enum NetworkEvent: Hashable, Sendable {
    /// A bridge or the host's end of an endpoint is gone.
    case linkRemoved(String)
    /// A bridge was shut down or lost an address, or an endpoint was disconnected from its bridge.
    case linkChanged(String)
    /// Somebody else changed or removed the engine's nftables table; the value is the program's name from the kernel.
    case tableChanged(by: String)
    /// Somebody changed chains or rules of another table. That table may drop more packets now, or lack our tagged
    /// rules.
    case foreignFirewallChanged(by: String)
    /// Notifications were lost; only reading everything helps.
    case overflow
}

/// Turns the kernel's notifications into events. A value that gets one message at a time.
struct NetworkEventFilter {
    /// Who changed the ruleset: the thread that uses nftables for this engine.
    struct Author: Sendable {
        let thread: CInt
        let program: String
        /// A process in its own pid namespace does not know the pid that the kernel reports.
        let knowsItsNumber: Bool

        func wrote(pid: UInt32?, program: String?) -> Bool {
            knowsItsNumber ? pid == UInt32(thread) : program == self.program
        }
    }

    private let instance: InstanceName
    private let author: Author
    /// Names by index: of bridges whose addresses matter, and of endpoints that are or were ports of a bridge.
    private var bridges: [UInt32: String] = [:]
    private var ports: [UInt32: String] = [:]
    private var isTableTouched = false
    private var areOthersTouched = false

    private let isNamedBridge: @Sendable (String) -> Bool
    /// The engine is removing this link, so ignore everything about it.
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

    /// Handles a message of rtnetlink.
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

    /// Handles a message of nf_tables. The messages of one transaction come together; the last is NFT_MSG_NEWGEN, which
    /// names the author.
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
            // A bridge that was never up is still being created.
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
        // AF_BRIDGE: a port was disconnected from its bridge; the interface may still exist.
        guard reply.payload.first != 7 else { return nil }
        bridges[link.index] = nil
        ports[link.index] = nil
        return isBridge(link.name) || link.name.hasPrefix(instance.vethPrefix) ? .linkRemoved(link.name) : nil
    }

    private func isBridge(_ name: String) -> Bool { name.hasPrefix(instance.bridgePrefix) || isNamedBridge(name) }
}
