/// Explains errors that libyaml reports at a correct line when the lines near it are wrongly indented.
extension SyntaxExplanation {
    /// A character in the indentation of one of the last lines that looks like a space but is not one in YAML.
    func oddBlank(near line: Int) -> Problem? {
        let first = max(1, min(line - 1, scalar.map { Int($0.span.line) } ?? line))
        for number in first...max(first, line) {
            if let problem = oddBlank(onLine: number) { return problem }
        }
        return nil
    }

    /// The same before the key at `span`.
    func oddBlank(at span: Span) -> Problem? { oddBlank(onLine: Int(span.line)) }

    private func oddBlank(onLine number: Int) -> Problem? {
        let scalars = line(number).unicodeScalars
        let indent = scalars.prefix { $0 == " " || $0 == "\t" || Self.isOddBlank($0) }
        guard let odd = indent.first(where: Self.isOddBlank) else { return nil }
        let column = indent.prefix { !Self.isOddBlank($0) }.count + 1
        let count = indent.count(where: Self.isOddBlank)
        var more = 0
        var other = number + 1
        while let text = lineIfThere(other) {
            let spaces = text.unicodeScalars.prefix { $0 == " " || Self.isOddBlank($0) }
            if spaces.contains(where: Self.isOddBlank) { more += 1 }
            other += 1
        }
        let name = odd == "\u{A0}" ? "a no-break space (U+00A0)" : "the character U+\(hex(odd.value))"
        return Problem(
            span: Span(file: file, line: number, column: column, length: count),
            message: "\(name) is in the indentation"
                + (more == 0 ? "" : ", and on \(more) \(more == 1 ? "line" : "lines") below"),
            hint: "replace each with a plain space: sed -i 's/\\xC2\\xA0/ /g' FILE".replacingOddBytes(of: odd),
            endsReading: true)
    }

    private static func isOddBlank(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isASCII
            && (scalar.properties.isWhitespace || (0x200B...0x200D).contains(scalar.value) || scalar.value == 0xFEFF)
    }

    private func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    /// A block text (`|`, `>`) that ends at a line indented less than its first line but more than its key.
    func endOfBlock(before line: Int) -> Problem? {
        guard let scalar, !scalar.isPlain else { return nil }
        let start = Int(scalar.span.line)
        let head = self.line(start).unicodeScalars.dropFirst(Int(scalar.span.column) - 1).first
        guard head == "|" || head == ">", start < line else { return nil }
        let key = indent(start)
        var block: (line: Int, indent: Int)?
        for number in start + 1...line where !isBlank(number) {
            guard let first = block else {
                block = (number, indent(number))
                if indent(number) <= key { return nil }
                continue
            }
            if indent(number) <= key { return nil }
            guard indent(number) < first.indent else { continue }
            let text = self.line(number).unicodeScalars.count
            return Problem(
                span: Span(file: file, line: number, column: indent(number) + 1, length: max(1, text - indent(number))),
                message:
                    "the block of text ends here: this line is indented by \(indent(number)), line \(first.line), where it begins, by \(first.indent)",
                hint: "indent it by \(first.indent) or more", other: ("the block begins here", scalar.span.start))
        }
        return nil
    }

    private static let indentationComplaints: Set<String> = [
        "did not find expected key", "mapping values are not allowed in this context",
        "did not find expected '-' indicator", "could not find expected ':'",
    ]

    /// `command: |`, followed by lines indented like the key.
    func blockWithoutText(near line: Int) -> Problem? {
        for number in max(2, line - 2)...max(2, line) where !isBlank(number) {
            guard let above = previous(number), above == number - 1, indent(number) <= indent(above) else { continue }
            let words = text(above).split(separator: " ")
            guard words.count >= 2, let mark = words.last, words[words.count - 2].hasSuffix(":"),
                mark.first == "|" || mark.first == ">", mark.dropFirst().allSatisfy({ "+-123456789".contains($0) })
            else { continue }
            let key = text(number).prefix { $0 != " " }
            if key.hasSuffix(":") || key == "-" { continue }
            return Problem(
                span: Span(
                    file: file, line: number, column: indent(number) + 1,
                    length: max(1, self.line(number).unicodeScalars.count - indent(number))),
                message: "the text after '\(mark)' is indented further than its key, but this line is not",
                hint: "indent it by \(indent(above) + 2) or more",
                other: ("the text belongs to this", Span(file: file, line: above, column: indent(above) + 1)))
        }
        return nil
    }

    /// The first of several related lines has another indentation than the rest.
    func oddOneOut(_ line: Int, _ message: String) -> Problem? {
        let own = indent(line)
        guard own > 0, !isBlank(line), Self.indentationComplaints.contains(message) else { return nil }
        let isItem = self.isItem(line)
        // The lines around the one in the error.
        var others = 0
        var number = line
        while let text = lineIfThere(number) {
            if !isBlank(number) {
                if indent(number) < own { break }
                if indent(number) == own {
                    others += self.isItem(number) == isItem && (isItem || text.contains(":")) ? 1 : 0
                }
            }
            number += 1
        }
        guard others >= 2, let first = firstBeside(line, own, isItem) else { return nil }
        return Problem(
            span: Span(
                file: file, line: first.line, column: first.indent + 1,
                length: max(1, self.line(first.line).unicodeScalars.count - first.indent)),
            message: "indented by \(first.indent), and the \(others) lines that belong with it by \(own)",
            hint: "indent it by \(own) like line \(line)",
            other: ("the first of the others", Span(file: file, line: line, column: own + 1)),
            swallowed: scalar.flatMap { $0.isPlain && $0.endLine >= line ? $0.span : nil })
    }

    /// The only line above that could belong with `line` but has another indentation; nil when there are several or
    /// none.
    private func firstBeside(_ line: Int, _ own: Int, _ isItem: Bool) -> (line: Int, indent: Int)? {
        var least: (line: Int, indent: Int, count: Int)?
        for number in stride(from: line - 1, to: 0, by: -1) where !isBlank(number) {
            let other = indent(number)
            if other == own { return nil }
            if other > own {
                if let known = least, other > known.indent { continue }
                least = (number, other, other == least?.indent ? (least?.count ?? 0) + 1 : 1)
                continue
            }
            // It is indented deeper than the others, so it is the line that all of them belong to.
            if let least {
                let isAlone = least.count == 1 && text(number).hasSuffix(":") && self.isItem(least.line) == isItem
                return isAlone ? (least.line, least.indent) : nil
            }
            // It is indented less than the others, right below the line that all of them belong to.
            guard self.isItem(number) == isItem, !text(number).hasSuffix(":"), let above = lineAbove(number),
                above == previous(number), text(above).hasSuffix(":")
            else { return nil }
            return (number, other)
        }
        return nil
    }

    func previous(_ line: Int) -> Int? {
        stride(from: line - 1, to: 0, by: -1).first { !isBlank($0) }
    }

    func isItem(_ number: Int) -> Bool { text(number).hasPrefix("- ") || text(number) == "-" }

    private func text(_ number: Int) -> String { trimmed(line(number)) }

    /// The line is empty or a comment.
    private func isBlank(_ number: Int) -> Bool {
        let text = text(number)
        return text.isEmpty || text.hasPrefix("#")
    }
}

extension String {
    /// The hint's command with the bytes of another character.
    fileprivate func replacingOddBytes(of scalar: Unicode.Scalar) -> String {
        if scalar == "\u{A0}" { return self }
        let bytes = String(Character(scalar)).utf8.map { "\\x" + String($0, radix: 16, uppercase: true) }.joined()
        return "replace each with a plain space: sed -i 's/\(bytes)/ /g' FILE"
    }
}
