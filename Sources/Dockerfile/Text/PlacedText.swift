import YAML

/// Text in which every character knows its place in the file, even after continuation lines were joined.
package struct PlacedText: Hashable, Sendable, CustomStringConvertible {
    /// Line and column count from 1, in Unicode scalars.
    package struct Place: Hashable, Sendable {
        package var line: Int
        package var column: Int

        package init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }
    }

    package private(set) var scalars: [Unicode.Scalar] = []
    private var places: [Place] = []
    /// The place after the last character.
    package private(set) var end: Place

    package init(at end: Place = Place(line: 1, column: 1)) { self.end = end }

    /// Text of one line, whose first character stands at `column`.
    package init(_ scalars: some Sequence<Unicode.Scalar>, line: Int, column: Int = 1) {
        self.init(at: Place(line: line, column: column))
        for scalar in scalars { append(scalar, at: Place(line: line, column: end.column)) }
    }

    package var count: Int { scalars.count }
    package var isEmpty: Bool { scalars.isEmpty }
    package var indices: Range<Int> { scalars.indices }

    /// The text alone.
    package var text: String { Self.string(scalars) }
    package var description: String { text }

    package subscript(index: Int) -> Unicode.Scalar { scalars[index] }

    package subscript(range: Range<Int>) -> PlacedText {
        var part = PlacedText(at: range.lowerBound < count ? places[range.lowerBound] : end)
        part.scalars = Array(scalars[range])
        part.places = Array(places[range])
        if let last = part.places.last { part.end = Place(line: last.line, column: last.column + 1) }
        return part
    }

    package mutating func append(_ scalar: Unicode.Scalar, at place: Place) {
        scalars.append(scalar)
        places.append(place)
        end = Place(line: place.line, column: place.column + 1)
    }

    package mutating func append(_ other: PlacedText) {
        scalars += other.scalars
        places += other.places
        end = other.end
    }

    /// The character at `index` of `other`, with its place.
    package mutating func append(_ index: Int, of other: PlacedText) {
        append(other.scalars[index], at: other.places[index])
    }

    /// The place of the character at `index`; past the end, the place after the last one.
    package func place(at index: Int) -> Place { places.indices.contains(index) ? places[index] : end }

    /// The part of `range` in its first line.
    package func span(_ range: Range<Int>, in file: String) -> SourceRange {
        let start = place(at: range.lowerBound)
        var length = 0
        for index in range.clamped(to: indices) {
            guard places[index].line == start.line else { break }
            length = places[index].column - start.column + 1
        }
        return SourceRange(file: file, line: start.line, column: start.column, length: max(1, length))
    }

    /// All of it, as far as it stands in its first line.
    package func span(in file: String) -> SourceRange { span(indices, in: file) }

    /// Without blanks at both ends, as Go's `TrimSpace` takes them away.
    package var trimmed: PlacedText {
        var (from, to) = (0, count)
        while from < to, scalars[from].isBlank { from += 1 }
        while to > from, scalars[to - 1].isBlank { to -= 1 }
        return self[from..<to]
    }

    package func firstIndex(of scalar: Unicode.Scalar) -> Int? { scalars.firstIndex(of: scalar) }

    package func hasPrefix(_ text: String) -> Bool { scalars.starts(with: text.unicodeScalars) }

    /// The parts between runs of the blanks that separate words: tabs, spaces, form feeds, carriage returns.
    ///
    /// At most `limit` parts; the last one then holds the rest as it is.
    package func split(limit: Int = .max) -> [PlacedText] {
        var parts: [PlacedText] = []
        var start = 0
        var index = 0
        while index < count, parts.count < limit - 1 {
            guard scalars[index].separatesWords else {
                index += 1
                continue
            }
            parts.append(self[start..<index])
            while index < count, scalars[index].separatesWords { index += 1 }
            start = index
        }
        parts.append(self[start..<count])
        return parts
    }

    package static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}

extension Unicode.Scalar {
    /// White space of any kind, as Go's `unicode.IsSpace` has it.
    package var isBlank: Bool {
        switch value {
        case 0x09...0x0D, 0x20, 0x85, 0xA0: true
        default: value > 0xFF && properties.isWhitespace
        }
    }

    /// Separates the words of a line.
    package var separatesWords: Bool {
        switch value {
        case 0x09, 0x0B, 0x0C, 0x0D, 0x20: true
        default: false
        }
    }

    package var isDigit: Bool { value >= 0x30 && value <= 0x39 }
}
