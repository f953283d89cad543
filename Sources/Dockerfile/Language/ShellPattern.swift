/// A pattern of a substitution: `*`, `?` and characters; no brackets.
struct ShellPattern {
    private enum Element: Equatable {
        case character(Unicode.Scalar)
        case anyCharacter
        case anything
    }

    private let elements: [Element]

    /// nil if a backslash escapes a character that needs no escape.
    init?(_ pattern: [Unicode.Scalar]) {
        var elements: [Element] = []
        var index = 0
        while index < pattern.count {
            let scalar = pattern[index]
            index += 1
            switch scalar {
            case "*": if elements.last != .anything { elements.append(.anything) }
            case "?": elements.append(.anyCharacter)
            case "\\":
                guard index < pattern.count, "*?\\}/".unicodeScalars.contains(pattern[index]) else { return nil }
                elements.append(.character(pattern[index]))
                index += 1
            default: elements.append(.character(scalar))
            }
        }
        self.elements = elements
    }

    private init(elements: [Element]) { self.elements = elements }

    /// The ends of all matches that begin at `start`, ascending.
    private func ends(in value: [Unicode.Scalar], from start: Int) -> [Int] {
        // Tracks all positions that the elements so far can lead to. Without backtracking, no pattern is slow.
        var positions: Set<Int> = [start]
        for element in elements {
            var next: Set<Int> = []
            switch element {
            case .character(let scalar):
                for position in positions where position < value.count && value[position] == scalar {
                    next.insert(position + 1)
                }
            case .anyCharacter:
                for position in positions where position < value.count { next.insert(position + 1) }
            case .anything:
                if let first = positions.min() { next.formUnion(first...value.count) }
            }
            positions = next
            if positions.isEmpty { break }
        }
        return positions.sorted()
    }

    func removingPrefix(of value: [Unicode.Scalar], isGreedy: Bool) -> [Unicode.Scalar] {
        let ends = ends(in: value, from: 0)
        guard let end = isGreedy ? ends.last : ends.first else { return value }
        return Array(value[end...])
    }

    func removingSuffix(of value: [Unicode.Scalar], isGreedy: Bool) -> [Unicode.Scalar] {
        let mirrored = ShellPattern(elements: elements.reversed())
        return mirrored.removingPrefix(of: value.reversed(), isGreedy: isGreedy).reversed()
    }

    /// Replaces the first match, or each, by `replacement`; the longest match at a place counts.
    func replacing(in value: [Unicode.Scalar], with replacement: [Unicode.Scalar], all: Bool) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        var lastEnd = -1
        while index <= value.count {
            if let end = ends(in: value, from: index).last, !(end == index && end == lastEnd) {
                result += replacement
                lastEnd = end
                if !all { return result + value[end...] }
                if end > index {
                    index = end
                    continue
                }
            }
            if index < value.count { result.append(value[index]) }
            index += 1
        }
        return result
    }
}
