import CLinux
import Glibc
import Linux

/// The kernel side of `NetworkDriver`. Everything here runs on one thread, which stays in the host's network namespace.
final class KernelNetwork {
    let instance: InstanceName
    let route: NetlinkSocket
    let firewall: NFTables
    /// The intended content of the table, without what the kernel refused.
    var table = FirewallTable()
    /// As far as is known, the kernel's table equals it.
    var isWritten = false
    /// What the kernel refused. It is tried again when the whole table is rewritten.
    var refused = Refused()
    /// Bridges created since `route_localnet` was last set for them.
    var closedBridges: Set<String> = []
    /// Other programs' tables may contain tagged rules, also from an earlier engine.
    var mayHaveOpenedOthers = true
    let watch = NetworkWatch()

    /// The bridges are in the namespace pinned at `hostNamespace`, which the calling thread enters and never leaves;
    /// nil means its current namespace.
    /// - Throws: `SyscallError` or `FirewallError` when the kernel lacks rtnetlink or nftables.
    init(instance: InstanceName, hostNamespace: String?) throws {
        if let hostNamespace {
            let namespace = try NetworkNamespace(path: hostNamespace).open()
            try syscall("setns", on: hostNamespace) { berth_setns(namespace.raw, CInt(BERTH_CLONE_NEWNET)) }
        }
        self.instance = instance
        route = try NetlinkSocket(.route)
        firewall = try NFTables()
    }

    struct Refused {
        struct Port {
            var owner: String
            var error: FirewallError
        }

        struct Network {
            var rules: NetworkRules
            var error: FirewallError
        }

        var ports: [PublishedPort: Port] = [:]
        /// By name.
        var networks: [String: Network] = [:]

        /// Whatever `change` removes or changes no longer counts as refused.
        mutating func forget(_ change: FirewallChange) {
            networks = networks.filter { name, refusal in
                guard let rules = change.networks[name] else { return !change.isWhole }
                return rules == refusal.rules
            }
            ports = ports.filter { port, refusal in
                change.ports[refusal.owner].map { $0.contains(port) } ?? !change.isWhole
            }
        }

        /// `change` without refused parts.
        func without(_ change: FirewallChange) -> FirewallChange {
            var change = change
            for name in networks.keys { change.networks[name] = nil }
            for refusal in ports.values {
                change.ports[refusal.owner]?.removeAll { ports[$0] != nil }
            }
            return change
        }
    }

    /// The interface with this name; nil when there is none.
    static func interface(_ name: String, _ socket: NetlinkSocket) throws(SyscallError) -> NetworkObservation.Interface?
    {
        try socket.get(RouteMessages.getLink(name)).map(parseLink)
    }

    static func parseLink(_ reply: NetlinkReply) -> NetworkObservation.Interface {
        let attributes = reply.attributes(after: 16)
        let hardware = attributes[RouteMessages.LinkAttribute.address] ?? []
        return NetworkObservation.Interface(
            name: attributes.text(RouteMessages.LinkAttribute.name) ?? "",
            index: reply.payload.number(at: 4, as: UInt32.self),
            kind: attributes.nested(RouteMessages.LinkAttribute.kindInformation)?.text(1) ?? "",
            isUp: reply.payload.number(at: 8, as: UInt32.self) & RouteMessages.up != 0,
            mtu: attributes.number(RouteMessages.LinkAttribute.mtu) ?? 0,
            master: attributes.number(RouteMessages.LinkAttribute.master),
            macAddress: hardware.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
                .joined(separator: ":"),
            addresses: [])
    }

    /// Writes a setting under /proc/sys for the calling thread's network namespace, unless it already has that value.
    static func setSysctl(_ name: String, _ value: String) throws(SyscallError) {
        let path = "/proc/sys/\(name)"
        if let current = try? readText(path),
            current.split(whereSeparator: \.isWhitespace).elementsEqual(
                value.split(whereSeparator: \.isWhitespace))
        {
            return
        }
        try writeControlFile(path, value)
    }
}
