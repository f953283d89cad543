/// Makes new inputs out of known ones: what a seed says is the same in every run.
struct Mutator: Sendable {
    private var random: Dice
    /// Words that mean something to the parser under test.
    private let words: [[UInt8]]

    init(seed: UInt64, words: [String]) {
        random = Dice(state: seed)
        self.words = words.map { Array($0.utf8) }
    }

    /// One of `seeds` with one to eight changes.
    mutating func input(from seeds: [[UInt8]]) -> [UInt8] {
        var bytes = seeds.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...8, using: &random) { change(&bytes, seeds) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ seeds: [[UInt8]]) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let range = place..<Int.random(in: place...min(bytes.count, place + 40), using: &random)
        switch Int.random(in: 0..<11, using: &random) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(range)
        case 3: bytes.insert(contentsOf: bytes[range], at: place)
        case 4: bytes.removeSubrange(place...)
        case 5, 6: bytes.insert(contentsOf: words.randomElement(using: &random) ?? [0], at: place)
        case 7:
            let other = seeds.randomElement(using: &random) ?? []
            let cut = Int.random(in: 0...other.count, using: &random)
            bytes.replaceSubrange(place..., with: other[cut...])
        case 8:
            // Numbers at the edges of what can be held, and depth.
            let edges = [
                "0", "-1", "65535", "65536", "4294967296", "9223372036854775807", "9223372036854775808", "1e999",
            ]
            bytes.replaceSubrange(range, with: (edges.randomElement(using: &random) ?? "").utf8)
        case 9:
            let word = words.randomElement(using: &random) ?? [0]
            let count = Int.random(in: 2...300, using: &random)
            bytes.insert(contentsOf: Array(repeating: word, count: count).joined(), at: place)
        default:
            // Text that is no UTF-8, a NUL, a byte order mark, a character that joins the one before it.
            let odd: [[UInt8]] = [
                [0xFF], [0xC0, 0x80], [0], [0xEF, 0xBB, 0xBF], [0xCC, 0x81], [0xED, 0xA0, 0x80], [13], [9],
            ]
            bytes.insert(contentsOf: odd.randomElement(using: &random) ?? [], at: place)
        }
    }

    /// A number for the test's own choices.
    mutating func number(below limit: Int) -> Int { Int.random(in: 0..<max(limit, 1), using: &random) }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed everywhere.
struct Dice: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
