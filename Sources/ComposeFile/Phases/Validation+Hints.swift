import YAML

/// What to write instead of a value of the wrong kind.
extension Validation {
    func hint(_ node: Node, _ shape: Shape) -> String? {
        let takesText = shape.scalars.contains(.string)
        switch node.value {
        case .integer(let number) where shape.meaning == .duration: return "write it with a unit: \(number)s"
        case .sequence(let items)
        where (shape.members != nil || shape.record != nil) && items.contains { $0.mapping != nil }:
            return "write its members without '- '"
        case .sequence(let items) where items.count == 1 && takesText:
            return Self.plainText(items[0]).map { "write `\($0)` alone, not as a list" }
        case .timestamp(let text) where takesText: return "quote it: \"\(text)\""
        case .integer, .unsigned, .float, .bool:
            if takesText, let text = Self.plainText(node) { return "quote it: \"\(text)\"" }
            return shape.items != nil ? "write it as an item of a list: - \(Self.plainText(node) ?? "…")" : nil
        case .string(let text) where shape.items != nil && text.hasPrefix("-"):
            return "write each item as `- …`, with a blank after the '-'"
        case .string(let text) where shape.items != nil && text.utf8.count < 60:
            return "write it as an item of a list: - \(text)"
        case .string(let text): return Self.hint(forText: text, of: shape)
        case .null where shape.record != nil || shape.members != nil || shape.items != nil:
            return "give it a value or remove the key"
        case .mapping where shape.items != nil: return "each item of a list starts with '- '"
        default: return nil
        }
    }

    /// The text that stands where a mapping is expected may lack its colon, or the blank after it: `image postgres`.
    static func hint(forText text: String, of shape: Shape) -> String? {
        let key = String(text.prefix { $0 != " " && $0 != ":" && $0 != "=" })
        let rest = text.dropFirst(key.count + 1).drop { $0 == " " }
        guard let record = shape.record, record[key] != nil, text.utf8.count < 200 else { return nil }
        return rest.isEmpty
            ? "write `\(key): …` on a line of its own"
            : "write `\(key): \(rest)`, with a colon and a blank, on a line of its own"
    }

    /// What to write in the place of an item that is a mapping, in a list of plain values.
    static func hint(forItem pairs: Mapping, of shape: Shape) -> String? {
        guard let pair = pairs.entries.first, pairs.count == 1 else {
            return shape.members == nil && shape.record == nil ? nil : "write it without the '- '"
        }
        if pair.value.isNull { return "write `- \(pair.key)`, without the colon" }
        guard let text = plainText(pair.value), text.utf8.count < 60 else {
            return shape.members == nil && shape.record == nil ? nil : "write `\(pair.key):` without the '- '"
        }
        if text.isEmpty { return "write `- \(pair.key)=…`, or `\(pair.key): …` without the '- '" }
        if let members = shape.members, members.scalars.contains(.string) {
            return "write `- \(pair.key)=\(text)`, or `\(pair.key): \(text)` without the '- '"
        }
        return "quote it: - \"\(pair.key): \(text)\""
    }
}
