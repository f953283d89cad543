/// Writes nodes as block-style YAML like Go's yaml library, so that the text looks like that of `docker compose
/// config`.
package struct YAMLWriter {
    private let indent: Int
    private var text = ""

    private init(indent: Int) { self.indent = indent }

    /// The YAML text of a tree; members keep their order, empty collections are `{}` and `[]`.
    package static func text(_ node: Node, indent: Int = 2) -> String {
        var writer = YAMLWriter(indent: indent)
        writer.root(node)
        return writer.text
    }

    private mutating func root(_ node: Node) {
        switch node.value {
        case .mapping(let mapping) where !mapping.isEmpty: members(mapping, depth: 0)
        case .sequence(let nodes) where !nodes.isEmpty: items(nodes, depth: 0)
        default:
            text += scalar(node, depth: 0)
            text += "\n"
        }
    }

    private mutating func members(_ mapping: Mapping, depth: Int, continuing: Bool = false) {
        for (position, entry) in mapping.entries.enumerated() {
            if position > 0 || !continuing { pad(depth) }
            text += YAMLScalar.key(entry.key)
            text += ":"
            value(entry.value, depth: depth)
        }
    }

    /// Writes what follows a key.
    private mutating func value(_ node: Node, depth: Int) {
        switch node.value {
        case .mapping(let mapping) where !mapping.isEmpty:
            text += "\n"
            members(mapping, depth: depth + 1)
        case .sequence(let nodes) where !nodes.isEmpty:
            text += "\n"
            items(nodes, depth: depth + 1)
        default:
            text += " "
            text += scalar(node, depth: depth + 1)
            text += "\n"
        }
    }

    private mutating func items(_ nodes: [Node], depth: Int, continuing: Bool = false) {
        for (position, node) in nodes.enumerated() {
            if position > 0 || !continuing { pad(depth) }
            text += "- "
            switch node.value {
            case .mapping(let mapping) where !mapping.isEmpty: members(mapping, depth: depth + 1, continuing: true)
            case .sequence(let nodes) where !nodes.isEmpty: items(nodes, depth: depth + 1, continuing: true)
            default:
                text += scalar(node, depth: depth + 1)
                text += "\n"
            }
        }
    }

    private mutating func pad(_ depth: Int) { text += String(repeating: " ", count: depth * indent) }

    private func scalar(_ node: Node, depth: Int) -> String {
        switch node.value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .float(let value): YAMLScalar.number(value)
        case .timestamp(let text): text
        case .string(let text): YAMLScalar.text(text, indent: depth * indent)
        case .sequence: "[]"
        case .mapping: "{}"
        }
    }
}
