/// A time as calendar fields, without a time-zone database: the caller passes the offset.
package struct CalendarTime: Hashable, Sendable {
    package let year: Int
    package let month: Int
    package let day: Int
    package let hour: Int
    package let minute: Int
    package let second: Int
    /// Whole days since 1970.
    private let days: Int

    /// `seconds` since 1970, shifted by `offset` seconds east of UTC (proleptic Gregorian calendar).
    package init(seconds: Int, offset: Int = 0) {
        let local = seconds + offset
        days = Int((Double(local) / 86400).rounded(.down))
        let inDay = local - days * 86400
        hour = inDay / 3600
        minute = inDay / 60 % 60
        second = inDay % 60
        // Days are counted from 1 March of year 0, so that a leap day is the last of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    package var date: String { "\(padded(year, 4))-\(padded(month))-\(padded(day))" }
    package var time: String { "\(padded(hour)):\(padded(minute)):\(padded(second))" }

    /// `2026-11-24T20:39:26.023572040Z` (RFC 3339, nanoseconds, UTC), as in log lines.
    package static func rfc3339(nanoseconds: Int64) -> String {
        let seconds = Int((Double(nanoseconds) / 1e9).rounded(.down))
        let corrected = nanoseconds < Int64(seconds) * 1_000_000_000 ? seconds - 1 : seconds
        let fraction = Int(nanoseconds - Int64(corrected) * 1_000_000_000)
        let overflow = fraction / 1_000_000_000
        let time = CalendarTime(seconds: corrected + overflow)
        return "\(time.date)T\(time.time).\(padded(fraction % 1_000_000_000, 9))Z"
    }

    /// `2026-11-24 20:35:06 +0000 UTC`, the form of `CreatedAt`.
    package static func createdAt(_ instant: Double) -> String {
        let time = CalendarTime(seconds: Int(instant.rounded(.down)))
        return "\(time.date) \(time.time) +0000 UTC"
    }

    /// Seconds since 1970 of a date and time of day in UTC.
    package static func seconds(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86400 + hour * 3600 + minute * 60 + second
    }
}

private func padded(_ value: Int, _ width: Int = 2) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
