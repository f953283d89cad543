/// The name in `names` that `word` most likely stands for; nil when none is similar.
package func nearest(to word: String, among names: [String]) -> String? {
    let wanted = Array(word.lowercased().unicodeScalars)
    guard wanted.count <= 64 else { return nil }
    let tolerance = wanted.count < 3 ? 0 : max(1, wanted.count / 3)
    var best: (name: String, distance: Int)?
    for name in names {
        let candidate = Array(name.lowercased().unicodeScalars)
        guard abs(candidate.count - wanted.count) <= tolerance else { continue }
        let distance = editDistance(wanted, candidate)
        if distance <= tolerance, distance < (best?.distance ?? Int.max) { best = (name, distance) }
    }
    return best?.name
}

/// Damerau's distance (optimal string alignment): counts insertions, deletions, substitutions and swapped neighbours.
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var previous: [Int] = []
    var current = Array(0...right.count)
    for row in left.indices {
        let older = previous
        previous = current
        current[0] = row + 1
        for column in right.indices {
            let cost = left[row] == right[column] ? 0 : 1
            var value = min(previous[column + 1] + 1, current[column] + 1, previous[column] + cost)
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                value = min(value, older[column - 1] + 1)
            }
            current[column + 1] = value
        }
    }
    return current[right.count]
}
