/// What to write instead of a text that is not a number, size or duration; derived from the text where possible.
enum NumberAdvice {
    static func integer(_ text: String, of shape: Shape) -> String {
        if text.isEmpty { return "give it a value or remove the key" }
        let lower = text.lowercased().filter { $0 != " " }
        if shape.record === Format.ulimit {
            let ends = lower.split(separator: ":")
            if ends.count == 2, ends.allSatisfy(\.isDigits) {
                return ends[0] == ends[1]
                    ? "write \(ends[0]), or {soft: \(ends[0]), hard: \(ends[1])}"
                    : "write {soft: \(ends[0]), hard: \(ends[1])}"
            }
            if ["unlimited", "infinity", "max"].contains(lower) { return "write -1 for no limit" }
        }
        if let value = ByteCount.parse(lower), value > 0, lower.utf8.last?.isDigit == false {
            return "write \(value), without a unit"
        }
        let digits = lower.filter { !"_,'".contains($0) }
        if digits.isDigits { return "write \(digits)" }
        let number = lower.prefix { $0.isASCII && $0.isNumber }
        return number.isEmpty ? "write a whole number" : "write \(number), a whole number without anything else"
    }

    static func range(_ value: Int64, _ range: ClosedRange<Int64>) -> String {
        if range == 1...65535 { return "a port is a number from 1 to 65535" }
        if value < range.lowerBound, range.lowerBound == 0 { return "leave it out, or write a number from 0 on" }
        if range.lowerBound == -1, range.upperBound == Int64.max {
            return "write -1 for no limit, or a number from 0 on"
        }
        return "write a number from \(range.lowerBound) to \(range.upperBound)"
    }

    /// A number with a fraction; a number of cores if `cores` is set.
    static func number(_ text: String, cores: Bool) -> String {
        if text.isEmpty { return "give it a value or remove the key" }
        let lower = text.lowercased().filter { $0 != " " }
        let pointed = lower.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ".")
        if let value = ByteCount.decimal(pointed), pointed != lower { return "write \(short(value)), with a point" }
        let digits = lower.prefix { ($0.isASCII && $0.isNumber) || $0 == "." }
        let unit = lower.dropFirst(digits.count)
        guard cores else { return "write a number: 0.5" }
        if let value = ByteCount.decimal(String(digits)) {
            switch unit {
            case "m": return "write \(short(value / 1000)): it counts cores"
            case "%": return "write \(short(value / 100)): it counts cores"
            case "cpu", "cpus", "core", "cores", "vcpu", "c", "x": return "write \(short(value))"
            default: break
            }
        }
        if ["all", "max", "unlimited"].contains(lower) { return "leave it out for all cores" }
        return "write how many cores: 0.5, 2"
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    static func bytes(_ text: String) -> String {
        if text.isEmpty { return "give it a value or remove the key" }
        let lower = text.lowercased().filter { $0 != " " && $0 != "_" }
        let pointed = lower.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ".")
        let digits = pointed.prefix { ($0.isASCII && $0.isNumber) || $0 == "." }
        let unit = pointed.dropFirst(digits.count)
        if ["unlimited", "max", "none", "infinity"].contains(lower) { return "leave it out for no limit" }
        if digits.isEmpty || ByteCount.decimal(String(digits)) == nil || unit == "%" {
            return "write a number with b, k, m, g, t or p: 512m"
        }
        switch unit.first {
        case "k", "m", "g", "t", "p": return "write \(digits)\(unit.prefix(1))"
        case nil, "b": return "write \(digits)"
        default: return "write a number with b, k, m, g, t or p: 512m"
        }
    }

    static func duration(_ text: String) -> String {
        if text.isEmpty { return "give it a value or remove the key" }
        let lower = text.lowercased().filter { $0 != " " }
        let pointed = lower.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ".")
        if pointed != lower, GoDuration.parse(pointed) != nil { return "write \(pointed)" }
        let clock = lower.split(separator: ":", omittingEmptySubsequences: false)
        if clock.count == 2 || clock.count == 3, clock.allSatisfy(\.isDigits) {
            let numbers = clock.map { Int($0).map { "\($0)" } ?? "0" }
            return "write " + zip(numbers, ["h", "m", "s"].suffix(numbers.count)).map { $0 + $1 }.joined()
        }
        if lower.hasPrefix("pt"), GoDuration.parse(String(lower.dropFirst(2))) != nil {
            return "write \(lower.dropFirst(2))"
        }
        let number = lower.prefix { ($0.isASCII && $0.isNumber) || $0 == "." }
        if !number.isEmpty, let unit = unit(lower.dropFirst(number.count)) { return "write \(number)\(unit)" }
        if lower.isDigits { return "add a unit: \(lower)s" }
        if lower.hasPrefix("-") { return "write how long, as in 10s" }
        return "write numbers with h, m, s, ms, us: 1m30s"
    }

    private static func unit(_ word: Substring) -> String? {
        switch word {
        case "s", "sec", "secs", "second", "seconds": "s"
        case "m", "min", "mins", "minute", "minutes": "m"
        case "h", "hr", "hrs", "hour", "hours": "h"
        case "d", "day", "days": "d"
        case "w", "wk", "week", "weeks": "w"
        case "ms", "msec", "millis", "millisecond", "milliseconds": "ms"
        case "us", "usec", "microsecond", "microseconds": "us"
        default: nil
        }
    }
}
