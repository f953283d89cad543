/// Times and sizes in docker's format (go-units `HumanDuration`, `HumanSizeWithPrecision`).
package enum HumanUnits {
    /// `Less than a second`, `5 minutes`, `About an hour`, `3 weeks` …
    package static func duration(seconds: Double) -> String {
        let whole = Int(max(0, seconds))
        let minutes = whole / 60
        let hours = Int(max(0, seconds) / 3600 + 0.5)
        switch true {
        case whole < 1: return "Less than a second"
        case whole == 1: return "1 second"
        case whole < 60: return "\(whole) seconds"
        case minutes == 1: return "About a minute"
        case minutes < 60: return "\(minutes) minutes"
        case hours == 1: return "About an hour"
        case hours < 48: return "\(hours) hours"
        case hours < 24 * 7 * 2: return "\(hours / 24) days"
        case hours < 24 * 30 * 2: return "\(hours / 24 / 7) weeks"
        case hours < 24 * 365 * 2: return "\(hours / 24 / 30) months"
        default: return "\(whole / 3600 / 24 / 365) years"
        }
    }

    /// The same in a short form, for a narrow terminal: `5s ago`, `3m ago`, `2h ago`, `5mo ago` …
    package static func briefly(seconds: Double) -> String {
        let text = duration(seconds: seconds)
        let units = ["second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y"]
        let words = text.split(separator: " ")
        let unit = units.first { words.last?.hasPrefix($0.key) == true }?.value ?? "s"
        let count = words.first.flatMap { Int($0) } ?? (text.hasPrefix("Less") ? 0 : 1)
        return "\(count)\(unit) ago"
    }

    /// `duration … ago`, from two times in seconds since 1970.
    package static func ago(_ instant: Double, now: Double) -> String { "\(duration(seconds: now - instant)) ago" }

    /// Bytes in powers of 1000 with at most `digits` significant digits: `1.98MB`.
    package static func size(_ bytes: Int64, digits: Int = 3) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return significant(value, digits) + units[unit]
    }

    /// Bytes in powers of 1024 with at most four significant digits: `1.945GiB`.
    package static func binarySize(_ bytes: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return significant(value, 4) + units[unit]
    }

    /// Go's `%.Ng`: N significant digits, no trailing zeros.
    private static func significant(_ value: Double, _ digits: Int) -> String {
        let whole = String(Int(value)).count
        let decimals = max(0, digits - whole)
        let scale = (0..<decimals).reduce(1.0) { result, _ in result * 10 }
        let scaled = Int((value * scale).rounded())
        let integer = scaled / Int(scale)
        var fraction = String(scaled % Int(scale))
        guard decimals > 0 else { return "\(integer)" }
        fraction = String(repeating: "0", count: decimals - fraction.count) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? "\(integer)" : "\(integer).\(fraction)"
    }

    /// Seconds in the terminal progress: `0.9s`, `1m2s`.
    package static func elapsed(_ seconds: Double) -> String {
        let tenths = Int((max(0, seconds) * 10).rounded())
        if tenths < 600 { return "\(tenths / 10).\(tenths % 10)s" }
        return "\(tenths / 600)m\(tenths / 10 % 60)s"
    }
}
