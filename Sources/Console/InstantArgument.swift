/// `--since` and `--until`: a time (RFC 3339, or seconds since 1970) or a duration before now (`10m`, `1h30m`).
package enum InstantArgument {
    /// The text is neither.
    package struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        package let text: String
        package var description: String { "\"\(text)\" is not a time or a duration" }
    }

    /// Seconds since 1970. A time without a zone is local: `offset` returns the machine's seconds east of UTC at a
    /// given time.
    package static func parse(_ text: String, now: Double, offset: (Double) -> Int = { _ in 0 }) throws(Invalid)
        -> Double
    {
        if let span = goDuration(text) { return now - span }
        if let seconds = Double(text), seconds.isFinite { return seconds }
        if let instant = calendar(text, offset: offset) { return instant }
        throw Invalid(text: text)
    }

    /// Go's duration format in seconds: `300ms`, `1.5h`, `2h45m`; nil for another text or a bare number.
    package static func goDuration(_ text: String) -> Double? {
        let units: [(String, Double)] = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)]
        var rest = text[...]
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            guard let value = Double(number) else { return nil }
            rest = rest[number.endIndex...]
            let name = rest.prefix { $0.isLetter }
            guard let unit = units.first(where: { $0.0 == name }) else { return nil }
            total += value * unit.1
            rest = rest[name.endIndex...]
        }
        return total
    }

    private static func calendar(_ text: String, offset: (Double) -> Int) -> Double? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        func number(_ from: Int, _ count: Int) -> Int? {
            guard from + count <= bytes.count else { return nil }
            return Int(String(decoding: bytes[from..<from + count], as: UTF8.self))
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), (1...12).contains(month),
            (1...31).contains(day)
        else { return nil }
        var clock = (hour: 0, minute: 0, second: 0, fraction: 0.0)
        var end = 10
        if bytes.count > 10 {
            guard bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "), let hour = number(11, 2),
                let minute = number(14, 2)
            else { return nil }
            clock.hour = hour
            clock.minute = minute
            end = 16
            if let second = number(17, 2) {
                clock.second = second
                end = 19
            }
            if end < bytes.count, bytes[end] == UInt8(ascii: ".") {
                let digits = bytes[(end + 1)...].prefix { (0x30...0x39).contains($0) }
                clock.fraction = Double("0.\(String(decoding: digits, as: UTF8.self))") ?? 0
                end += 1 + digits.count
            }
        }
        let seconds = CalendarTime.seconds(
            year: year, month: month, day: day, hour: clock.hour, minute: clock.minute, second: clock.second)
        let asUTC = Double(seconds) + clock.fraction
        let zone = String(decoding: bytes[min(end, bytes.count)...], as: UTF8.self)
        if zone == "Z" { return asUTC }
        if zone.isEmpty { return asUTC - Double(offset(asUTC)) }
        let digits = zone.dropFirst().filter { $0 != ":" }
        guard zone.first == "+" || zone.first == "-", digits.count == 4, let value = Int(digits) else { return nil }
        let shift = Double(value / 100 * 3600 + value % 100 * 60)
        return zone.first == "+" ? asUTC - shift : asUTC + shift
    }
}
