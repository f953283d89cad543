import Linux
import Synchronization

extension KernelNetwork {
    struct InterfaceAddress {
        let index: UInt32
        let address: CIDR
        /// Scope link: the kernel adds such addresses itself.
        let isLinkLocal: Bool
    }

    /// Reads all links, addresses and routes.
    func observe() throws(SyscallError) -> NetworkObservation {
        let links = try route.dump(
            NetlinkMessage(
                type: RouteMessages.Kind.getLink, flags: .dump, fixed: RouteMessages.linkHeader(), purpose: "list links"
            ))
        var interfaces = links.map(Self.parseLink)
        let addresses = try Self.addresses(route)
        for position in interfaces.indices {
            interfaces[position].addresses = addresses.filter { $0.index == interfaces[position].index }.map(\.address)
        }
        let bridges = interfaces.filter {
            $0.kind == "bridge" && ($0.name.hasPrefix(instance.bridgePrefix) || watch.isNamedBridge($0.name))
        }
        let endpoints = interfaces.filter { $0.kind == "veth" && $0.name.hasPrefix(instance.vethPrefix) }
        return NetworkObservation(
            interfaces: interfaces, bridges: bridges, endpoints: endpoints,
            usedRanges: try usedRanges(interfaces, without: Set(bridges.map(\.index))),
            isTableIntact: isTableIntact)
    }

    /// The state of one bridge; nil when there is none. The cost does not depend on other links.
    func bridge(_ name: String) throws(SyscallError) -> NetworkObservation.Interface? {
        guard var bridge = try Self.interface(name, route), bridge.kind == "bridge" else { return nil }
        bridge.addresses = try Self.addresses(route, of: bridge.index).map(\.address)
        return bridge
    }

    var isTableIntact: Bool { isWritten && !watch.isTableSuspect.withLock { $0 } }

    /// `interface`: only its addresses. Kernels from 4.20 on find them without reading all others.
    static func addresses(
        _ socket: NetlinkSocket, of interface: UInt32? = nil
    ) throws(SyscallError) -> [InterfaceAddress] {
        let index = withUnsafeBytes(of: interface ?? 0) { Array($0) }
        let request = NetlinkMessage(
            type: RouteMessages.Kind.getAddress, flags: .dump, fixed: [0, 0, 0, 0] + index, purpose: "list addresses")
        let replies = interface == nil ? try socket.dump(request) : try socket.selectiveDump(request)
        let all = replies.compactMap { reply -> InterfaceAddress? in
            let attributes = reply.attributes(after: 8)
            // IFA_LOCAL is the interface's own address; IFA_ADDRESS may be the other end of a point-to-point link.
            guard let address = attributes.address(2) ?? attributes.address(1),
                let range = CIDR(address, prefixLength: Int(reply.payload.number(at: 1, as: UInt8.self)))
            else { return nil }
            return InterfaceAddress(
                index: reply.payload.number(at: 4, as: UInt32.self), address: range,
                isLinkLocal: reply.payload.number(at: 3, as: UInt8.self) == 253)
        }
        return interface == nil ? all : all.filter { $0.index == interface }
    }

    /// Addresses and routes of interfaces other than `own`, without default routes, multicast and link-local ranges.
    private func usedRanges(
        _ interfaces: [NetworkObservation.Interface], without own: Set<UInt32>
    ) throws(SyscallError) -> [NetworkObservation.UsedRange] {
        var result: [NetworkObservation.UsedRange] = []
        let names = Dictionary(interfaces.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
        for interface in interfaces where !own.contains(interface.index) && interface.name != "lo" {
            result += interface.addresses.map { .init(range: $0.network, interface: interface.name) }
        }
        let routes = try route.dump(
            NetlinkMessage(
                type: RouteMessages.Kind.getRoute, flags: .dump, fixed: [UInt8](repeating: 0, count: 12),
                purpose: "list routes"))
        for reply in routes {
            let attributes = reply.attributes(after: 12)
            let length = Int(reply.payload.number(at: 1, as: UInt8.self))
            let isUnicast = reply.payload.number(at: 7, as: UInt8.self) == 1
            let interface = attributes.number(4, as: UInt32.self) ?? 0
            guard isUnicast, length > 0, !own.contains(interface), let destination = attributes.address(1),
                let range = CIDR(destination, prefixLength: length)
            else { continue }
            result.append(.init(range: range.network, interface: names[interface] ?? "a route"))
        }
        let linkLocal = CIDR("fe80::/10")
        return Array(Set(result.filter { linkLocal?.contains($0.range) != true }))
            .sorted { ($0.range.address, $0.range.prefixLength) < ($1.range.address, $1.range.prefixLength) }
    }
}
