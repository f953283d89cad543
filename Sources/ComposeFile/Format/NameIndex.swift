import YAML

/// Names by their position, for look-ups that are made for every key of a file.
///
/// A table of our own: the names are few, short and known when the program is built, so that a seeded hash, which keeps
/// hostile keys from colliding, buys nothing here.
struct NameIndex: Sendable {
    private let names: [String]
    /// The position in `names` + 1; 0 is a free slot. A power of two in size, at most half full.
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
