/// `1m30s`, `1.5d`: a duration as Compose files write it, and Go's text of it.
package enum GoDuration {
    private static let units: [(String, Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
        ("d", 86_400e9), ("w", 604_800e9),
    ]

    /// Nanoseconds; nil when the text is no duration or does not fit (about 292 years).
    package static func parse(_ text: String) -> Int64? {
        var rest = Substring(text)
        let negative = rest.first == "-"
        if negative || rest.first == "+" { rest.removeFirst() }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var whole: Int64 = 0
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !(("0"..."9").contains($0) || $0 == ".") }
            rest = rest[unit.endIndex...]
            guard let factor = units.first(where: { $0.0 == unit })?.1, number.filter({ $0 == "." }).count <= 1,
                let part = product(number, Int64(factor))
            else { return nil }
            let (sum, overflow) = whole.addingReportingOverflow(part)
            if overflow { return nil }
            whole = sum
        }
        return negative ? -whole : whole
    }

    /// Exact for whole numbers: 64-bit nanoseconds do not go through floating point.
    private static func product(_ number: Substring, _ factor: Int64) -> Int64? {
        if let value = Int64(number) {
            let (result, overflow) = value.multipliedReportingOverflow(by: factor)
            return overflow ? nil : result
        }
        guard let value = ByteCount.decimal(String(number)), value * Double(factor) < 0x1p63 else { return nil }
        return Int64((value * Double(factor)).rounded())
    }

    /// Go's `Duration.String`: `1m30s`, `1.5s`, `100ms`, `0s`.
    package static func text(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let value = nanoseconds.magnitude
        if value < 1000 { return "\(sign)\(value)ns" }
        if value < 1_000_000 { return "\(sign)\(decimal(value, 1000))µs" }
        if value < 1_000_000_000 { return "\(sign)\(decimal(value, 1_000_000))ms" }
        let minutes = value / 60_000_000_000
        let seconds = "\(decimal(value % 60_000_000_000, 1_000_000_000))s"
        if minutes == 0 { return sign + seconds }
        return minutes < 60 ? "\(sign)\(minutes)m\(seconds)" : "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)"
    }

    private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
        let fraction = value % unit
        guard fraction > 0 else { return "\(value / unit)" }
        var digits = "\(unit + fraction)".dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(value / unit).\(digits)"
    }
}
