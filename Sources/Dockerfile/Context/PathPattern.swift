/// A pattern for paths: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are classes, `\` escapes, `**` spans folders.
///
/// With `spansFolders` it matches as `.dockerignore` does, where a class matches a slash, too; without as Go's `filepath.Match`.
package struct PathPattern: Hashable, Sendable {
    private indirect enum Element: Hashable {
        case character(Unicode.Scalar)
        case anyCharacter
        case anyCharacters
        case oneOf([ClosedRange<UInt32>], isNegated: Bool, crossesFolders: Bool)
        /// `**`: anything, slashes too.
        case anything
        /// `**` before something else: nothing, or folders with the slash behind them.
        case folders
    }

    private let elements: [Element]
    /// It has wildcards.
    package let hasWildcards: Bool

    /// nil if a class is not closed or a backslash is at the end.
    ///
    /// With `spansFolders`, `**` spans folders; without, it means `*`.
    package init?(_ pattern: String, spansFolders: Bool) {
        let scalars = Array(pattern.unicodeScalars)
        var elements: [Element] = []
        var index = 0
        var hasWildcards = false
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "*":
                hasWildcards = true
                guard spansFolders, index < scalars.count, scalars[index] == "*" else {
                    elements.append(.anyCharacters)
                    continue
                }
                index += 1
                // `**name` matches everything that ends with the name, unless it has other wildcards.
                let isSuffix = index == 2 && !scalars[2...].contains { "*?[]\\".unicodeScalars.contains($0) }
                let hasSlash = index < scalars.count && scalars[index] == "/"
                if hasSlash { index += 1 }
                elements.append(index == scalars.count || isSuffix && !hasSlash ? .anything : .folders)
            case "?":
                hasWildcards = true
                elements.append(.anyCharacter)
            case "[":
                hasWildcards = true
                guard let element = Self.characterClass(scalars, &index, crossesFolders: spansFolders) else {
                    return nil
                }
                elements.append(element)
            case "\\":
                guard index < scalars.count else { return nil }
                elements.append(.character(scalars[index]))
                index += 1
            default: elements.append(.character(scalar))
            }
        }
        self.elements = elements
        self.hasWildcards = hasWildcards
    }

    private static func characterClass(
        _ scalars: [Unicode.Scalar], _ index: inout Int, crossesFolders: Bool
    ) -> Element? {
        var ranges: [ClosedRange<UInt32>] = []
        var isNegated = false
        if index < scalars.count, scalars[index] == "^" {
            isNegated = true
            index += 1
        }
        func next() -> UInt32? {
            guard index < scalars.count else { return nil }
            var scalar = scalars[index]
            if scalar == "-" || scalar == "]" { return nil }
            if scalar == "\\" {
                index += 1
                guard index < scalars.count else { return nil }
                scalar = scalars[index]
            }
            index += 1
            return scalar.value
        }
        while true {
            guard index < scalars.count else { return nil }
            if scalars[index] == "]", !ranges.isEmpty {
                index += 1
                return .oneOf(ranges, isNegated: isNegated, crossesFolders: crossesFolders)
            }
            guard let low = next() else { return nil }
            guard index < scalars.count, scalars[index] == "-" else {
                ranges.append(low...low)
                continue
            }
            index += 1
            guard let high = next() else { return nil }
            if low <= high { ranges.append(low...high) }
            if ranges.isEmpty { ranges.append(0x110000...0x110000) }
        }
    }

    /// Whether the whole `path` matches.
    package func matches(_ path: String) -> Bool {
        let scalars = Array(path.unicodeScalars)
        // Tracks all positions that the elements so far can lead to. Without backtracking, no pattern is slow.
        var positions = Set([0])
        for element in elements {
            var next: Set<Int> = []
            for position in positions {
                switch element {
                case .character(let scalar):
                    if position < scalars.count, scalars[position] == scalar { next.insert(position + 1) }
                case .anyCharacter:
                    if position < scalars.count, scalars[position] != "/" { next.insert(position + 1) }
                case .oneOf(let ranges, let isNegated, let crossesFolders):
                    guard position < scalars.count, crossesFolders || scalars[position] != "/" else { continue }
                    let value = scalars[position].value
                    if ranges.contains(where: { $0.contains(value) }) != isNegated { next.insert(position + 1) }
                case .anyCharacters:
                    var end = position
                    next.insert(end)
                    while end < scalars.count, scalars[end] != "/" {
                        end += 1
                        if !next.insert(end).inserted { break }
                    }
                case .anything:
                    var end = position
                    while end <= scalars.count, next.insert(end).inserted { end += 1 }
                case .folders:
                    next.insert(position)
                    for end in position..<scalars.count where scalars[end] == "/" { next.insert(end + 1) }
                }
            }
            positions = next
            if positions.isEmpty { return false }
        }
        return positions.contains(scalars.count)
    }
}
