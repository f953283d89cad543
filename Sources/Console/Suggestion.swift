/// Finds the word that the user probably meant.
package enum Suggestion {
    /// The closest of `candidates`, if it is close enough to be a typing error.
    package static func closest(to word: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(1, word.count / 3)
        // Of equally close ones, prefer one with the same first letter, then alphabetical order.
        return candidates.map { (distance(word, $0), $0.first == word.first ? 0 : 1, $0) }
            .filter { $0.0 <= limit && $0.2 != word }.min { $0 < $1 }?.2
    }

    /// `; did you mean "up"?`, or an empty text.
    package static func question(for word: String, among candidates: some Sequence<String>) -> String {
        closest(to: word, among: candidates).map { "; did you mean \"\($0)\"?" } ?? ""
    }

    /// The number of edits between two words: insertions, deletions, replacements, swapped neighbours (optimal string
    /// alignment).
    static func distance(_ first: String, _ second: String) -> Int {
        let a = Array(first)
        let b = Array(second)
        var previous = [Int](repeating: 0, count: b.count + 1)
        var row = Array(0...b.count)
        for i in 1...max(1, a.count) where !a.isEmpty {
            var next = [Int](repeating: i, count: b.count + 1)
            for j in 1...max(1, b.count) where !b.isEmpty {
                let replaced = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                next[j] = min(row[j] + 1, next[j - 1] + 1, replaced)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    next[j] = min(next[j], previous[j - 2] + 1)
                }
            }
            previous = row
            row = next
        }
        return row[b.count]
    }
}
