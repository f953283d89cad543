/// The name among `candidates` that the user probably meant with `word`: at most two typos away (one in a short word), or the
/// only name that begins with it.
package func likelySpelling(of word: String, among candidates: some Sequence<String>) -> String? {
    let sorted = candidates.sorted()
    let limit = word.count < 4 ? 1 : 2
    // People rarely mistype the first letter.
    let near = sorted.map { ($0, slips(word, $0), $0.first == word.first ? 0 : 1) }.filter { $0.1 <= limit }
        .min { ($0.1, $0.2) < ($1.1, $1.2) }
    if let near { return near.0 }
    let begun = sorted.filter { $0.hasPrefix(word) && !word.isEmpty }
    return begun.count == 1 ? begun.first : nil
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment distance).
private func slips(_ one: String, _ other: String) -> Int {
    let one = Array(one.lowercased())
    let other = Array(other.lowercased())
    var before: [Int] = []
    var last = Array(0...other.count)
    for row in 0..<one.count {
        var line = [row + 1]
        for column in 0..<other.count {
            let isSame = one[row] == other[column]
            var best = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, line[column] + 1)
            if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                best = min(best, before[column - 1] + 1)
            }
            line.append(best)
        }
        before = last
        last = line
    }
    return last[other.count]
}
