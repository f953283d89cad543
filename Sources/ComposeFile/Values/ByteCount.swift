/// `64m`, `1.5 GiB`: a number of bytes with a binary unit, in Docker's notation.
package enum ByteCount {
    /// The bytes, without a fraction; nil when the text is not such a number or is out of range.
    package static func parse(_ text: String) -> Int64? {
        if text == "-1" { return -1 }
        let bytes = Array(text.utf8)
        guard
            let last = bytes.lastIndex(where: { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") || $0 == 0x20 })
        else { return nil }
        let number = bytes[last] == 0x20 ? bytes[..<last] : bytes[...last]
        let suffix = String(decoding: bytes[(last + 1)...], as: UTF8.self).lowercased()
        guard let factor = factor(suffix), let value = decimal(String(decoding: number, as: UTF8.self)) else {
            return nil
        }
        let total = value * factor
        return total >= 0 && total < 0x1p63 ? Int64(total) : nil
    }

    private static func factor(_ suffix: String) -> Double? {
        switch suffix {
        case "", "b": 1
        case "k", "kb", "kib": 0x1p10
        case "m", "mb", "mib": 0x1p20
        case "g", "gb", "gib": 0x1p30
        case "t", "tb", "tib": 0x1p40
        case "p", "pb", "pib": 0x1p50
        default: nil
        }
    }

    /// A decimal number; a point may have digits on one side only.
    static func decimal(_ text: String) -> Double? {
        var digits = Substring(text)
        if digits.utf8.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        guard digits.utf8.contains(where: { (0x30...0x39).contains($0) }),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || ".eE+-".utf8.contains($0) })
        else { return nil }
        if digits.utf8.last == UInt8(ascii: ".") { digits += "0" }
        if digits.utf8.first == UInt8(ascii: ".") { digits = "0" + digits }
        return Double(digits)
    }
}
