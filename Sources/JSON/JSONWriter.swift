extension JSONValue {
    /// The layout: on one line, or with `indent` spaces for each level and a final newline.
    package enum Layout: Sendable {
        case compact
        case pretty(indent: Int)
    }

    /// The JSON text in UTF-8; slashes and non-ASCII characters are not escaped.
    package func serialized(_ layout: Layout = .compact) -> [UInt8] {
        var writer = JSONWriter(layout: layout)
        writer.write(self, depth: 0)
        if case .pretty = layout { writer.bytes.append(0x0A) }
        return writer.bytes
    }

    /// The JSON text as a string.
    package func text(_ layout: Layout = .compact) -> String {
        String(decoding: serialized(layout), as: UTF8.self)
    }
}

private struct JSONWriter {
    let layout: JSONValue.Layout
    var bytes: [UInt8] = []

    init(layout: JSONValue.Layout) { self.layout = layout }

    mutating func write(_ value: JSONValue, depth: Int) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append("\(value)")
        case .unsigned(let value): append("\(value)")
        case .double(let value): append(Self.number(value))
        case .string(let value): string(value)
        case .array(let values):
            list("[", "]", count: values.count, depth: depth) { writer, index in
                writer.write(values[index], depth: depth + 1)
            }
        case .object(let object):
            list("{", "}", count: object.members.count, depth: depth) { writer, index in
                writer.string(object.members[index].key)
                writer.append(writer.isPretty ? ": " : ":")
                writer.write(object.members[index].value, depth: depth + 1)
            }
        }
    }

    private var isPretty: Bool {
        if case .pretty = layout { return true }
        return false
    }

    /// JSON has no infinities; a whole double is written without ".0", as in other writers.
    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        return "\(value)"
    }

    private mutating func list(
        _ open: StaticString, _ close: StaticString, count: Int, depth: Int, _ item: (inout JSONWriter, Int) -> Void
    ) {
        append("\(open)")
        for index in 0..<count {
            if index > 0 { append(",") }
            newline(depth: depth + 1)
            item(&self, index)
        }
        if count > 0 { newline(depth: depth) }
        append("\(close)")
    }

    private mutating func newline(depth: Int) {
        guard case .pretty(let indent) = layout else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: indent * depth))
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
