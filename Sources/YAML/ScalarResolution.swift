/// The value of a plain scalar: YAML 1.2's core schema, with those parts of 1.1 that Compose files rely on.
///
/// `yes`, `on` and `12:30` are text; `010`, `0o10`, `0x1F`, `0b11` and `1_000` are integers; a date stays a date.
package enum ScalarResolution {
    /// The value of the plain scalar `text`.
    package static func resolve(_ text: String) -> Node.Value {
        var copy = text
        return copy.withUTF8 { bytes in
            guard let first = bytes.first else { return .null }
            if isSurelyText(bytes) { return .string(text) }
            switch first {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): return date(bytes, text) ?? number(bytes, text) ?? .string(text)
            case UInt8(ascii: "+"), UInt8(ascii: "-"):
                return word(text) ?? date(bytes, text) ?? number(bytes, text) ?? .string(text)
            case UInt8(ascii: "."): return word(text) ?? float(text).map { .float($0) } ?? .string(text)
            default: return word(text) ?? .string(text)
            }
        }
    }

    /// True when the first bytes already show that a plain scalar is text, as for most scalars.
    static func isSurelyText(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first else { return false }
        return switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): false
        case UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "t"), UInt8(ascii: "T"),
            UInt8(ascii: "f"), UInt8(ascii: "F"):
            bytes.count > 5
        default: true
        }
    }

    private static func word(_ text: String) -> Node.Value? {
        switch text {
        case "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE": .bool(true)
        case "false", "False", "FALSE": .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": .float(-.infinity)
        case ".nan", ".NaN", ".NAN": .float(.nan)
        default: nil
        }
    }

    /// Digits with any prefix of Go's integer literals, without underscores; otherwise a decimal fraction.
    package static func number(_ text: String) -> Node.Value? {
        var copy = text
        return copy.withUTF8 { number($0, text) }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ text: String) -> Node.Value? {
        if bytes.contains(UInt8(ascii: "_")) {
            let plain = String(decoding: bytes.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
            return plain.isEmpty ? nil : number(plain)
        }
        if let value = integer(bytes) { return value }
        return float(text).map { .float($0) }
    }

    private static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> Node.Value? {
        var digits = bytes[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        let radix = takePrefix(&digits)
        guard !digits.isEmpty else { return nil }
        var magnitude: UInt64 = 0
        for byte in digits {
            guard let digit = value(of: byte), digit < radix else { return nil }
            let (shifted, overflow) = magnitude.multipliedReportingOverflow(by: radix)
            let (sum, carry) = shifted.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            magnitude = sum
        }
        if negative {
            return magnitude <= UInt64(Int64.max) + 1 ? .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) : nil
        }
        return magnitude <= UInt64(Int64.max) ? .integer(Int64(magnitude)) : .unsigned(magnitude)
    }

    /// The radix from `0x`, `0o`, `0b` or a leading zero; removes the prefix.
    private static func takePrefix(_ digits: inout Slice<UnsafeBufferPointer<UInt8>>) -> UInt64 {
        guard digits.count > 1, digits.first == UInt8(ascii: "0") else { return 10 }
        let radix: UInt64
        switch digits[digits.startIndex + 1] {
        case UInt8(ascii: "x"), UInt8(ascii: "X"): radix = 16
        case UInt8(ascii: "o"), UInt8(ascii: "O"): radix = 8
        case UInt8(ascii: "b"), UInt8(ascii: "B"): radix = 2
        default:
            digits = digits.dropFirst()
            return 8
        }
        digits = digits.dropFirst(2)
        return radix
    }

    private static func value(of digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(digit - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// `[-+]? ( .digits | digits [ . digits? ] ) [ e [+-]? digits ]`
    private static func float(_ text: String) -> Double? {
        var rest = Substring(text).utf8
        func skipDigits() -> Int {
            let start = rest.count
            rest = rest.drop { (0x30...0x39).contains($0) }
            return start - rest.count
        }
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let whole = skipDigits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            if skipDigits() == 0, whole == 0 { return nil }
        } else if whole == 0 {
            return nil
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            if skipDigits() == 0 { return nil }
        }
        guard rest.isEmpty else { return nil }
        // Swift's parser needs a digit on both sides of the point.
        var normal = text.hasPrefix("+") ? String(text.dropFirst()) : text
        if let point = normal.firstIndex(of: ".") {
            let after = normal.index(after: point)
            if after == normal.endIndex || !normal[after].isNumber { normal.insert("0", at: after) }
            if point == normal.startIndex || !normal[normal.index(before: point)].isNumber {
                normal.insert("0", at: point)
            }
        }
        return Double(normal)
    }

    /// A date (`2020-01-01`), or date and time: four digits, a dash, and then only characters of a time.
    private static func date(_ bytes: UnsafeBufferPointer<UInt8>, _ text: String) -> Node.Value? {
        guard bytes.count >= 8, bytes[4] == UInt8(ascii: "-"), bytes[..<4].allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        let dayAndTime = text.split(whereSeparator: { $0 == "T" || $0 == "t" || $0 == " " })
        guard let first = dayAndTime.first, dayAndTime.count <= 3 else { return nil }
        let parts = first.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let month = parts[1], let day = parts[2], (1...12).contains(month),
            (1...31).contains(day), first.utf8.count <= 10
        else { return nil }
        if dayAndTime.count == 1 { return text.utf8.count == first.utf8.count ? .timestamp(text) : nil }
        let clock = dayAndTime[1].utf8.allSatisfy { (0x30...0x3A).contains($0) || ".Zz+-".utf8.contains($0) }
        return clock && dayAndTime[1].contains(":") ? .timestamp(text) : nil
    }
}
