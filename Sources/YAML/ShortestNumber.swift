/// Numbers as Go prints them, because files rely on how docker compose converts numbers to text.
package enum ShortestNumber {
    /// The fewest digits that read back as the same number; with an exponent if it is below -4 or above 5.
    package static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return format(value.description, isNegative: value.sign == .minus)
    }

    package static func text(_ value: Float) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return format(value.description, isNegative: value.sign == .minus)
    }

    /// Converts Swift's shortest digits (`1234567.0`, `1e-05`) to Go's form.
    private static func format(_ description: String, isNegative: Bool) -> String {
        let unsigned = description.hasPrefix("-") ? description.dropFirst() : description[...]
        let parts = unsigned.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var digits = String(mantissa[0]) + (mantissa.count > 1 ? String(mantissa[1]) : "")
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + mantissa[0].utf8.count - 1
        while digits.count > 1, digits.hasPrefix("0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        let sign = isNegative ? "-" : ""
        if digits == "0" { return "\(sign)0" }
        return sign + (exponent < -4 || exponent >= 6 ? scientific(digits, exponent) : plain(digits, exponent))
    }

    private static func scientific(_ digits: String, _ exponent: Int) -> String {
        let fraction = digits.dropFirst()
        let magnitude = abs(exponent)
        return "\(digits.prefix(1))\(fraction.isEmpty ? "" : ".")\(fraction)e\(exponent < 0 ? "-" : "+")"
            + (magnitude < 10 ? "0" : "") + "\(magnitude)"
    }

    private static func plain(_ digits: String, _ exponent: Int) -> String {
        if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits }
        if digits.utf8.count <= exponent + 1 {
            return digits + String(repeating: "0", count: exponent + 1 - digits.utf8.count)
        }
        return "\(digits.prefix(exponent + 1)).\(digits.dropFirst(exponent + 1))"
    }
}
