import YAML

/// JSON as Go writes it: escapes `<`, `>` and `&` unless `html` is off, and numbers in Go's form.
enum GoJSON {
    /// With an indent, pretty-printed; otherwise compact. No final line break.
    static func text(_ node: Node, indent: Int? = nil, html: Bool = true) -> String {
        var text = ""
        write(node, indent, html, 0, into: &text)
        return text
    }

    private static func write(_ node: Node, _ indent: Int?, _ html: Bool, _ depth: Int, into text: inout String) {
        switch node.value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .unsigned(let value): text += "\(value)"
        case .float(let value): text += number(value)
        case .string(let value), .timestamp(let value): text += quoted(value, html)
        case .sequence(let nodes):
            list("[", "]", nodes.count, indent, depth, into: &text) { text, index in
                write(nodes[index], indent, html, depth + 1, into: &text)
            }
        case .mapping(let mapping):
            list("{", "}", mapping.count, indent, depth, into: &text) { text, index in
                let entry = mapping.entries[index]
                text += quoted(entry.key, html) + (indent == nil ? ":" : ": ")
                write(entry.value, indent, html, depth + 1, into: &text)
            }
        }
    }

    private static func list(
        _ open: String, _ close: String, _ count: Int, _ indent: Int?, _ depth: Int, into text: inout String,
        _ item: (inout String, Int) -> Void
    ) {
        func breakLine(_ depth: Int) {
            if let indent, count > 0 { text += "\n" + String(repeating: " ", count: indent * depth) }
        }
        text += open
        for index in 0..<count {
            if index > 0 { text += "," }
            breakLine(depth + 1)
            item(&text, index)
        }
        breakLine(depth)
        text += close
    }

    /// Decimal between 1e-6 and 1e21, as in encoding/json.
    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        return ShortestNumber.text(value)
    }

    private static func quoted(_ text: String, _ html: Bool) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case "<" where !html, ">" where !html, "&" where !html: result.unicodeScalars.append(scalar)
            case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{00}"..<"\u{20}":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
