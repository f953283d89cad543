import YAML

/// Finds names by position, for look-ups at every key of a file.
///
/// It has a table of its own: the names are few, short and known at build time, so there is no need for a seeded hash
/// against hostile keys.
struct NameIndex: Sendable {
    private let names: [String]
    /// The position in `names` + 1; 0 is a free slot. The size is a power of two, at most half full.
    private let slots: [UInt16]

    /// The first of equal names counts. At most 2^15 names.
    init(_ names: [String]) {
        self.names = names
        var size = 4
        while size < names.count * 2 { size *= 2 }
        var slots = [UInt16](repeating: 0, count: size)
        for (position, name) in names.enumerated() {
            var slot = Self.hash(name) & (size - 1)
            while slots[slot] != 0, names[Int(slots[slot]) - 1] != name { slot = (slot + 1) & (size - 1) }
            if slots[slot] == 0 { slots[slot] = UInt16(position + 1) }
        }
        self.slots = slots
    }

    func position(of name: String) -> Int? {
        let mask = slots.count - 1
        var slot = Self.hash(name) & mask
        while slots[slot] != 0 {
            let position = Int(slots[slot]) - 1
            if names[position] == name { return position }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private static func hash(_ name: String) -> Int { Int(keyHash(name) >> 16) }
}
