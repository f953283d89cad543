import YAML

/// An instruction as one line: with its continuation lines and heredocs, without comments.
package struct LogicalLine: Sendable {
    package var text: PlacedText
    /// From the first to the last line, including heredocs.
    package var lines: ClosedRange<Int>
    /// The comments directly above it, without `#`.
    package var comments: [PlacedText] = []
    package var documents: [Heredoc] = []
    /// The number of an empty line inside it, which a later version of the language may refuse.
    package var emptyContinuation: Int?
}

/// Joins the lines of a file into instructions.
struct LineJoiner {
    private let source: SourceLines
    private let escape: Unicode.Scalar
    private var next: Int
    private(set) var lines: [LogicalLine] = []

    /// Begins below the directives.
    init(_ source: SourceLines, _ directives: Directives) {
        self.source = source
        escape = directives.escape
        next = directives.lastLine
    }

    mutating func join(into findings: inout Findings) {
        var comments: [PlacedText] = []
        while next < source.lines.count {
            let line = source.lines[next]
            next += 1
            let text = line.placed.trimmedLeft
            if text.hasPrefix("#") {
                let comment = text[1..<text.count].trimmed
                if comment.isEmpty { comments = [] } else { comments.append(comment) }
                continue
            }
            if text.isEmpty {
                comments = []
                continue
            }
            var logical = LogicalLine(text: text, lines: line.number...line.number, comments: comments)
            comments = []
            continueLine(&logical)
            readDocuments(of: &logical, into: &findings)
            // A line with only a backslash is not an instruction.
            if !logical.text.trimmed.isEmpty { lines.append(logical) }
        }
    }

    private mutating func continueLine(_ logical: inout LogicalLine) {
        guard let cut = continuation(in: logical.text) else { return }
        logical.text = logical.text[0..<cut]
        while next < source.lines.count {
            let line = source.lines[next]
            next += 1
            logical.lines = logical.lines.lowerBound...line.number
            let text = line.placed
            let trimmed = text.trimmedLeft
            if trimmed.hasPrefix("#") { continue }
            if trimmed.isEmpty {
                logical.emptyContinuation = logical.emptyContinuation ?? line.number
                continue
            }
            guard let cut = continuation(in: text) else {
                logical.text.append(text)
                return
            }
            logical.text.append(text[0..<cut])
        }
    }

    /// Where the escape character stands that continues the line: the last character but blanks, not escaped itself.
    private func continuation(in text: PlacedText) -> Int? {
        var last = text.count - 1
        while last >= 0, text[last] == " " || text[last] == "\t" { last -= 1 }
        guard last >= 0, text[last] == escape else { return nil }
        return last > 0 && text[last - 1] == escape ? nil : last
    }

    private mutating func readDocuments(of logical: inout LogicalLine, into findings: inout Findings) {
        guard logical.text.scalars.contains("<"), Heredoc.mayFollow(logical.text, escape: escape) else { return }
        for var document in Heredoc.announced(in: logical.text) {
            var isTerminated = false
            while next < source.lines.count {
                let line = source.lines[next]
                next += 1
                logical.lines = logical.lines.lowerBound...line.number
                var text = PlacedText.string(line.scalars)
                if document.stripsTabs { text = String(text.drop { $0 == "\t" }) }
                if text == document.name {
                    isTerminated = true
                    break
                }
                document.content += line.raw
            }
            if !isTerminated {
                findings.error(
                    document.place, "the heredoc '\(document.name)' has no end",
                    hint: "end it with a line that holds only \(document.name)")
            }
            logical.documents.append(document)
        }
    }
}

extension PlacedText {
    var trimmedLeft: PlacedText {
        var from = 0
        while from < count, self[from].isBlank { from += 1 }
        return self[from..<count]
    }
}
