import Linux

/// Codes from RFC 1035, sections 4.1.1 and 3.2.
package enum DNS {
    package enum ResponseCode: UInt8, Sendable {
        case noError = 0
        case serverFailure = 2
        case nameError = 3
        case notImplemented = 4
    }

    package static let typeA: UInt16 = 1
    package static let typePTR: UInt16 = 12
    package static let typeAAAA: UInt16 = 28
    package static let typeOPT: UInt16 = 41
    package static let typeANY: UInt16 = 255
    package static let classInternet: UInt16 = 1

    /// What a client can receive over UDP if it does not say (RFC 1035, 4.2.1), and the maximum that is sent even if it
    /// says more.
    package static let plainPayload = 512
    package static let largestPayload = 4096
}

/// A DNS query for one name, as in RFC 1035 and with EDNS (RFC 6891).
package struct DNSQuery: Hashable, Sendable {
    package let id: UInt16
    package let recursionDesired: Bool
    /// 0 is a standard query.
    package let opcode: UInt8
    /// Lower case, without the final dot; empty for the root. Bytes other than letters, digits, `-`, `_` and `/` are
    /// `\ddd`.
    package let name: String
    package let type: UInt16
    package let `class`: UInt16
    /// The question as received, for the answer: clients compare the case of letters.
    package let question: [UInt8]
    /// The maximum size of the client's UDP answers; nil without EDNS.
    package let payloadSize: Int?

    /// - Returns: nil for anything except a well-formed query with exactly one question; that gets no answer.
    package init?(parsing bytes: some Collection<UInt8>) {
        var reader = DNSReader(Array(bytes))
        guard let id = reader.number(), let flags = reader.number(), let questions = reader.number(),
            let answers = reader.number(), let authorities = reader.number(), let additional = reader.number(),
            flags & 0x8000 == 0, questions == 1, answers == 0, authorities == 0
        else { return nil }
        let start = reader.position
        guard let name = reader.name(), let type = reader.number(), let `class` = reader.number() else { return nil }
        question = Array(reader.bytes[start..<reader.position])
        var size: Int?
        for _ in 0..<additional {
            guard let record = reader.record() else { return nil }
            if record.type == DNS.typeOPT { size = Int(record.class) }
        }
        self.id = id
        self.name = name
        self.type = type
        self.class = `class`
        recursionDesired = flags & 0x100 != 0
        opcode = UInt8(flags >> 11 & 0xf)
        payloadSize = size.map { max(DNS.plainPayload, min($0, DNS.largestPayload)) }
    }

    /// The bytes of an answer, at most `limit`. If records do not fit, it leaves them out and marks the answer as
    /// truncated (TC).
    package func response(
        _ code: DNS.ResponseCode, records: [DNSRecord] = [], isAuthoritative: Bool = false, ttl: UInt32 = 0,
        limit: Int = 65535
    ) -> [UInt8] {
        let edns: [UInt8] = payloadSize == nil ? [] : [0, 0, 41, UInt8(DNS.largestPayload >> 8), 0, 0, 0, 0, 0, 0, 0]
        var body: [UInt8] = []
        var count: UInt16 = 0
        var isCut = false
        for record in records {
            let bytes = record.serialized(ttl: ttl)
            guard 12 + question.count + body.count + bytes.count + edns.count <= limit else {
                isCut = true
                break
            }
            body += bytes
            count += 1
        }
        var flags: UInt16 = 0x8080 | UInt16(opcode) << 11 | UInt16(code.rawValue)  // QR, RA
        if recursionDesired { flags |= 0x100 }
        if isAuthoritative { flags |= 0x400 }
        if isCut { flags |= 0x200 }
        let header = [id, flags, 1, count, 0, edns.isEmpty ? 0 : 1]
        return header.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] } + question + body + edns
    }
}

/// A record in an answer; its owner is the name in the question.
package enum DNSRecord: Hashable, Sendable {
    case address(IPAddress)
    /// The name for an address (PTR), labels separated by dots.
    case pointer(String)

    fileprivate func serialized(ttl: UInt32) -> [UInt8] {
        let type: UInt16
        let data: [UInt8]
        switch self {
        case .address(let address):
            type = address.family == .v4 ? DNS.typeA : DNS.typeAAAA
            data = address.bytes
        case .pointer(let name):
            type = DNS.typePTR
            data = name.split(separator: ".").flatMap { [UInt8(min($0.utf8.count, 63))] + $0.utf8.prefix(63) } + [0]
        }
        // 0xC00C points to the name in the question (RFC 1035, 4.1.4).
        var bytes: [UInt8] = [0xc0, 0x0c, 0, UInt8(type), 0, 1]
        bytes += stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: ttl >> UInt32($0)) }
        return bytes + [UInt8(data.count >> 8), UInt8(data.count & 0xff)] + data
    }
}

/// The parts of another server's answer that a forwarder needs.
package struct DNSResponseHead: Hashable, Sendable {
    package let id: UInt16
    package let code: UInt8
    package let isTruncated: Bool
    package let question: [UInt8]

    /// - Returns: nil for anything except an answer to exactly one question.
    package init?(parsing bytes: some Collection<UInt8>) {
        var reader = DNSReader(Array(bytes))
        guard let id = reader.number(), let flags = reader.number(), let questions = reader.number(),
            flags & 0x8000 != 0, questions == 1
        else { return nil }
        reader.position = 12
        guard reader.name() != nil, reader.number() != nil, reader.number() != nil else { return nil }
        self.id = id
        code = UInt8(flags & 0xf)
        isTruncated = flags & 0x200 != 0
        question = Array(reader.bytes[12..<reader.position])
    }

    /// Whether it answers `question`, ignoring case.
    package func answers(_ question: [UInt8]) -> Bool {
        self.question.count == question.count
            && zip(self.question, question).allSatisfy { lowercase($0) == lowercase($1) }
    }
}

/// Reads a message from front to back and never beyond its end.
private struct DNSReader {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func number() -> UInt16? {
        guard position + 2 <= bytes.count else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    /// A name without compression: nothing comes before the first question that a pointer could refer to.
    mutating func name() -> String? {
        var text: [UInt8] = []
        let start = position
        while position < bytes.count {
            let length = Int(bytes[position])
            position += 1
            if length == 0 { return position - start <= 255 ? String(decoding: text, as: UTF8.self) : nil }
            guard length <= 63, position + length <= bytes.count, position - start < 255 else { return nil }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for byte in bytes[position..<position + length] { Self.append(lowercase(byte), to: &text) }
            position += length
        }
        return nil
    }

    /// Skips a resource record, whose name may be a pointer.
    mutating func record() -> (type: UInt16, class: UInt16)? {
        while true {
            guard position < bytes.count else { return nil }
            let length = Int(bytes[position])
            if length >= 0xc0 {
                position += 2
                break
            }
            guard length <= 63 else { return nil }
            position += 1 + length
            if length == 0 { break }
        }
        guard let type = number(), let `class` = number(), number() != nil, number() != nil, let size = number(),
            position + Int(size) <= bytes.count
        else { return nil }
        position += Int(size)
        return (type, `class`)
    }

    private static func append(_ byte: UInt8, to text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "/"):
            text.append(byte)
        default:
            let digits = String(byte).utf8
            text.append(UInt8(ascii: "\\"))
            text += [UInt8](repeating: UInt8(ascii: "0"), count: 3 - digits.count) + digits
        }
    }
}

private func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
