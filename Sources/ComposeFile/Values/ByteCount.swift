/// `64m`, `1.5 GiB`: a number of bytes with a unit of 1024, as Docker reads it.
package enum ByteCount {
    /// The bytes, fractions cut; nil when the text is no such number or does not fit.
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
        guard let unit = suffix.first else { return 1 }
        let rest = suffix.dropFirst()
        if unit == "b" { return rest.isEmpty ? 1 : nil }
        guard let power = "kmgtp".firstIndex(of: unit), rest.isEmpty || rest == "b" || rest == "ib" else { return nil }
        let exponent = "kmgtp".distance(from: "kmgtp".startIndex, to: power) + 1
        return (0..<exponent).reduce(1.0) { value, _ in value * 1024 }
    }

    /// A decimal number; a point without digits on one side is fine.
    static func decimal(_ text: String) -> Double? {
        var digits = Substring(text)
        if digits.first == "+" { digits.removeFirst() }
        guard digits.utf8.contains(where: { (0x30...0x39).contains($0) }),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || ".eE+-".utf8.contains($0) })
        else { return nil }
        if digits.last == "." { digits += "0" }
        if digits.first == "." { digits = "0" + digits }
        return Double(digits)
    }
}
