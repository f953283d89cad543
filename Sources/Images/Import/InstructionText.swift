import JSON

/// A Dockerfile instruction: its keyword in upper case, and the rest.
struct InstructionText {
    let keyword: String
    let rest: String

    init(_ text: String) {
        let trimmed = text.trimmingBlanks()
        let end = trimmed.firstIndex { $0.isWhitespace } ?? trimmed.endIndex
        keyword = trimmed[..<end].uppercased()
        rest = String(trimmed[end...]).trimmingBlanks()
    }

    var execForm: [String]? { Self.execForm(rest) }

    /// The strings of a JSON array; nil for anything else, which is the shell form.
    static func execForm(_ text: String) -> [String]? {
        guard text.hasPrefix("["), let values = try? JSONValue(parsing: text).array else { return nil }
        let strings = values.compactMap(\.string)
        return strings.count == values.count ? strings : nil
    }
}

extension String {
    /// Without spaces and line breaks at both ends.
    func trimmingBlanks() -> String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}

/// Splits an instruction's arguments into words: quotes, backslashes, and `$NAME`, `${NAME}`, `${NAME:-x}`, `${NAME:+x}`.
struct WordReader {
    private let variables: [String: String]

    /// `variables` are `NAME=value` texts.
    init(variables: [String]) {
        var table: [String: String] = [:]
        for variable in variables {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            table[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        self.variables = table
    }

    /// All words without their quotes.
    func words(_ text: String) throws(InstructionError) -> [String] {
        var result: [String] = []
        for word in try split(text) { result.append(try unquote(word)) }
        return result
    }

    /// The only word; fails if there are more or none.
    func one(_ text: String) throws(InstructionError) -> String {
        let words = try words(text)
        guard words.count == 1, !words[0].isEmpty else { throw InstructionError("it takes one argument") }
        return words[0]
    }

    /// `A=1 B="2 3"`, or the old form `A rest of the line`.
    func pairs(_ text: String) throws(InstructionError) -> [(String, String)] {
        let words = try split(text)
        guard let first = words.first else { throw InstructionError("a name is missing") }
        if !first.contains("=") {
            let rest = String(text.dropFirst(first.count)).trimmingBlanks()
            guard !rest.isEmpty else { throw InstructionError("\"\(first)\" has no value (as \(first)=value)") }
            return [(try unquote(first), try unquote(rest))]
        }
        var result: [(String, String)] = []
        for word in words {
            guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
                throw InstructionError("\"\(word)\" is not of the form name=value")
            }
            result.append(
                (try unquote(String(word[..<equals])), try unquote(String(word[word.index(after: equals)...]))))
        }
        return result
    }

    /// Words as written, quotes kept: blanks inside quotes and after a backslash do not split.
    private func split(_ text: String) throws(InstructionError) -> [String] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character.isWhitespace {
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            }
            word.append(character)
        }
        guard quote == nil else { throw InstructionError("a quote is not closed") }
        if !word.isEmpty { words.append(word) }
        return words
    }

    private func unquote(_ word: String) throws(InstructionError) -> String {
        var result = ""
        var rest = word[...]
        var quote: Character?
        while let character = rest.popFirst() {
            switch (character, quote) {
            case ("\\", nil), ("\\", "\""):
                guard let next = rest.popFirst() else {
                    result.append("\\")
                    continue
                }
                let isSpecial = quote == nil || next == "\"" || next == "\\" || next == "$"
                result += isSpecial ? "\(next)" : "\\\(next)"
            case ("'", nil), ("\"", nil): quote = character
            case ("'", "'"), ("\"", "\""): quote = nil
            case ("$", nil), ("$", "\""): result += try variable(&rest)
            default: result.append(character)
            }
        }
        return result
    }

    /// Reads what follows a `$`.
    private func variable(_ rest: inout Substring) throws(InstructionError) -> String {
        guard rest.first == "{" else {
            let name = rest.prefix { $0 == "_" || $0.isLetter || $0.isNumber }
            guard !name.isEmpty else { return "$" }
            rest = rest[name.endIndex...]
            return variables[String(name)] ?? ""
        }
        guard let end = rest.firstIndex(of: "}") else { throw InstructionError("\"${\" is not closed") }
        let body = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
        guard let colon = body.firstIndex(of: ":") else { return variables[String(body)] ?? "" }
        let value = variables[String(body[..<colon])] ?? ""
        let alternative = String(body[body.index(after: colon)...].dropFirst())
        switch body[body.index(after: colon)...].first {
        case "-": return value.isEmpty ? alternative : value
        case "+": return value.isEmpty ? "" : alternative
        default: throw InstructionError("\"${\(body)}\" has an operator other than :- and :+")
        }
    }
}
