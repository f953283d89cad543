/// The members of a mapping in the order in which they were written; keys are text and unique.
package struct Mapping: Sendable {
    package struct Entry: Sendable {
        package let key: String
        package let keySpan: Span
        package var value: Node

        package init(key: String, keySpan: Span, value: Node) {
            self.key = key
            self.keySpan = keySpan
            self.value = value
        }
    }

    /// From this many members on, keys are looked up in a table.
    private static let tableThreshold = 40

    package private(set) var entries: [Entry] = []
    private var table: [String: Int] = [:]

    package init() {}

    package init(_ members: [(String, Node)]) {
        for (key, value) in members { self[key] = value }
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }
    package var keys: [String] { entries.map(\.key) }

    package func index(of key: String) -> Int? {
        if entries.count < Self.tableThreshold { return entries.firstIndex { $0.key == key } }
        return table[key]
    }

    package func entry(_ key: String) -> Entry? { index(of: key).map { entries[$0] } }

    /// Setting keeps the position and the key's place of a member that exists; setting nil removes it.
    package subscript(key: String) -> Node? {
        get { index(of: key).map { entries[$0].value } }
        set {
            guard let newValue else { return remove(key) }
            if let index = index(of: key) {
                entries[index].value = newValue
            } else {
                append(Entry(key: key, keySpan: newValue.span, value: newValue))
            }
        }
    }

    /// Adds a member whose key is known to be new.
    package mutating func append(_ entry: Entry) {
        entries.append(entry)
        if entries.count == Self.tableThreshold {
            table = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.key, $0) })
        } else if entries.count > Self.tableThreshold {
            table[entry.key] = entries.count - 1
        }
    }

    /// Sets a member together with the place of its key.
    package mutating func put(_ entry: Entry) {
        if let index = index(of: entry.key) { entries[index] = entry } else { append(entry) }
    }

    package mutating func remove(_ key: String) {
        guard let index = index(of: key) else { return }
        entries.remove(at: index)
        rebuildTable()
    }

    /// Removes every member that `condition` picks.
    package mutating func removeAll(where condition: (Entry) -> Bool) {
        let before = entries.count
        entries.removeAll(where: condition)
        if entries.count != before { rebuildTable() }
    }

    /// Changes the value at `index` in place.
    package mutating func update(at index: Int, _ body: (inout Node) -> Void) { body(&entries[index].value) }

    /// Changes every value in place.
    package mutating func updateValues(_ body: (String, inout Node) -> Void) {
        for index in entries.indices { body(entries[index].key, &entries[index].value) }
    }

    private mutating func rebuildTable() {
        table =
            entries.count < Self.tableThreshold
            ? [:] : Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.key, $0) })
    }
}

extension Mapping: Hashable {
    /// Equal when they have the same members, in whatever order.
    package static func == (left: Mapping, right: Mapping) -> Bool {
        left.count == right.count && left.entries.allSatisfy { right[$0.key] == $0.value }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(entries.count) }
}
