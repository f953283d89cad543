import Addresses

/// A netlink message under construction (netlink(7)): header, fixed part, attributes.
package struct NetlinkMessage: Sendable {
    /// Message flags, `linux/netlink.h`.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        package static let request = Flags(rawValue: 0x1)
        package static let acknowledge = Flags(rawValue: 0x4)
        package static let dump = Flags(rawValue: 0x300)
        package static let replace = Flags(rawValue: 0x100)
        package static let exclusive = Flags(rawValue: 0x200)
        package static let create = Flags(rawValue: 0x400)
    }

    /// Its purpose in words, for the error if the kernel refuses it.
    package let purpose: String
    /// Refusals that mean that nothing needs to be done.
    package let tolerated: Set<Errno>

    private var bytes: [UInt8]

    /// `fixed` is the protocol's own header, such as `ifinfomsg`.
    package init(type: UInt16, flags: Flags, fixed: [UInt8], purpose: String, tolerating: Set<Errno> = []) {
        self.purpose = purpose
        tolerated = tolerating
        bytes = []
        bytes.reserveCapacity(256)
        append(UInt32(0))
        append(type)
        append(flags.union(.request).rawValue)
        append(UInt64(0))
        bytes += fixed
        pad()
    }

    /// Adds an attribute with these bytes.
    package mutating func add(_ type: UInt16, bytes payload: some Collection<UInt8>) {
        append(UInt16(4 + payload.count))
        append(type)
        bytes += payload
        pad()
    }

    /// Adds a number in the machine's byte order.
    package mutating func add<Number: FixedWidthInteger>(_ type: UInt16, _ number: Number) {
        withUnsafeBytes(of: number) { add(type, bytes: $0) }
    }

    /// Adds a text with a final zero byte.
    package mutating func add(_ type: UInt16, _ text: String) { add(type, bytes: Array(text.utf8) + [0]) }

    /// Adds an attribute that contains what `body` adds; `fixed` comes before that.
    package mutating func nest(_ type: UInt16, fixed: [UInt8] = [], _ body: (inout NetlinkMessage) -> Void) {
        let start = bytes.count
        append(UInt16(0))
        append(type)
        bytes += fixed
        pad()
        body(&self)
        let length = UInt16(bytes.count - start)
        bytes[start] = UInt8(truncatingIfNeeded: length.littleEndian)
        bytes[start + 1] = UInt8(truncatingIfNeeded: length.littleEndian >> 8)
    }

    /// The finished message with the number `sequence`.
    package func serialized(sequence: UInt32) -> [UInt8] {
        var result = bytes
        result.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: UInt32(bytes.count), toByteOffset: 0, as: UInt32.self)
            buffer.storeBytes(of: sequence, toByteOffset: 8, as: UInt32.self)
        }
        return result
    }

    private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number) { bytes += $0 }
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }
}

/// A message from the kernel.
package struct NetlinkReply: Sendable {
    package let type: UInt16
    package let flags: UInt16
    package let sequence: UInt32
    /// The sender's port; in a notification, that of the cause.
    package let port: UInt32
    /// Everything after the netlink header.
    package let payload: ArraySlice<UInt8>

    /// The messages in one datagram; skips an incomplete one.
    package static func parse(_ bytes: ArraySlice<UInt8>) -> [NetlinkReply] {
        var result: [NetlinkReply] = []
        var rest = bytes
        while rest.count >= 16 {
            let length = Int(rest.number(at: 0, as: UInt32.self))
            guard length >= 16, length <= rest.count else { break }
            let end = rest.startIndex + length
            result.append(
                NetlinkReply(
                    type: rest.number(at: 4, as: UInt16.self), flags: rest.number(at: 6, as: UInt16.self),
                    sequence: rest.number(at: 8, as: UInt32.self), port: rest.number(at: 12, as: UInt32.self),
                    payload: rest[rest.startIndex + 16..<end]))
            rest = rest[min(rest.endIndex, rest.startIndex + (length + 3) & ~3)...]
        }
        return result
    }

    /// The attributes after a fixed part of `size` bytes.
    package func attributes(after size: Int) -> NetlinkAttributes { NetlinkAttributes(payload.dropFirst(size)) }
}

/// The attributes of a message, or inside an attribute.
package struct NetlinkAttributes: Sendable {
    private var found: [(type: UInt16, payload: ArraySlice<UInt8>)] = []

    package init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(rest.number(at: 0, as: UInt16.self))
            guard length >= 4, length <= rest.count else { break }
            // The two highest bits are flags: nested, and network byte order.
            let type = rest.number(at: 2, as: UInt16.self) & 0x3fff
            found.append((type, rest[rest.startIndex + 4..<rest.startIndex + length]))
            rest = rest[min(rest.endIndex, rest.startIndex + (length + 3) & ~3)...]
        }
    }

    package subscript(_ type: UInt16) -> ArraySlice<UInt8>? { found.first { $0.type == type }?.payload }

    package func nested(_ type: UInt16) -> NetlinkAttributes? { self[type].map(NetlinkAttributes.init) }

    /// A number in the machine's byte order; nil when it is missing or has another size.
    package func number<Number: FixedWidthInteger>(_ type: UInt16, as: Number.Type = Number.self) -> Number? {
        guard let bytes = self[type], bytes.count == MemoryLayout<Number>.size else { return nil }
        return bytes.number(at: 0, as: Number.self)
    }

    package func text(_ type: UInt16) -> String? {
        self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    package func address(_ type: UInt16) -> IPAddress? { self[type].flatMap { IPAddress(bytes: $0) } }
}

extension ArraySlice<UInt8> {
    /// The number in the machine's byte order at `offset`; zero if the slice is too short.
    package func number<Number: FixedWidthInteger>(at offset: Int, as: Number.Type) -> Number {
        guard offset + MemoryLayout<Number>.size <= count else { return 0 }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }
}
