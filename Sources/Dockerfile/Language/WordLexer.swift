/// Resolves quotes, escapes and variables in the words of an instruction, as a shell would, and splits the result at blanks.
///
/// The operators are those of the Dockerfile reference: `${v:-w}`, `${v-w}`, `${v:+w}`, `${v+w}`, `${v:?w}`, `${v?w}`,
/// `${v#p}`, `${v##p}`, `${v%p}`, `${v%%p}`, `${v/p/r}`, `${v//p/r}`.
package struct WordLexer: Sendable {
    package struct Options: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// Quotes stay in the result.
        package static let keepsQuotes = Options(rawValue: 1)
        /// Escape characters stay in the result.
        package static let keepsEscapes = Options(rawValue: 2)
        /// Variables without a value stay as they are.
        package static let keepsUnset = Options(rawValue: 4)
        /// Quotes have no meaning, as in the text of a heredoc.
        package static let ignoresQuotes = Options(rawValue: 8)
    }

    /// A word of the result, and where it began.
    package struct Word: Hashable, Sendable {
        package var text: String
        package var place: PlacedText.Place
    }

    /// A variable that was named, and where in the text.
    package struct Use: Hashable, Sendable {
        package var name: String
        package var range: Range<Int>
    }

    package struct Expansion: Hashable, Sendable {
        /// The whole text.
        package var text = ""
        /// The text split at blanks that were neither quoted nor escaped; empty words are dropped.
        package var words: [Word] = []
        package var used: [Use] = []
        /// Variables that have no value.
        package var unset: [Use] = []
    }

    /// Text that cannot be expanded.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package var message: String
        package var description: String { message }
        package var hint: String?
        /// The part of the text that is wrong.
        package var range: Range<Int>
    }

    package let escape: Unicode.Scalar
    package let options: Options

    package init(escape: Unicode.Scalar, options: Options = []) {
        self.escape = escape
        self.options = options
    }

    /// Expands `text`. `value` returns the value of a variable, or nil.
    package func expand(
        _ text: PlacedText, with value: (String) -> String?
    ) throws(Failure) -> Expansion {
        try withoutActuallyEscaping(value) { (value) throws(Failure) -> Expansion in
            var run = LexerRun(lexer: self, text: text, value: value)
            return try run.whole()
        }
    }
}

/// The state of an expansion.
private struct LexerRun {
    /// Deeper nesting of `${a:-${b:-…}}` helps nobody and would exhaust the stack.
    private static let deepest = 100

    private let lexer: WordLexer
    private let text: PlacedText
    private let value: (String) -> String?
    private var index = 0
    private var depth = 0
    private var found = WordLexer.Expansion()

    init(lexer: WordLexer, text: PlacedText, value: @escaping (String) -> String?) {
        self.lexer = lexer
        self.text = text
        self.value = value
    }

    private typealias Failure = WordLexer.Failure

    private var current: Unicode.Scalar? { index < text.count ? text[index] : nil }

    private func failure(_ message: String, from start: Int, hint: String? = nil) -> Failure {
        Failure(message: message, hint: hint, range: start..<max(start + 1, min(index, text.count)))
    }

    mutating func whole() throws(WordLexer.Failure) -> WordLexer.Expansion {
        var words = WordCollector(text: text)
        let keepsEscapes = lexer.options.contains(.keepsEscapes)
        found.text = PlacedText.string(try part(until: nil, keepsEscapes: keepsEscapes, words: &words))
        found.words = words.finished
        return found
    }

    /// The text up to `stop`, or to the end; continues after `stop`.
    private mutating func part(
        until stop: Unicode.Scalar?, keepsEscapes: Bool, words: inout WordCollector
    ) throws(Failure) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        let start = index
        while let scalar = current {
            if scalar == stop {
                index += 1
                return result
            }
            let at = index
            switch scalar {
            case "'" where !lexer.options.contains(.ignoresQuotes):
                let quoted = try singleQuoted()
                result += quoted
                words.add(quoted, at: at, isRaw: true)
            case "\"" where !lexer.options.contains(.ignoresQuotes):
                let quoted = try doubleQuoted(keepsEscapes: keepsEscapes)
                result += quoted
                words.add(quoted, at: at, isRaw: true)
            case "$":
                let value = try dollar()
                result += value
                words.add(value, at: at, isRaw: false)
            case "<":
                let marker = heredocMarker()
                result += marker
                words.add(marker, at: at, isRaw: true)
            case lexer.escape:
                index += 1
                var taken: [Unicode.Scalar] = keepsEscapes ? [scalar] : []
                // An escape character at the end has no effect.
                if let next = current {
                    taken.append(next)
                    index += 1
                }
                result += taken
                words.add(taken, at: at, isRaw: true)
            default:
                index += 1
                result.append(scalar)
                words.add([scalar], at: at, isRaw: false)
            }
        }
        guard let stop else { return result }
        throw failure("'\(stop)' is missing at the end of what begins here", from: max(0, start - 1))
    }

    private mutating func singleQuoted() throws(Failure) -> [Unicode.Scalar] {
        let start = index
        let keeps = lexer.options.contains(.keepsQuotes)
        var result: [Unicode.Scalar] = keeps ? ["'"] : []
        index += 1
        while let scalar = current {
            index += 1
            if scalar == "'" { return keeps ? result + ["'"] : result }
            result.append(scalar)
        }
        index = start + 1
        throw failure("the quote that opens here is not closed", from: start, hint: "add a ' where the text ends")
    }

    private mutating func doubleQuoted(keepsEscapes: Bool) throws(Failure) -> [Unicode.Scalar] {
        let start = index
        let keeps = lexer.options.contains(.keepsQuotes)
        var result: [Unicode.Scalar] = keeps ? ["\""] : []
        index += 1
        while let scalar = current {
            switch scalar {
            case "\"":
                index += 1
                return keeps ? result + ["\""] : result
            case "$": result += try dollar()
            case lexer.escape:
                index += 1
                if keepsEscapes { result.append(scalar) }
                // Between double quotes only these can be escaped; before others, the escape character stays.
                if let next = current, next == "\"" || next == "$" || next == lexer.escape {
                    result.append(next)
                    index += 1
                } else if current != nil {
                    result.append(scalar)
                }
            default:
                result.append(scalar)
                index += 1
            }
        }
        index = start + 1
        throw failure("the quote that opens here is not closed", from: start, hint: "add a \" where the text ends")
    }

    /// `<<` and the blanks after it, so that the word of a heredoc stays one word.
    private mutating func heredocMarker() -> [Unicode.Scalar] {
        index += 1
        guard current == "<" else { return ["<"] }
        index += 1
        var result: [Unicode.Scalar] = ["<", "<"]
        while let scalar = current, scalar == " " || scalar == "\t" || scalar == "\r" {
            result.append(scalar)
            index += 1
        }
        return result
    }

    // MARK: Variables

    private mutating func dollar() throws(Failure) -> [Unicode.Scalar] {
        let start = index
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw failure("variables are nested too deeply here", from: start) }
        index += 1
        guard current == "{" else {
            let name = variableName()
            guard !name.isEmpty else { return ["$"] }
            if let value = look(up: name, from: start) { return Array(value.unicodeScalars) }
            return lexer.options.contains(.keepsUnset) ? Array("$\(name)".unicodeScalars) : []
        }
        index += 1
        guard let first = current else {
            throw failure("'}' is missing at the end of the variable", from: start, hint: "write ${NAME}")
        }
        guard first != "{", first != "}", first != ":" else {
            index += 1
            throw failure(
                "this substitution has no variable name", from: start,
                hint: "write ${NAME}, or \(lexer.escape)$ for a dollar sign")
        }
        return try braced(name: variableName(), from: start)
    }

    /// The part after `${name`.
    private mutating func braced(name: String, from start: Int) throws(Failure) -> [Unicode.Scalar] {
        guard let scalar = current else {
            throw failure("'}' is missing at the end of the variable", from: start, hint: "write ${\(name)}")
        }
        index += 1
        switch scalar {
        case "}":
            if let value = look(up: name, from: start) { return Array(value.unicodeScalars) }
            return lexer.options.contains(.keepsUnset) ? Array("${\(name)}".unicodeScalars) : []
        case ":":
            guard let sign = current, sign == "-" || sign == "+" || sign == "?" else {
                throw unsupported(":" + (current.map { String($0) } ?? ""), from: start)
            }
            index += 1
            return try choice(sign, name, emptyIsUnset: true, from: start)
        case "-", "+", "?": return try choice(scalar, name, emptyIsUnset: false, from: start)
        case "#", "%": return try trimming(scalar, name, from: start)
        case "/": return try replacing(name, from: start)
        default: throw unsupported(String(scalar), from: start)
        }
    }

    private func unsupported(_ sign: String, from start: Int) -> Failure {
        failure(
            "unknown operator '\(sign)' in a substitution", from: start,
            hint: "use one of :- - :+ + :? ? # ## % %% / //, or \(lexer.escape)$ for a dollar sign")
    }

    /// The text of an operator up to the closing brace.
    private mutating func operand(
        until stop: Unicode.Scalar = "}", keepsEscapes: Bool, from start: Int
    ) throws(Failure) -> [Unicode.Scalar] {
        var words = WordCollector(text: text)
        do throws(Failure) {
            return try part(until: stop, keepsEscapes: keepsEscapes, words: &words)
        } catch {
            guard current == nil else { throw error }
            throw failure("'\(stop)' is missing in the variable that begins here", from: start)
        }
    }

    private mutating func choice(
        _ sign: Unicode.Scalar, _ name: String, emptyIsUnset: Bool, from start: Int
    ) throws(Failure) -> [Unicode.Scalar] {
        let word = try operand(keepsEscapes: false, from: start)
        let value = look(up: name, from: start)
        if value == nil, lexer.options.contains(.keepsUnset) {
            return Array("${\(name)\(emptyIsUnset ? ":" : "")\(sign)".unicodeScalars) + word + ["}"]
        }
        let isSet = value.map { !(emptyIsUnset && $0.isEmpty) } ?? false
        switch sign {
        case "-": return isSet ? Array((value ?? "").unicodeScalars) : word
        case "+": return isSet ? word : []
        default:
            guard !isSet else { return Array((value ?? "").unicodeScalars) }
            let reason = word.isEmpty ? (value == nil ? "has no value" : "is empty") : PlacedText.string(word)
            throw failure("\(name): \(reason)", from: start, hint: "set it with ARG or ENV, or --build-arg \(name)=…")
        }
    }

    private mutating func trimming(_ sign: Unicode.Scalar, _ name: String, from start: Int) throws(Failure) -> [Unicode
        .Scalar]
    {
        var pattern = try operand(keepsEscapes: true, from: start)
        let isGreedy = pattern.first == sign
        if isGreedy { pattern.removeFirst() }
        let shell = try shellPattern(pattern, from: start)
        guard let value = look(up: name, from: start) else {
            guard lexer.options.contains(.keepsUnset) else { return [] }
            return Array("${\(name)\(sign)".unicodeScalars) + (isGreedy ? [sign] : []) + pattern + ["}"]
        }
        let scalars = Array(value.unicodeScalars)
        return sign == "#"
            ? shell.removingPrefix(of: scalars, isGreedy: isGreedy)
            : shell.removingSuffix(of: scalars, isGreedy: isGreedy)
    }

    private mutating func replacing(_ name: String, from start: Int) throws(Failure) -> [Unicode.Scalar] {
        let replacesAll = current == "/"
        if replacesAll { index += 1 }
        let pattern = try operand(until: "/", keepsEscapes: true, from: start)
        let replacement = try operand(keepsEscapes: true, from: start)
        let shell = try shellPattern(pattern, from: start)
        guard let value = look(up: name, from: start) else {
            guard lexer.options.contains(.keepsUnset) else { return [] }
            return Array("${\(name)/".unicodeScalars) + (replacesAll ? ["/"] : []) + pattern + ["/"] + replacement + [
                "}"
            ]
        }
        return shell.replacing(in: Array(value.unicodeScalars), with: replacement, all: replacesAll)
    }

    private func shellPattern(_ pattern: [Unicode.Scalar], from start: Int) throws(Failure) -> ShellPattern {
        guard let shell = ShellPattern(pattern) else {
            throw failure(
                "the pattern '\(PlacedText.string(pattern))' escapes a character that needs no escape", from: start,
                hint: "only *, ?, \\, } and / can be escaped here")
        }
        return shell
    }

    private mutating func variableName() -> String {
        var name: [Unicode.Scalar] = []
        while let scalar = current {
            if name.isEmpty, scalar.isDigit {
                while let digit = current, digit.isDigit {
                    name.append(digit)
                    index += 1
                }
                break
            }
            if name.isEmpty, "@*#?-$!".unicodeScalars.contains(scalar) {
                index += 1
                return String(scalar)
            }
            guard scalar == "_" || scalar.isDigit || scalar.properties.isAlphabetic else { break }
            name.append(scalar)
            index += 1
        }
        return PlacedText.string(name)
    }

    private mutating func look(up name: String, from start: Int) -> String? {
        let use = WordLexer.Use(name: name, range: start..<index)
        if let value = value(name) {
            found.used.append(use)
            return value
        }
        found.unset.append(use)
        return nil
    }
}

/// Splits an expansion at blanks that are neither quoted nor escaped.
private struct WordCollector {
    private let text: PlacedText
    private var words: [WordLexer.Word] = []
    private var current: [Unicode.Scalar] = []
    private var start = 0

    init(text: PlacedText) { self.text = text }

    mutating func add(_ scalars: [Unicode.Scalar], at index: Int, isRaw: Bool) {
        for scalar in scalars {
            if !isRaw, scalar.isBlank {
                finishWord()
            } else {
                if current.isEmpty { start = index }
                current.append(scalar)
            }
        }
    }

    private mutating func finishWord() {
        guard !current.isEmpty else { return }
        words.append(WordLexer.Word(text: PlacedText.string(current), place: text.place(at: start)))
        current = []
    }

    var finished: [WordLexer.Word] {
        var copy = self
        copy.finishWord()
        return copy.words
    }
}
