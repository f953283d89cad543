/// `1m30s`, `1.5d`: a duration in Compose files, and Go's text for it.
package enum GoDuration {
    /// Nanoseconds; nil when the text is not a duration or is out of range (about 292 years).
    package static func parse(_ text: String) -> Int64? {
        var copy = text
        return copy.withUTF8 { parse($0[...]) }
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    private static func parse(_ text: Bytes) -> Int64? {
        var rest = text
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.count == 1, rest.first == UInt8(ascii: "0") { return 0 }
        guard !rest.isEmpty else { return nil }
        var whole: Int64 = 0
        while !rest.isEmpty {
            let number = rest.prefix { isNumeric($0) }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !isNumeric($0) }
            rest = rest[unit.endIndex...]
            guard let factor = factor(unit), let part = product(number, factor) else { return nil }
            let (sum, overflow) = whole.addingReportingOverflow(part)
            if overflow { return nil }
            whole = sum
        }
        return negative ? -whole : whole
    }

    private static func isNumeric(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") }

    private static func factor(_ unit: Bytes) -> Int64? {
        switch String(decoding: unit, as: UTF8.self) {
        case "s": 1_000_000_000
        case "m": 60_000_000_000
        case "h": 3_600_000_000_000
        case "ms": 1_000_000
        case "us", "µs", "μs": 1000
        case "ns": 1
        case "d": 86_400_000_000_000
        case "w": 604_800_000_000_000
        default: nil
        }
    }

    /// Exact for whole numbers, because 64-bit nanoseconds do not fit into floating point.
    private static func product(_ number: Bytes, _ factor: Int64) -> Int64? {
        let points = number.count { $0 == UInt8(ascii: ".") }
        let text = String(decoding: number, as: UTF8.self)
        if points == 0, let value = Int64(text) {
            let (result, overflow) = value.multipliedReportingOverflow(by: factor)
            return overflow ? nil : result
        }
        guard points <= 1, let value = ByteCount.decimal(text), value * Double(factor) < 0x1p63 else { return nil }
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
