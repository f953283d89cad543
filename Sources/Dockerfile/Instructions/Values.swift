/// Sizes as Docker writes them: `64m`, `1.5GiB`; powers of 1024.
enum ByteSize {
    static func bytes(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits), number >= 0 else { return nil }
        var unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        if unit.hasSuffix("ib") { unit.removeLast(2) } else if unit.hasSuffix("b"), unit.count > 1 { unit.removeLast() }
        let powers = ["": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5]
        guard let power = powers[unit] else { return nil }
        let bytes = (0..<power).reduce(number) { size, _ in size * 1024 }
        return bytes < 9.0e18 ? Int64(bytes) : nil
    }
}

/// Durations as Go writes them: `1m30s`, `500ms`, `0`.
enum GoDuration {
    private static let units: [(String, Int64)] = [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// nil if the text is not a duration; it may have a sign.
    static func nanoseconds(_ text: String) -> Int64? {
        var rest = text[...]
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest.removeFirst() }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let number = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let word = rest.prefix { !($0.isNumber || $0 == ".") }
            guard let unit = units.first(where: { $0.0 == word }) else { return nil }
            rest = rest.dropFirst(word.count)
            total += number * Double(unit.1)
        }
        guard total < 9.0e18 else { return nil }
        return isNegative ? -Int64(total) : Int64(total)
    }
}
