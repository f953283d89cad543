/// Splits one output stream into log records: one for each line, or several of at most 16 KiB for a long line.
struct LineSplitter {
    static let limit = 16 << 10

    private var pending: [UInt8] = []

    /// Whether there is no unfinished record.
    var isEmpty: Bool { pending.isEmpty }

    /// Adds bytes, and passes each complete record to `emit`.
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

    /// Call this at the end of the stream: emits the rest without a newline.
    mutating func finish(emit: (ArraySlice<UInt8>) -> Void) {
        if !pending.isEmpty { emit(pending[...]) }
        pending = []
    }

    /// The last position at or before `end` that is not inside a UTF-8 character.
    private static func boundary(_ bytes: [UInt8], start: Int, end: Int) -> Int {
        guard end < bytes.endIndex else { return end }
        for cut in stride(from: end, to: max(start, end - 4), by: -1) where bytes[cut] & 0xC0 != 0x80 { return cut }
        return end
    }
}
