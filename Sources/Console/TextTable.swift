/// A table with aligned columns; to fit a width, it shortens the least important parts.
package struct TextTable: Sendable {
    /// A column's title, and how far its cells may be cut.
    package struct Column: Sendable {
        package let title: String
        /// The minimum width in terminal columns; nil: it is never cut.
        package let least: Int?

        package init(_ title: String, canShrink: Bool = false) {
            self.title = title
            least = canShrink ? max(8, title.count) : nil
        }
    }

    /// The text of a cell, and a shorter text for a narrow terminal.
    package struct Cell: Sendable {
        let whole: String
        let short: String?

        package init(_ whole: String, short: String? = nil) {
            self.whole = whole
            self.short = short
        }
    }

    /// Something that a table may shorten to fit a width; columns count from 0.
    package enum Concession: Sendable {
        /// Show the cells of a column in their short form.
        case shorten(Int)
        /// Cut the cells of a column, to at least this many terminal columns.
        case cut(Int, least: Int)
        /// Cut the columns that may shrink, starting with the one that has the most to spare.
        case cutShrinkable
        /// Leave out the column.
        case omit(Int)
    }

    private let columns: [Column]
    private let concessions: [Concession]
    private let minimum: Int
    private let gap: Int
    private var rows: [[Cell]] = []

    /// As in Go's text/tabwriter, `minimum` includes the gap after a column. `concessions` are made in order, and no
    /// more than needed.
    package init(
        _ columns: [Column], minimum: Int = 10, gap: Int = 3, concessions: [Concession] = [.cutShrinkable]
    ) {
        self.columns = columns
        self.minimum = minimum
        self.gap = gap
        self.concessions = concessions
    }

    package init(_ titles: [String], minimum: Int = 10, gap: Int = 3) {
        self.init(titles.map { Column($0) }, minimum: minimum, gap: gap)
    }

    package mutating func add(_ row: [String]) { rows.append(row.map { Cell($0) }) }

    package mutating func add(cells row: [Cell]) { rows.append(row) }

    /// The title line and the rows, each with a newline; at most `width` columns wide if possible.
    package func render(width: Int? = nil) -> String {
        var layout = Layout(columns.map(\.title), rows.map { $0.map(\.whole) }, minimum: minimum, gap: gap)
        for concession in width == nil ? [] : concessions where layout.total > width ?? .max {
            apply(concession, to: &layout, width: width ?? .max)
        }
        return layout.text
    }

    private func apply(_ concession: Concession, to layout: inout Layout, width: Int) {
        switch concession {
        case .shorten(let column):
            layout.replace(column, with: rows.map { $0[column].short ?? $0[column].whole })
        case .cut(let column, let least):
            let least = max(least, columns[column].title.count)
            while layout.total > width, layout.widths[column] > least { layout.widths[column] -= 1 }
        case .cutShrinkable:
            while layout.total > width {
                let spare = columns.indices.map { index in columns[index].least.map { layout.widths[index] - $0 } ?? 0 }
                guard let richest = spare.indices.max(by: { spare[$0] < spare[$1] }), spare[richest] > 0 else { break }
                layout.widths[richest] -= 1
            }
        case .omit(let column): layout.omitted.insert(column)
        }
    }

    /// Cells, titles first, and the width of each column.
    private struct Layout {
        private var cells: [[String]]
        var widths: [Int]
        var omitted: Set<Int> = []
        private let minimum: Int
        private let gap: Int

        init(_ titles: [String], _ rows: [[String]], minimum: Int, gap: Int) {
            cells = [titles] + rows
            widths = titles.indices.map { index in ([titles] + rows).map { displayWidth($0[index]) }.max() ?? 0 }
            self.minimum = minimum
            self.gap = gap
        }

        private var shown: [Int] { widths.indices.filter { !omitted.contains($0) } }

        var total: Int {
            shown.dropLast().reduce(0) { $0 + max(widths[$1] + gap, minimum) } + (shown.last.map { widths[$0] } ?? 0)
        }

        mutating func replace(_ column: Int, with texts: [String]) {
            for (row, text) in texts.enumerated() { cells[row + 1][column] = text }
            widths[column] = cells.map { displayWidth($0[column]) }.max() ?? 0
        }

        var text: String {
            let shown = shown
            var text = ""
            for row in cells {
                var line = ""
                for index in shown {
                    let cell = TextTable.cut(row[index], to: widths[index])
                    line += cell
                    guard index != shown.last else { continue }
                    let filled = max(widths[index] + gap, minimum)
                    line += String(repeating: " ", count: max(0, filled - displayWidth(cell)))
                }
                text += line.trimmingEnd() + "\n"
            }
            return text
        }
    }

    private static func cut(_ text: String, to width: Int) -> String {
        guard displayWidth(text) > width, width > 0 else { return text }
        return truncated(text, to: width)
    }
}

/// The number of terminal columns of `text`: East Asian wide characters and emoji count twice (Unicode UAX 11,
/// simplified).
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

/// At most `width` columns of `text`; ends in `…` when something was cut.
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
