import Linux

/// Deletes connections that the kernel tracks (ctnetlink, `linux/netfilter/nfnetlink_conntrack.h`).
///
/// The kernel applies a redirecting rule only to the first packet of a flow. Without this, a UDP client that keeps
/// sending would reach the old destination forever.
enum ConnectionTracking {
    private static let subsystem: UInt16 = 1 << 8
    private static let get: UInt16 = subsystem | 1
    private static let delete: UInt16 = subsystem | 2

    /// One end of a flow's first packet.
    private struct Tuple {
        let source: IPAddress
        let destination: IPAddress
        let transport: UInt8
        let destinationPort: UInt16

        init?(_ attributes: NetlinkAttributes?) {
            guard let addresses = attributes?.nested(1), let protocols = attributes?.nested(2),
                let source = addresses.address(1) ?? addresses.address(3),
                let destination = addresses.address(2) ?? addresses.address(4),
                let transport = protocols.number(1, as: UInt8.self)
            else { return nil }
            self.source = source
            self.destination = destination
            self.transport = transport
            destinationPort = protocols.number(3, as: UInt16.self).map { UInt16(bigEndian: $0) } ?? 0
        }
    }

    /// Deletes UDP flows that were first sent to one of `ports`, or that end at one of `addresses`.
    static func forgetDatagrams(to ports: Set<UInt16>, or addresses: Set<IPAddress>) throws(SyscallError) {
        guard !ports.isEmpty || !addresses.isEmpty else { return }
        let socket = try NetlinkSocket(.netfilter)
        for family: UInt8 in [2, 10] {
            let flows = try socket.dump(
                NetlinkMessage(type: get, flags: .dump, fixed: [family, 0, 0, 0], purpose: "list tracked flows"))
            try socket.perform(
                flows.compactMap { reply in
                    let attributes = reply.attributes(after: 4)
                    guard let original = Tuple(attributes.nested(1)), original.transport == Transport.udp.number,
                        let answer = Tuple(attributes.nested(2)), let tuple = attributes[1]
                    else { return nil }
                    guard ports.contains(original.destinationPort) || addresses.contains(answer.source) else {
                        return nil
                    }
                    var message = NetlinkMessage(
                        type: delete, flags: [], fixed: [family, 0, 0, 0], purpose: "forget a tracked flow",
                        tolerating: [.notFound])
                    message.add(1 | 0x8000, bytes: tuple)
                    return message
                })
        }
    }
}
