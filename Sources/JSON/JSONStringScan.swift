/// Finds a JSON string inside a longer text without parsing it: for streams of many small objects in a known form. In
/// case of doubt it leaves the text to the real parser.
package struct JSONStringScan {
    private let start: Int
    /// The position of the closing quote.
    package let end: Int
    private let hasEscapes: Bool
    private let isASCII: Bool
    /// The content between the quotes may be copied into any JSON text.
    package let isPlainUTF8: Bool

    /// Searches from `start`, the position after the opening quote, for the end. nil when there is none, for escapes
    /// that need the real parser (surrogates), and for characters that JSON does not allow.
    package init?(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) {
        var place = start
        var seen: UInt8 = 0
        var hasEscapes = false
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") {
                self.start = start
                end = place
                self.hasEscapes = hasEscapes
                isASCII = seen < 0x80
                isPlainUTF8 = isASCII || Self.isUTF8(bytes[start..<place])
                return
            }
            if byte == UInt8(ascii: "\\") {
                guard let length = Self.escape(bytes, at: place) else { return nil }
                hasEscapes = true
                place += length
                continue
            }
            guard byte >= 0x20 else { return nil }
            seen |= byte
            place += 1
        }
        return nil
    }

    /// The text with its escapes resolved.
    package func unescaped(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        let inside = bytes[start..<end]
        guard hasEscapes else { return String(decoding: inside, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: inside.count) { output in
            var written = 0
            var place = start
            while place < end {
                guard bytes[place] == UInt8(ascii: "\\") else {
                    output[written] = bytes[place]
                    written += 1
                    place += 1
                    continue
                }
                let kind = bytes[place + 1]
                guard kind == UInt8(ascii: "u") else {
                    output[written] = Self.plain(kind) ?? kind
                    written += 1
                    place += 2
                    continue
                }
                // An escape of six bytes becomes at most three bytes of UTF-8.
                for byte in Self.scalar(bytes, at: place + 2).map({ Array(String(Character($0)).utf8) }) ?? [] {
                    output[written] = byte
                    written += 1
                }
                place += 6
            }
            return written
        }
    }

    /// The length of the escape at `place`; nil when it is not an escape, or half of a surrogate pair.
    private static func escape(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
        guard place + 1 < bytes.count else { return nil }
        if plain(bytes[place + 1]) != nil { return 2 }
        guard bytes[place + 1] == UInt8(ascii: "u"), scalar(bytes, at: place + 2) != nil else { return nil }
        return 6
    }

    private static func plain(_ kind: UInt8) -> UInt8? {
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): kind
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: nil
        }
    }

    private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Unicode.Scalar? {
        guard place + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[place..<place + 4] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return Unicode.Scalar(value)
    }

    private static func isUTF8(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether `word` is at `place`.
    package func has(_ word: StaticString, at place: Int) -> Bool {
        let length = word.utf8CodeUnitCount
        guard place + length <= count else { return false }
        for index in 0..<length where self[place + index] != word.utf8Start[index] { return false }
        return true
    }

    /// The value of the decimal digit at `place`; nil when there is none.
    package func digit(at place: Int) -> UInt8? {
        guard place < count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self[place]) else { return nil }
        return self[place] - UInt8(ascii: "0")
    }
}
