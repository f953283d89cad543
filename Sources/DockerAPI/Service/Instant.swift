import Engine

/// Times in the forms that Go writes and reads.
enum Instant {
    /// Go's zero time, for something that has not happened.
    static let never = "0001-01-01T00:00:00Z"

    /// RFC 3339 with nanoseconds; `nanoseconds` since 1970.
    static func text(_ nanoseconds: Int64) -> String { Timestamp.text(nanoseconds, digits: 9) }

    static func text(_ nanoseconds: Int64?) -> String { nanoseconds.map { text($0) } ?? never }

    /// Reads `since` and `until`: seconds since 1970 with or without a fraction, an instant in RFC 3339, or a duration before
    /// `now`. nil for anything else.
    static func parse(_ text: String, now: Int64) -> Int64? {
        if let seconds = seconds(text) { return seconds }
        if let instant = Timestamp.parse(text) { return instant }
        if let duration = duration(text) { return now - duration }
        return nil
    }

    private static func seconds(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let whole = Int64(first), abs(whole) < Int64.max / 1_000_000_000 else {
            return nil
        }
        guard parts.count == 2 else { return whole * 1_000_000_000 }
        let digits = parts[1].prefix(9)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let fraction = Int64(digits)
        else { return nil }
        return whole * 1_000_000_000 + (0..<(9 - digits.count)).reduce(fraction) { value, _ in value * 10 }
    }

    /// Go's durations: `1h30m`, `2.5s`.
    private static func duration(_ text: String) -> Int64? {
        let units: [(String, Double)] = [("ms", 1e6), ("us", 1e3), ("ns", 1), ("h", 3600e9), ("m", 60e9), ("s", 1e9)]
        var rest = Substring(text)
        var sum = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest[number.endIndex...]
            guard let value = Double(number), let unit = units.first(where: { rest.hasPrefix($0.0) }) else {
                return nil
            }
            sum += value * unit.1
            rest = rest.dropFirst(unit.0.count)
        }
        return sum < 9e18 ? Int64(sum) : nil
    }
}
