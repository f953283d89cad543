import Glibc

/// Measures how long something takes.
struct Stopwatch: Sendable {
    private let start = ContinuousClock.now

    var seconds: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

/// Formats seconds since 1970 as RFC 3339, in UTC.
func timestamp(_ seconds: Int64) -> String {
    var time = Int(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    return "\(date)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
}

/// The seconds since 1970 of an RFC 3339 time in UTC; fractions are dropped. nil for what is none.
func seconds(_ text: String) -> Int64? {
    let digits = text.prefix(19).split { !$0.isNumber }.compactMap { Int32($0) }
    guard digits.count == 6 else { return nil }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (digits[0] - 1900, digits[1] - 1, digits[2])
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (digits[3], digits[4], digits[5])
    return Int64(timegm(&parts))
}
