/// A command given as one string, split into words as docker compose does: quotes and backslashes, nothing else.
package enum CommandWords {
    package struct Split: Hashable, Sendable {
        package var words: [String]
        /// What stands from the first unquoted `;`, `&`, `|`, `<` or `>` on: it is not part of the command.
        package var dropped: String?
    }

    /// The words; nil when a quote is not closed or a parenthesis stands unquoted.
    package static func split(_ line: String) -> Split? {
        var splitter = Splitter()
        for index in line.unicodeScalars.indices {
            switch splitter.take(line.unicodeScalars[index]) {
            case .more: continue
            case .invalid: return nil
            case .end:
                guard let words = splitter.finish() else { return nil }
                return Split(words: words, dropped: String(line.unicodeScalars[index...]))
            }
        }
        return splitter.finish().map { Split(words: $0, dropped: nil) }
    }

    private enum Step {
        case more, end, invalid
    }

    private struct Splitter {
        private var words: [String] = []
        private var word = String.UnicodeScalarView()
        private var started = false
        private var escaped = false
        private var single = false
        private var double = false
        private var back = false
        private var parentheses = false

        private var quoted: Bool { single || double || back || parentheses }

        mutating func take(_ scalar: Unicode.Scalar) -> Step {
            if escaped {
                escaped = false
                return add(scalar == "t" ? "\t" : scalar == "n" ? "\n" : scalar)
            }
            switch scalar {
            case "\\" where !single:
                escaped = true
                return .more
            case " ", "\t", "\r", "\n":
                if quoted { return add(scalar) }
                endWord()
                return .more
            case "`" where !single && !double && !parentheses: back.toggle()
            case ")" where !single && !double && !back: parentheses.toggle()
            case "(" where !single && !double && !back:
                guard !parentheses, word.last == "$" else { return .invalid }
                parentheses = true
            case "\"" where !single && !parentheses:
                if double { started = true }
                double.toggle()
                return .more
            case "'" where !double && !parentheses:
                if single { started = true }
                single.toggle()
                return .more
            case ";", "&", "|", "<", ">":
                if !quoted {
                    // `2>` belongs to the redirection.
                    if scalar == ">", let first = word.first, ("0"..."9").contains(first) { started = false }
                    return .end
                }
            default: break
            }
            return add(scalar)
        }

        mutating func finish() -> [String]? {
            if escaped || quoted { return nil }
            endWord()
            return words
        }

        private mutating func add(_ scalar: Unicode.Scalar) -> Step {
            started = true
            word.append(scalar)
            return .more
        }

        private mutating func endWord() {
            guard started else { return }
            words.append(String(word))
            word = String.UnicodeScalarView()
            started = false
        }
    }
}
