/// A YAML value with its place in the file.
package struct Node: Sendable {
    package enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        /// An integer above `Int64.max`.
        case unsigned(UInt64)
        case float(Double)
        case string(String)
        /// A plain date or date and time, as written.
        case timestamp(String)
        case sequence([Node])
        case mapping(Mapping)
    }

    /// Compose's own tags, which control merging.
    package enum Tag: Hashable, Sendable {
        case none
        /// `!reset`: removes the attribute from earlier files.
        case reset
        /// `!override`: replaces the value of earlier files instead of merging.
        case override
    }

    package var value: Value
    package var span: Span
    package var tag: Tag = .none
    /// One of the node's strings contains a `$`. Valid only for nodes read from a file.
    package internal(set) var hasDollar = false

    package init(_ value: Value, at span: Span = .none, tag: Tag = .none) {
        self.value = value
        self.span = span
        self.tag = tag
    }

    package var mapping: Mapping? { value.mapping }
    package var sequence: [Node]? { value.sequence }
    package var string: String? { value.string }
    package var bool: Bool? { value.bool }
    package var integer: Int64? { value.integer }
    /// An integer or float, as a float.
    package var number: Double? { value.number }
    package var isNull: Bool { value.isNull }

    /// The member `key` of a mapping; nil for anything else.
    package subscript(key: String) -> Node? {
        guard case .mapping(let mapping) = value else { return nil }
        return mapping[key]
    }

    /// The text of the member `key` of a mapping, if it is a string; nil otherwise. Copies only the string.
    package func string(at key: String) -> String? {
        guard case .mapping(let mapping) = value else { return nil }
        return mapping.string(at: key)
    }

    /// Changes a mapping in place, without a copy; does nothing for other kinds of nodes.
    package mutating func updateMapping(_ body: (inout Mapping) -> Void) {
        guard case .mapping(var mapping) = value else { return }
        value = .null
        body(&mapping)
        value = .mapping(mapping)
    }

    /// Changes a sequence in place, without a copy; does nothing for other kinds of nodes.
    package mutating func updateSequence(_ body: (inout [Node]) -> Void) {
        guard case .sequence(var nodes) = value else { return }
        value = .null
        body(&nodes)
        value = .sequence(nodes)
    }

    /// The kind of its value with an article, for messages.
    package var kind: String { value.kind }
}

/// Never inlined: inside another function, reading the value would copy the node around it.
extension Node.Value {
    @inline(never) package var mapping: Mapping? { if case .mapping(let mapping) = self { mapping } else { nil } }
    @inline(never) package var sequence: [Node]? { if case .sequence(let nodes) = self { nodes } else { nil } }
    @inline(never) package var string: String? { if case .string(let text) = self { text } else { nil } }
    @inline(never) package var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    @inline(never) package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    @inline(never) package var isNull: Bool { if case .null = self { true } else { false } }

    @inline(never) package var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .float(let number): number
        default: nil
        }
    }

    package var kind: String {
        switch self {
        case .null: "nothing"
        case .bool: "a boolean"
        case .integer, .unsigned: "an integer"
        case .float: "a number"
        case .string: "a string"
        case .timestamp: "a date"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

extension Node: Hashable {
    /// Nodes are equal when their values are; places do not count.
    package static func == (left: Node, right: Node) -> Bool { left.value == right.value }

    package func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
