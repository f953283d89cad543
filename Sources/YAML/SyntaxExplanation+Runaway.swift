/// Explains errors that libyaml reports too late: the mistake is where the preceding text begins.
extension SyntaxExplanation {
    /// A merge conflict marker from version control.
    func conflictMarker(near line: Int) -> Problem? {
        let first = min(line, max(1, scalar.map { Int($0.span.line) } ?? line))
        for number in first...line
        where ["<<<<<<<", "=======", ">>>>>>>"].contains(String(self.line(number).prefix(7))) {
            return Problem(
                span: Span(file: file, line: number, column: 1, length: 7), message: "a merge conflict is not resolved",
                hint: "keep one of the two versions and remove the markers", swallowed: scalar?.span)
        }
        return nil
    }

    /// A scalar swallowed the next lines: its colon or its closing quote is missing, or they are indented too far.
    func runaway(_ failure: EventReader.Failure, line: Int, column: Int) -> Problem? {
        guard let scalar, scalar.span.line < line else { return nil }
        let first = self.line(Int(scalar.span.line)).unicodeScalars
        let before = String(first.prefix(Int(scalar.span.column) - 1))
        let own = trimmed(String(first.dropFirst(Int(scalar.span.column) - 1)))
        let beginsLine = before.allSatisfy { $0 == " " || $0 == "-" }
        if scalar.isPlain, beginsLine,
            failure.message == "did not find expected <document start>" && !before.contains("-")
                || scalar.endLine > Int(scalar.span.line) && own.hasPrefix("-")
        {
            return unfinished(own, at: scalar.span, swallowed: scalar.span)
        }
        guard scalar.endLine == line else { return nil }
        if !scalar.isPlain {
            guard own.hasPrefix("\"") || own.hasPrefix("'") else { return nil }
            return Problem(
                span: Span(file: file, line: Int(scalar.span.line), column: Int(scalar.span.column), length: 1),
                message: "the quote that opens here ends only on line \(line)",
                hint: "close it on its own line", swallowed: scalar.span)
        }
        guard failure.message == "mapping values are not allowed in this context" else { return nil }
        if beginsLine {
            if before.contains("-") { return itemWithMembers(own, at: scalar.span, on: line, column) }
            return unfinished(own, at: scalar.span, swallowed: scalar.span)
        }
        let head = before.unicodeScalars.prefix { $0 == " " }.count
        let item = trimmed(before)
        if item.hasPrefix("-"), !item.hasPrefix("- "), item.hasSuffix(":") {
            let start = Span(file: file, line: Int(scalar.span.line), column: head + 1)
            return unfinished(trimmed(self.line(Int(scalar.span.line))), at: start, swallowed: start)
        }
        return deeper(line, column, than: before, scalar)
    }

    /// `- db`, and on the next line a key that should belong to it.
    private func itemWithMembers(_ item: String, at span: Span, on line: Int, _ column: Int) -> Problem {
        let own = trimmed(self.line(line))
        let key = own.prefix { $0 != ":" }
        let isName = item.utf8.allSatisfy { $0 > 0x20 && !"/:=\"'{}[]".utf8.contains($0) }
        let parts = item.split(separator: ":", omittingEmptySubsequences: false)
        let hint: String
        if isName {
            hint = "write `\(item):` without the '- ', and `\(own)` on the next line, indented further"
        } else if parts.count == 2, item.contains("/"), !parts.contains("") {
            let type = "./~".contains(parts[0].first ?? "x") ? "bind" : "volume"
            hint = "write the long form: {type: \(type), source: \(parts[0]), target: \(parts[1]), \(own)}"
        } else {
            hint = "write all of it in the long form, as `NAME: VALUE` on lines of their own"
        }
        return Problem(
            span: Span(
                file: file, line: line, column: indent(line) + 1, length: max(1, key.unicodeScalars.count)),
            message: "'\(key)' cannot belong to '\(item)', which is one text", hint: hint,
            other: (
                "the item",
                Span(file: file, line: Int(span.line), column: Int(span.column), length: item.unicodeScalars.count)
            ),
            swallowed: span)
    }

    /// `key: value`, and on the next line a key that is indented further.
    private func deeper(_ line: Int, _ column: Int, than before: String, _ scalar: Scalar) -> Problem {
        let key = self.line(line).unicodeScalars.prefix(column - 1)
        let indent = key.prefix { $0 == " " }.count
        let name = String(key.dropFirst(indent))
        var owner = trimmed(before)
        while owner.hasPrefix("- ") { owner = trimmed(String(owner.dropFirst(2))) }
        if owner.hasSuffix(":") { owner.removeLast() }
        return Problem(
            span: Span(file: file, line: line, column: indent + 1, length: max(1, column - 1 - indent)),
            message: "'\(name)' is indented deeper than '\(owner)', which has a value already",
            hint: "indent it like '\(owner)', or quote the value if all of it is text",
            other: ("the value begins here", scalar.span.start), swallowed: scalar.span,
            causes: [
                Span(
                    file: file, line: Int(scalar.span.line),
                    column: before.unicodeScalars.prefix { $0 == " " || $0 == "-" }.count + 1)
            ])
    }

    /// A line whose indentation is between those of the lines that it could belong to.
    func misplaced(_ failure: EventReader.Failure, line: Int) -> Problem? {
        guard failure.message == "did not find expected key" else { return nil }
        let indent = self.indent(line)
        var deeper: (line: Int, indent: Int)?
        for number in stride(from: line - 1, to: 0, by: -1) {
            let text = trimmed(self.line(number))
            if text.isEmpty || text.hasPrefix("#") { continue }
            let other = self.indent(number)
            if other == indent { return nil }
            if other < indent {
                guard let deeper else { return nil }
                let own = trimmed(self.line(line)).unicodeScalars.prefix { $0 != ":" }.count
                return Problem(
                    span: Span(file: file, line: line, column: indent + 1, length: max(1, own)),
                    message: "indented by \(indent), like none of the lines above that it could belong to",
                    hint: "indent it by \(deeper.indent) like line \(deeper.line), or by \(other) like line \(number)",
                    causes: [Span(file: file, line: number, column: other + 1)])
            }
            if other < deeper?.indent ?? Int.max { deeper = (number, other) }
        }
        return nil
    }

    /// A line in a mapping without `: `; libyaml notices only at the next line.
    func unfinishedKey(_ failure: EventReader.Failure) -> Problem? {
        guard failure.message == "could not find expected ':'", let context = failure.context,
            context.what == "while scanning a simple key"
        else { return nil }
        let own = trimmed(String(line(context.line + 1).unicodeScalars.dropFirst(context.column)))
        if let first = own.unicodeScalars.first, "[{*&|>".unicodeScalars.contains(first) { return nil }
        return unfinished(own, at: Span(file: file, line: context.line + 1, column: context.column + 1))
    }

    /// `{{ name }}`, which YAML reads as a mapping inside a mapping; the inner one begins at `span`.
    func template(at span: Span) -> Problem? {
        let before = Array(line(Int(span.line)).unicodeScalars.prefix(Int(span.column)))
        guard before.count > 1, before.suffix(2).allSatisfy({ $0 == "{" }) else { return nil }
        let start = Span(file: file, line: Int(span.line), column: Int(span.column) - 1, length: 2)
        return Problem(
            span: start, message: "'{{' begins a template, which YAML reads as a mapping in a mapping",
            hint: "quote the value, or fill in the template", swallowed: start)
    }

    /// Text in place of `key: value`.
    private func unfinished(_ text: String, at span: Span, swallowed: Span? = nil) -> Problem {
        let place = Span(
            file: file, line: Int(span.line), column: Int(span.column), length: max(1, text.unicodeScalars.count))
        let (message, hint) = remedy(text)
        return Problem(span: place, message: message, hint: hint, swallowed: swallowed)
    }

    private func remedy(_ text: String) -> (message: String, hint: String) {
        if text.unicodeScalars.contains("\u{A0}") {
            return ("a no-break space (U+00A0) is not a space for YAML", "replace it with a plain space")
        }
        if text.hasPrefix("-"), let second = text.dropFirst().first, second != "-" {
            return ("no space follows '-'", "write `- \(trimmed(String(text.dropFirst())))`")
        }
        if let quote = text.first, quote == "\"" || quote == "'" {
            return ("no ':' follows the key", "write `- \(text)` as an item of a list, or `\(text): VALUE`")
        }
        let head = text.prefix { $0 != ":" && $0 != " " && $0 != "=" }
        let rest = trimmed(String(text.dropFirst(head.count + 1)))
        switch text.dropFirst(head.count).first {
        case ":": return ("no space follows the ':' of a key", "write `\(head): \(rest)`")
        case "=": return ("a key is followed by ':'", "write `\(head): \(rest)`, or `- \(text)` as an item of a list")
        case " ": return ("no ':' follows the key", "write `\(head): \(rest)`")
        default: return ("no ':' follows the key", "write `\(text):`")
        }
    }

    func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop { $0 == " " }
        guard let last = scalars.lastIndex(where: { !" \t\r\n".unicodeScalars.contains($0) }) else { return "" }
        return String(scalars[...last])
    }
}
