/// Limits for a JSON text from outside: its length in bytes and its depth.
package struct JSONLimits: Sendable {
    package var bytes: Int
    package var depth: Int

    package init(bytes: Int = 64 << 20, depth: Int = 64) {
        self.bytes = bytes
        self.depth = depth
    }
}

/// Why a JSON text was refused; `offset` counts bytes from 0.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String
    package let offset: Int?

    package init(_ message: String, at offset: Int? = nil) {
        self.message = message
        self.offset = offset
    }

    package var description: String { offset.map { "\(message) at byte \($0)" } ?? message }
}

extension JSONValue {
    /// Parses one JSON text (RFC 8259): UTF-8, no trailing bytes, no duplicate keys.
    package init(parsing bytes: some Sequence<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        let bytes = Array(bytes)
        guard bytes.count <= limits.bytes else { throw JSONError("JSON text longer than \(limits.bytes) bytes") }
        var reader = JSONReader(bytes: bytes, depthLeft: limits.depth)
        self = try reader.document()
    }

    package init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(parsing: text.utf8, limits: limits)
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    var depthLeft: Int
    var position = 0

    init(bytes: [UInt8], depthLeft: Int) {
        self.bytes = bytes
        self.depthLeft = depthLeft
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw error("text after the JSON value") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        guard position < bytes.count else { throw error("JSON text ends early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try nested { reader throws(JSONError) in try reader.object() }
        case UInt8(ascii: "["): return try nested { reader throws(JSONError) in try reader.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("unexpected character in JSON")
        }
    }

    private mutating func nested(
        _ body: (inout JSONReader) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depthLeft > 0 else { throw error("JSON nests too deep") }
        depthLeft -= 1
        position += 1
        let value = try body(&self)
        depthLeft += 1
        return value
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        var object = JSONObject()
        var seen = Set<String>()
        if take(UInt8(ascii: "}")) { return .object(object) }
        repeat {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw error("expected a key") }
            let key = try string()
            guard seen.insert(key).inserted else { throw error("duplicate key \"\(key)\"") }
            guard take(UInt8(ascii: ":")) else { throw error("expected ':'") }
            object.append(key, try value())
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("expected ',' or '}'") }
        return .object(object)
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        var values: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(values) }
        repeat { values.append(try value()) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("expected ',' or ']'") }
        return .array(values)
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let length = text.utf8CodeUnitCount
        guard position + length <= bytes.count else { throw error("unexpected character in JSON") }
        for index in 0..<length where bytes[position + index] != text.utf8Start[index] {
            throw error("unexpected character in JSON")
        }
        position += length
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        var isInteger = true
        _ = takeRaw(UInt8(ascii: "-"))
        guard position < bytes.count else { throw error("JSON text ends early") }
        if bytes[position] == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if takeRaw(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if takeRaw(UInt8(ascii: "e")) || takeRaw(UInt8(ascii: "E")) {
            isInteger = false
            _ = takeRaw(UInt8(ascii: "+")) || takeRaw(UInt8(ascii: "-"))
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        if isInteger, let value = UInt64(text) { return .unsigned(value) }
        guard let value = Double(text), value.isFinite else { throw error("number out of range") }
        return .double(value)
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard position > start else { throw error("expected a digit") }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        var escaped: [UInt8]?
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                let content = escaped ?? Array(bytes[start..<position])
                guard let text = String(validating: content, as: UTF8.self) else { throw error("string is not UTF-8") }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                if escaped == nil { escaped = Array(bytes[start..<position]) }
                position += 1
                escaped?.append(contentsOf: try escape())
            case 0..<0x20: throw error("control character in a string")
            default:
                escaped?.append(byte)
                position += 1
            }
        }
        throw error("string without an end")
    }

    private mutating func escape() throws(JSONError) -> [UInt8] {
        guard position < bytes.count else { throw error("string without an end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(Character(try scalar())).utf8)
        default: throw error("unknown escape in a string")
        }
    }

    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let unit = try hexUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // A high surrogate needs its low half (RFC 8259, section 7).
        guard (0xD800...0xDBFF).contains(unit), takeRaw(UInt8(ascii: "\\")), takeRaw(UInt8(ascii: "u")) else {
            throw error("half of a surrogate pair")
        }
        let low = try hexUnit()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        else { throw error("half of a surrogate pair") }
        return scalar
    }

    private mutating func hexUnit() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw error("string without an end") }
        let text = String(decoding: bytes[position..<position + 4], as: UTF8.self)
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let unit = UInt32(text, radix: 16)
        else { throw error("bad \\u escape") }
        position += 4
        return unit
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        return takeRaw(byte)
    }

    private mutating func takeRaw(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private func error(_ message: String) -> JSONError { JSONError(message, at: position) }
}
