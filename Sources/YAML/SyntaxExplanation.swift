/// Turns libyaml's error into one that says what to change.
struct SyntaxExplanation {
    private let bytes: [UInt8]
    let file: Int
    /// The lines of the file, split once, because an explanation reads many.
    private let lines: SourceMap
    /// The last scalar before the error.
    let scalar: Scalar?

    /// The place of a scalar, and its last line.
    struct Scalar {
        let span: Span
        let isPlain: Bool
        let endLine: Int
    }

    init(bytes: [UInt8], file: Int, after scalar: Scalar? = nil) {
        self.bytes = bytes
        self.file = file
        self.scalar = scalar
        var lines = SourceMap()
        _ = lines.add(name: "", bytes: bytes)
        self.lines = lines
    }

    /// The problem with a hint, whatever it is.
    func explain(_ failure: EventReader.Failure) -> Problem {
        var problem = explanation(of: failure)
        if problem.hint == nil { problem.hint = advice(failure.message, line: "", column: 1) }
        return problem
    }

    private func explanation(of failure: EventReader.Failure) -> Problem {
        if let offset = failure.offset { return encoding(failure.message, at: offset) }
        let line = (failure.line ?? 0) + 1
        let column = (failure.column ?? 0) + 1
        let text = self.line(line)
        var problem = Problem(
            span: Span(file: file, line: line, column: column, length: 1), message: failure.message)
        if let tab = indentingTab(near: line) {
            problem.span = tab
            problem.message = "a tab in the indentation"
            problem.hint = "YAML indents with spaces: replace the tab"
            return problem
        }
        if let better = oddBlank(near: line) ?? conflictMarker(near: line) ?? endOfBlock(before: line)
            ?? blockWithoutText(near: line)
            ?? oddOneOut(line, failure.message)
        {
            return better
        }
        if failure.message == "did not find expected <document start>", let start = firstKey,
            indent(line) < start.indent
        {
            problem.message = "indented by \(indent(line)), less than line \(start.line), where the file begins"
            problem.hint =
                "indent it by \(start.indent), or line \(start.line) and those that belong to it by \(indent(line))"
            problem.causes = [Span(file: file, line: start.line, column: start.indent + 1)]
            if runaway(failure, line: line, column: column) == nil { return problem }
        }
        if let better = conflictMarker(near: line) ?? runaway(failure, line: line, column: column)
            ?? unfinishedKey(failure) ?? misplaced(failure, line: line)
        {
            return better
        }
        problem.message = words(failure.message)
        problem.hint = advice(failure.message, line: text, column: column)
        if let scalar, scalar.isPlain, scalar.endLine == line,
            failure.message == "mapping values are not allowed in this context"
        {
            problem.swallowed = scalar.span
        }
        if let context = failure.context { add(context, to: &problem) }
        return problem
    }

    /// Adds the start of what could not be read to its end.
    private func add(_ context: (what: String, line: Int, column: Int), to problem: inout Problem) {
        let start = Span(file: file, line: context.line + 1, column: context.column + 1, length: 1)
        switch context.what {
        case "while scanning a quoted scalar":
            problem.span = start
            problem.message = "a quote is opened here and never closed"
            problem.hint = "close it on its own line"
        case "while parsing a flow sequence", "while parsing a flow mapping":
            unclosed(start, problem.message.contains("'}'") ? ("}", "braces") : ("]", "brackets"), &problem)
        case "while scanning an alias", "while scanning an anchor":
            problem.span = start
            let mark = context.what.hasSuffix("alias") ? "*" : "&"
            problem.message = "no name follows '\(mark)'"
            problem.hint = "quote the value if '\(mark)' belongs to it"
        case "while parsing a block mapping":
            problem.other = ("it would belong to the mapping that begins here", start)
            amongKeys(&problem, of: context.line + 1, indent: context.column)
        case "while parsing a block collection":
            problem.other = ("it would belong to the list that begins here", start)
            // The list or its item; an item has a place of its own.
            problem.causes = [start, Span(file: file, line: context.line + 1, column: context.column + 3)]
            amongItems(&problem, of: context.line + 1, indent: context.column)
        default: return
        }
    }

    /// A line that does not fit the keys of the mapping that begins on line `first`.
    private func amongKeys(_ problem: inout Problem, of first: Int, indent column: Int) {
        let line = Int(problem.span.line)
        if indent(line) == column, self.line(line).dropFirst(column).hasPrefix("- ") {
            problem.hint = "write it without the '- ', like line \(first)"
            if let item = previous(line), isItem(item), indent(item) > column {
                problem.message = "this item of the list above is not indented like its first one"
                problem.hint = "indent it by \(indent(item)) like line \(item)"
            }
        }
        if closedTooEarly(&problem) { return }
        let own = String(self.line(line).dropFirst(indent(line)))
        if own.hasPrefix("}") || own.hasPrefix("]") || problem.message.hasPrefix("expected a key here"),
            own.contains(where: { "]}".contains($0) }),
            let bracket = own.first(where: { "]}".contains($0) }), !own.contains(bracket == "}" ? "{" : "[")
        {
            problem.message = "'\(bracket)' closes nothing"
            problem.hint = "remove it, or open it with '\(bracket == "}" ? "{" : "[")' where it begins"
        }
        guard indent(line) > column, let before = lineAbove(line) else { return }
        problem.hint = "indent it by \(column) like line \(first), or look at the line above it"
        problem.causes = [Span(file: file, line: before, column: indent(before) + 1)]
        if let scalar, scalar.span.line < line { problem.causes.append(scalar.span) }
    }

    /// Text after a closing quote: the quote should be part of the text.
    private func closedTooEarly(_ problem: inout Problem) -> Bool {
        guard let scalar, !scalar.isPlain, scalar.span.line == problem.span.line,
            scalar.endLine == Int(scalar.span.line)
        else { return false }
        let own = String(self.line(Int(scalar.span.line)).unicodeScalars.dropFirst(Int(scalar.span.column) - 1))
        guard let quote = own.first, quote == "\"" || quote == "'" else { return false }
        problem.span = Span(
            file: file, line: Int(scalar.span.line),
            column: Int(scalar.span.column) + max(1, Int(scalar.span.length)) - 1,
            length: 1)
        problem.message = "the quote closes here, and text follows it"
        problem.other = nil
        let inner = own.dropFirst().dropLast(trimmed(own).hasSuffix(String(quote)) ? 1 : 0)
        problem.hint =
            quote == "'"
            ? "write a quote inside twice: '\(inner.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
            : "write \\\" for a quote inside, or single quotes around all of it: '\(inner)'"
        problem.swallowed = scalar.span
        return true
    }

    /// A line that does not fit the items of the list that begins on line `first`.
    private func amongItems(_ problem: inout Problem, of first: Int, indent column: Int) {
        let line = Int(problem.span.line)
        let text = String(self.line(line).dropFirst(indent(line)))
        if text.hasPrefix("- ") {
            problem.hint = "indent it by \(column) like line \(first)"
        } else if text.hasPrefix("-") {
            problem.hint = "write `- \(text.dropFirst().prefix(60))`, with a space after the '-'"
        } else {
            problem.hint = "begin it with '- ' like line \(first), or indent it further if it belongs to the item above"
        }
    }

    /// Points to the bracket, unless something inside it is wrong.
    private func unclosed(_ start: Span, _ bracket: (end: String, name: String), _ problem: inout Problem) {
        let inside = problem.span.line == start.line || indent(Int(problem.span.line)) > indent(Int(start.line))
        if inside {
            problem.hint = "a comma is missing before it, or the \(bracket.name) are not closed"
            if let scalar, scalar.isPlain, scalar.endLine == Int(problem.span.line) {
                // The text ended too early, so do not report anything about what is left of it.
                problem.hint? += ", or the text before it needs quotes"
                problem.swallowed = scalar.span
            }
            problem.other = ("opened here", start)
        } else {
            problem.other = ("'\(bracket.end)' is missing before this", problem.span)
            problem.span = start
            problem.message = "the \(bracket.name) that open here are not closed"
            problem.hint = "add '\(bracket.end)' where they end"
        }
    }

    private func words(_ message: String) -> String {
        switch message {
        case "did not find expected key": "expected a key here: the indentation or the line before does not fit"
        case "did not find expected ',' or '}'": "expected ',' or '}'"
        case "did not find expected ',' or ']'": "expected ',' or ']'"
        case "mapping values are not allowed in this context": "a second ': ' in one value"
        case "could not find expected ':'": "expected ':' after a key"
        case "found unknown escape character": "this escape sequence is unknown in double quotes"
        case "found unexpected ':'": "a ':' inside brackets or braces needs a space after it"
        case "found character that cannot start any token": "this character cannot start a value"
        case "did not find expected '-' indicator": "expected '-': an item of the list above is indented differently"
        default: message
        }
    }

    private func advice(_ message: String, line: String, column: Int) -> String? {
        switch message {
        case "mapping values are not allowed in this context":
            return "quote the value if the colon belongs to it, or begin a new line after the first colon"
        case "found character that cannot start any token":
            let scalars = Array(line.unicodeScalars)
            guard scalars.indices.contains(column - 1) else { return nil }
            return "quote the value: '\(scalars[column - 1])' has a meaning of its own in YAML"
        case "found unexpected ':'": return "quote the text if the colon belongs to it"
        case "found unknown escape character":
            return "write \\\\ for a backslash in double quotes, or use single quotes"
        case "could not find expected ':'": return "write `key: value`, with a space after the colon"
        case "found undefined tag handle": return "remove the '!', or quote the value if it belongs to it"
        case "did not find expected key", "did not find expected node content":
            return "look at the indentation of this line and the one above, and at brackets and quotes before it"
        case "did not find expected '-' indicator": return "begin it with '- ' like the items above"
        case "did not find expected <document start>":
            return "write `---` before a second document, or indent the line like those above"
        default: return "look at quotes, brackets and indentation here and on the line above"
        }
    }

    /// A tab in the indentation of the line or the one before it.
    private func indentingTab(near line: Int) -> Span? {
        for number in [line, line - 1] where number > 0 {
            let indent = self.line(number).unicodeScalars.prefix { $0 == " " || $0 == "\t" }
            if let tab = indent.enumerated().first(where: { $0.element == "\t" }) {
                return Span(file: file, line: number, column: tab.offset + 1, length: 1)
            }
        }
        return nil
    }

    private func encoding(_ message: String, at offset: Int) -> Problem {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let column = String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1
        let value = bytes.indices.contains(offset) ? String(bytes[offset], radix: 16) : "?"
        let text =
            message == "control characters are not allowed"
            ? "a control character (byte 0x\(value)) is not allowed" : "not valid UTF-8: byte 0x\(value)"
        return Problem(
            span: Span(file: file, line: line, column: column, length: 1), message: text,
            hint: message == "control characters are not allowed"
                ? "remove it, or save the file as UTF-8 text" : "save the file as UTF-8 text")
    }

    /// The first line that is not empty or a comment, and its indentation.
    private var firstKey: (line: Int, indent: Int)? {
        var number = 1
        while let text = lines.line(number, of: 0) {
            let own = text.drop { $0 == " " }
            if !own.isEmpty, !own.hasPrefix("#"), !own.hasPrefix("---") { return (number, indent(number)) }
            number += 1
        }
        return nil
    }

    /// The nearest line above with less indentation.
    func lineAbove(_ line: Int) -> Int? {
        let own = indent(line)
        return stride(from: line - 1, to: 0, by: -1).first { number in
            let text = self.line(number).drop { $0 == " " }
            return !text.isEmpty && !text.hasPrefix("#") && indent(number) < own
        }
    }

    func line(_ number: Int) -> String { lines.line(number, of: 0) ?? "" }

    /// nil after the last line.
    func lineIfThere(_ number: Int) -> String? { lines.line(number, of: 0) }

    func indent(_ number: Int) -> Int { line(number).unicodeScalars.prefix { $0 == " " }.count }
}
