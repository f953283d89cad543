import CLinux
import Glibc

/// A netlink connection to the kernel, in the network namespace of the thread that opened it. Only one thread may use
/// it at a time.
package final class NetlinkSocket {
    /// `NETLINK_*`, `linux/netlink.h`.
    package enum Family: CInt {
        case route = 0
        case netfilter = 12
    }

    private let descriptor: OwnedFD
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    package init(_ family: Family) throws(SyscallError) {
        descriptor = OwnedFD(owning: try syscall("socket", on: "netlink") { berth_netlink_open(family.rawValue) })
    }

    package var raw: CInt { descriptor.raw }

    /// Receives notifications of the multicast group `group` from now on.
    package func join(_ group: UInt32) throws(SyscallError) {
        try syscall("setsockopt(NETLINK_ADD_MEMBERSHIP)", on: "group \(group)") {
            berth_netlink_join(descriptor.raw, group)
        }
    }

    /// Sends all messages in one call and waits for the kernel's answer to each. The kernel handles later messages even
    /// if one fails.
    /// - Throws: the first refusal that its message does not tolerate, with the message's purpose.
    package func perform(_ messages: [NetlinkMessage]) throws(SyscallError) {
        guard !messages.isEmpty else { return }
        let first = sequence &+ 1
        var bytes: [UInt8] = []
        for message in messages {
            sequence &+= 1
            var message = message.serialized(sequence: sequence)
            message[6] |= UInt8(NetlinkMessage.Flags.acknowledge.rawValue)
            bytes += message
        }
        try send(bytes, for: messages[0].purpose)
        var missing = messages.count
        var failure: SyscallError?
        while missing > 0 {
            for reply in NetlinkReply.parse(try receive()) where reply.type == 2 {  // NLMSG_ERROR
                let index = Int(reply.sequence &- first)
                guard messages.indices.contains(index) else { continue }
                missing -= 1
                let refusal = Self.refusal(in: reply, of: messages[index])
                failure = failure ?? refusal
            }
        }
        if let failure { throw failure }
    }

    /// Everything that the kernel lists for `request`; asks again if the list changed meanwhile.
    package func dump(_ request: NetlinkMessage) throws(SyscallError) -> [NetlinkReply] {
        for _ in 0..<16 {
            if let complete = try dumpOnce(request) { return complete }
        }
        throw SyscallError(call: "netlink", object: request.purpose, code: .again)
    }

    /// The same, but the request's fields select what is listed (netlink(7), NETLINK_GET_STRICT_CHK); an older kernel
    /// lists everything.
    package func selectiveDump(_ request: NetlinkMessage) throws(SyscallError) -> [NetlinkReply] {
        berth_netlink_set_strict(descriptor.raw, 1)
        defer { berth_netlink_set_strict(descriptor.raw, 0) }
        return try dump(request)
    }

    /// The only answer to `request`; nil when the kernel has no such object.
    package func get(_ request: NetlinkMessage) throws(SyscallError) -> NetlinkReply? {
        sequence &+= 1
        try send(request.serialized(sequence: sequence), for: request.purpose)
        while true {
            for reply in NetlinkReply.parse(try receive()) where reply.sequence == sequence {
                guard reply.type == 2 else { return reply }
                if let refusal = Self.refusal(in: reply, of: request) { throw refusal }
                return nil
            }
        }
    }

    /// The next datagram; blocks unless the descriptor is non-blocking. ENOBUFS means that notifications were lost.
    package func receive() throws(SyscallError) -> ArraySlice<UInt8> {
        while true {
            let count = try syscall("recv", on: "netlink") {
                buffer.withUnsafeMutableBytes { recv(descriptor.raw, $0.baseAddress, $0.count, CInt(MSG_TRUNC)) }
            }
            if count <= buffer.count { return buffer[..<count] }
            // The datagram was truncated and is lost; use a larger buffer for the next attempt.
            buffer = [UInt8](repeating: 0, count: count * 2)
            throw SyscallError(call: "recv", object: "netlink", code: Errno(rawValue: EMSGSIZE))
        }
    }

    private func dumpOnce(_ request: NetlinkMessage) throws(SyscallError) -> [NetlinkReply]? {
        sequence &+= 1
        try send(request.serialized(sequence: sequence), for: request.purpose)
        var result: [NetlinkReply] = []
        var isConsistent = true
        while true {
            for reply in NetlinkReply.parse(try receive()) where reply.sequence == sequence {
                if reply.flags & 0x10 != 0 { isConsistent = false }  // NLM_F_DUMP_INTR
                switch reply.type {
                case 3: return isConsistent ? result : nil  // NLMSG_DONE
                case 2:
                    if let refusal = Self.refusal(in: reply, of: request) { throw refusal }
                    return result
                default: result.append(reply)
                }
            }
        }
    }

    private func send(_ bytes: [UInt8], for purpose: String) throws(SyscallError) {
        try syscall("send", on: purpose) {
            bytes.withUnsafeBytes { Glibc.send(descriptor.raw, $0.baseAddress, $0.count, 0) }
        }
    }

    /// The error in an acknowledgement, with the kernel's own text if there is one; nil for success.
    private static func refusal(in reply: NetlinkReply, of message: NetlinkMessage) -> SyscallError? {
        let code = Errno(rawValue: -reply.payload.number(at: 0, as: Int32.self))
        guard code.rawValue != 0, !message.tolerated.contains(code) else { return nil }
        var object = message.purpose
        if reply.flags & 0x200 != 0 {  // NLM_F_ACK_TLVS: after the error and the header of the request
            let request = Int(reply.payload.number(at: 4, as: UInt32.self))
            let isCapped = reply.flags & 0x100 != 0
            let attributes = reply.attributes(after: 4 + (isCapped ? 16 : (request + 3) & ~3))
            if let words = attributes.text(1) { object += " (\(words))" }
        }
        return SyscallError(call: "netlink", object: object, code: code)
    }
}
