import YAML

/// A heredoc: `<<EOF` and the lines until `EOF`.
package struct Heredoc: Hashable, Sendable {
    /// The word that ends it, which is also the name of the file for COPY.
    package var name: String
    /// Variables in it are expanded: its word has no quotes.
    package var expands: Bool
    /// `<<-`: tabs at the start of its lines are dropped.
    package var stripsTabs: Bool
    /// The word that begins it.
    package var place: PlacedText
    /// Its lines as they stand in the file.
    package var content = ""

    /// Its lines, without leading tabs if it was written `<<-`.
    package var text: String {
        guard stripsTabs else { return content }
        return content.split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0.drop { $0 == "\t" }) }.joined(separator: "\n")
    }

    /// Only these may have heredocs, unless their arguments are a JSON list.
    private static let keywords: Set<String> = ["ADD", "COPY", "RUN"]

    static func mayFollow(_ line: PlacedText, escape: Unicode.Scalar) -> Bool {
        var split = CommandSplit(line, escape: escape)
        if split.keyword.text.uppercased() == "ONBUILD" { split = CommandSplit(split.arguments, escape: escape) }
        guard keywords.contains(split.keyword.text.uppercased()) else { return false }
        guard case .list = ExecForm(split.arguments) else { return true }
        return false
    }

    /// The heredocs that a line begins, in order.
    static func announced(in line: PlacedText) -> [Heredoc] {
        let lexer = WordLexer(escape: "\\", options: [.keepsQuotes, .keepsEscapes, .keepsUnset])
        guard let expansion = try? lexer.expand(line, with: { _ in nil }) else { return [] }
        return expansion.words.compactMap { word in
            // The word itself knows only where it begins.
            Heredoc(word: PlacedText(word.text.unicodeScalars, line: word.place.line, column: word.place.column))
        }
    }

    /// `<<EOF`, `3<<-"EOF"`; nil if the word begins no heredoc.
    init?(word: PlacedText) {
        var index = 0
        while index < word.count, word[index].isDigit { index += 1 }
        guard index + 1 < word.count, word[index] == "<", word[index + 1] == "<" else { return nil }
        index += 2
        var stripsTabs = false
        if index < word.count, word[index] == "-" {
            stripsTabs = true
            index += 1
        }
        while index < word.count, word[index].separatesWords { index += 1 }
        let rest = word[index..<word.count]
        guard !rest.isEmpty, !rest.scalars.contains("<") else { return nil }
        let bare = WordLexer(escape: "\\", options: [.keepsUnset])
        let quoted = WordLexer(escape: "\\", options: [.keepsUnset, .keepsQuotes])
        guard let plain = try? bare.expand(rest, with: { _ in nil }), plain.words.count == 1,
            let raw = try? quoted.expand(rest, with: { _ in nil }), raw.words.count == 1
        else { return nil }
        func quotes(_ text: String) -> Int { text.count { $0 == "'" || $0 == "\"" } }
        self.init(
            name: plain.words[0].text, expands: quotes(plain.words[0].text) == quotes(raw.words[0].text),
            stripsTabs: stripsTabs, place: word)
    }

    private init(name: String, expands: Bool, stripsTabs: Bool, place: PlacedText) {
        self.name = name
        self.expands = expands
        self.stripsTabs = stripsTabs
        self.place = place
    }
}
