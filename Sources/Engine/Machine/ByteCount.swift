/// Sizes in options: `10m`, `512k`, `1g`, `100`; the units are powers of 1024.
package enum ByteCount {
    /// Bytes; nil for anything that is not a size.
    package static func parse(_ text: String) -> Int64? {
        var digits = Substring(text.lowercased())
        if digits.hasSuffix("b") { digits.removeLast() }
        if digits.hasSuffix("i") { digits.removeLast() }
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40]
        var unit: Int64 = 1
        if let last = digits.last, let known = units[last] {
            unit = known
            digits.removeLast()
        }
        guard let value = Double(digits), value >= 0, value * Double(unit) < 9e18 else { return nil }
        return Int64(value * Double(unit))
    }
}
