/// Arbitrary bytes inside a JSON string (RFC 8259, section 7).
enum JSONText {
    /// Appends `bytes` with escapes; invalid UTF-8 becomes U+FFFD.
    static func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + bytes.count + 16)
        guard bytes.contains(where: { $0 >= 0x80 }) else {
            for byte in bytes { append(byte, to: &output) }
            return
        }
        for byte in String(decoding: bytes, as: UTF8.self).utf8 { append(byte, to: &output) }
    }

    private static func append(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "\"")])
        case UInt8(ascii: "\\"): output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "\\")])
        case 0x0A: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
        case 0x0D: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
        case 0x09: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
        case 0..<0x20:
            output.append(contentsOf: "\\u00".utf8)
            output.append(digit(byte >> 4))
            output.append(digit(byte & 15))
        default: output.append(byte)
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
