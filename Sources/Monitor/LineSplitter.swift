/// Cuts one output stream into the records of a log: a line each, long ones in parts of at most 16 KiB.
struct LineSplitter {
    static let limit = 16 << 10

    private var pending: [UInt8] = []

    /// Whether no record is unfinished.
    var isEmpty: Bool { pending.isEmpty }

    /// Adds what was read, and hands each record that is now whole to `emit`.
    mutating func add(_ bytes: some Collection<UInt8>, emit: (ArraySlice<UInt8>) -> Void) {
        pending.append(contentsOf: bytes)
        var start = pending.startIndex
        var searched = start
        while searched < pending.endIndex {
            let window = pending[searched..<min(pending.endIndex, start + Self.limit)]
            if let newline = window.firstIndex(of: 0x0A) {
                emit(pending[start...newline])
                start = newline + 1
                searched = start
            } else if window.endIndex - start == Self.limit {
                let cut = Self.boundary(pending, start: start, end: window.endIndex)
                emit(pending[start..<cut])
                start = cut
                searched = window.endIndex
            } else {
                break
            }
        }
        if start > 0 { pending.removeFirst(start) }
    }

    /// The stream has ended: hands out what had no newline.
    mutating func finish(emit: (ArraySlice<UInt8>) -> Void) {
        if !pending.isEmpty { emit(pending[...]) }
        pending = []
    }

    /// The last place at or before `end` that does not lie within a character of UTF-8.
    private static func boundary(_ bytes: [UInt8], start: Int, end: Int) -> Int {
        guard end < bytes.endIndex else { return end }
        for cut in stride(from: end, to: max(start, end - 4), by: -1) where bytes[cut] & 0xC0 != 0x80 { return cut }
        return end
    }
}
