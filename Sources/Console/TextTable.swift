/// Rows in aligned columns; fits a width by cutting the columns that may be cut.
package struct TextTable: Sendable {
    /// A column's title and how far its cells may be cut to fit a terminal.
    package struct Column: Sendable {
        package let title: String
        /// Terminal columns that are left of it at least; nil: it is never cut.
        package let least: Int?

        package init(_ title: String, least: Int) {
            self.title = title
            self.least = max(least, title.count)
        }

        package init(_ title: String, canShrink: Bool = false) {
            self.title = title
            least = canShrink ? max(8, title.count) : nil
        }
    }

    private let columns: [Column]
    private let minimum: Int
    private let gap: Int
    private var rows: [[String]] = []

    /// `minimum` counts a column's width with the gap behind it, as Go's text/tabwriter does.
    package init(_ columns: [Column], minimum: Int = 10, gap: Int = 3) {
        self.columns = columns
        self.minimum = minimum
        self.gap = gap
    }

    package init(_ titles: [String], minimum: Int = 10, gap: Int = 3) {
        self.init(titles.map { Column($0) }, minimum: minimum, gap: gap)
    }

    package mutating func add(_ row: [String]) { rows.append(row) }

    /// The title line and the rows, each ended by a newline; at most `width` columns wide where cutting can do that.
    package func render(width: Int? = nil) -> String {
        let cells = [columns.map(\.title)] + rows
        let widths = fittingWidths(of: cells, width: width)
        var text = ""
        for row in cells {
            var line = ""
            for (index, cell) in row.enumerated() {
                let shown = Self.cut(cell, to: widths[index])
                line += shown
                guard index < row.count - 1 else { continue }
                let filled = max(widths[index] + gap, minimum)
                line += String(repeating: " ", count: max(0, filled - displayWidth(shown)))
            }
            text += line.trimmingEnd() + "\n"
        }
        return text
    }

    private func fittingWidths(of cells: [[String]], width: Int?) -> [Int] {
        var widths = columns.indices.map { index in cells.map { displayWidth($0[index]) }.max() ?? 0 }
        guard let width else { return widths }
        func total() -> Int {
            widths.dropLast().reduce(0) { $0 + max($1 + gap, minimum) } + (widths.last ?? 0)
        }
        while total() > width {
            // The one with the most to spare gives a column.
            let spare = columns.indices.map { index in columns[index].least.map { widths[index] - $0 } ?? 0 }
            guard let richest = spare.indices.max(by: { spare[$0] < spare[$1] }), spare[richest] > 0 else { break }
            widths[richest] -= 1
        }
        return widths
    }

    private static func cut(_ text: String, to width: Int) -> String {
        guard displayWidth(text) > width, width > 0 else { return text }
        return truncated(text, to: width)
    }
}

/// Terminal columns that `text` takes: East Asian wide characters and emoji take two (Unicode UAX 11, abridged).
package func displayWidth(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { width, character in
        guard let first = character.unicodeScalars.first else { return width }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return width + 2
        default: return width + 1
        }
    }
}

/// At most `width` columns of `text`, the last one `…` when something was cut.
package func truncated(_ text: String, to width: Int) -> String {
    guard displayWidth(text) > width else { return text }
    var result = ""
    var used = 1
    for character in text {
        used += displayWidth(String(character))
        if used > width { break }
        result.append(character)
    }
    return "\(result)…"
}

extension String {
    func trimmingEnd() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
