/// Decodes base64 (RFC 4648); nil for an invalid text.
package func decodeBase64(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in text.utf8 where byte != 0x3D && byte != 0x0A && byte != 0x0D {
        let value: UInt8
        switch byte {
        case 0x41...0x5A: value = byte - 0x41
        case 0x61...0x7A: value = byte - 0x61 + 26
        case 0x30...0x39: value = byte - 0x30 + 52
        case 0x2B, 0x2D: value = 62
        case 0x2F, 0x5F: value = 63
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return count < 6 ? result : nil
}

/// `bytes` in base64, padded.
package func encodeBase64(_ bytes: some Collection<UInt8>) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        let piece = Array(rest.prefix(3))
        rest = rest.dropFirst(3)
        let bits = piece.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - piece.count))
        for index in 0..<4 {
            let digit = alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)]
            result.append(index <= piece.count ? digit : 0x3D)
        }
    }
    return String(decoding: result, as: UTF8.self)
}
