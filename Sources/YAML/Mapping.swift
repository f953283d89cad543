/// The members of a mapping in the order of the file; keys are unique texts.
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

    /// A mapping with more members than this has a hash table.
    private static let few = 8

    package private(set) var entries: [Entry] = []
    /// The position + 1 of each key, by its hash; 0 is a free slot. The size is a power of two, at most half full;
    /// empty when there are few members. The mapping consists of only two arrays because it is copied with its node.
    private var slots: [UInt32] = []

    package init() {}

    /// An empty mapping with room for `capacity` members.
    package init(capacity: Int) { entries.reserveCapacity(capacity) }

    package init(_ members: [(String, Node)]) {
        for (key, value) in members { self[key] = value }
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }
    package var keys: [String] { entries.map(\.key) }

    package func index(of key: String) -> Int? {
        guard slots.isEmpty else { return tableIndex(of: key) }
        for index in entries.indices where isKey(key, at: index) { return index }
        return nil
    }

    /// Compares lengths first: a string stores its length inline, and most keys of a mapping differ in length. This
    /// also distinguishes spellings of one accented letter that Unicode considers equal.
    private func isKey(_ key: String, at index: Int) -> Bool {
        entries[index].key.utf8.count == key.utf8.count && entries[index].key == key
    }

    private func tableIndex(of key: String) -> Int? {
        let mask = slots.count - 1
        var slot = hash(key) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if isKey(key, at: index) { return index }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// A cheap hash for short tables, where collisions do no harm; a seeded one for tables that a file can make long.
    private func hash(_ key: String) -> Int { slots.count <= 128 ? Int(keyHash(key) >> 16) : key.hashValue }

    /// The text of the member `key`, if it is a string. Copies only the string.
    package func string(at key: String) -> String? { index(of: key).flatMap { entries[$0].value.value.string } }

    package func entry(_ key: String) -> Entry? { index(of: key).map { entries[$0] } }

    /// Setting a value keeps the position and the key's place of an existing member; setting nil removes the member.
    package subscript(key: String) -> Node? {
        get {
            guard let index = index(of: key) else { return nil }
            return entries[index].value
        }
        set {
            guard let newValue else { return remove(key) }
            if let index = index(of: key) {
                entries[index].value = newValue
            } else {
                append(Entry(key: key, keySpan: newValue.span, value: newValue))
            }
        }
    }

    /// Adds a member whose key is new.
    package mutating func append(_ entry: consuming Entry) {
        entries.append(entry)
        if entries.count <= Self.few { return }
        if slots.count < entries.count * 2 { rebuildTable() } else { enter(entries.count - 1) }
    }

    /// Sets a member and the place of its key.
    package mutating func put(_ entry: consuming Entry) {
        if let index = index(of: entry.key) { entries[index] = entry } else { append(entry) }
    }

    package mutating func remove(_ key: String) {
        guard let index = index(of: key) else { return }
        entries.remove(at: index)
        rebuildTable()
    }

    /// Removes every member that meets `condition`.
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
        slots = []
        guard entries.count > Self.few else { return }
        var size = Self.few * 4
        while size < entries.count * 4 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        for index in entries.indices { enter(index) }
    }

    private mutating func enter(_ index: Int) {
        let mask = slots.count - 1
        var slot = hash(entries[index].key) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(index + 1)
    }
}

extension Mapping: Hashable {
    /// Equal when they have the same members in any order.
    package static func == (left: Mapping, right: Mapping) -> Bool {
        left.count == right.count && left.entries.allSatisfy { right[$0.key] == $0.value }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(entries.count) }
}
