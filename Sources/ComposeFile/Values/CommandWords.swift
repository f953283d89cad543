/// Splits a command string into words as docker compose does: only quotes and backslashes have a meaning.
package enum CommandWords {
    package struct Split: Hashable, Sendable {
        package var words: [String]
        /// Everything from the first unquoted `;`, `&`, `|`, `<` or `>` on, which is not part of the command.
        package var dropped: String?
    }

    /// The words; nil when a quote is not closed or a parenthesis is unquoted.
    package static func split(_ line: String) -> Split? {
        var splitter = Splitter()
        let bytes = Array(line.utf8)
        for index in bytes.indices {
            switch splitter.take(bytes[index]) {
            case .more: continue
            case .invalid: return nil
            case .end:
                guard let words = splitter.finish() else { return nil }
                return Split(words: words, dropped: String(decoding: bytes[index...], as: UTF8.self))
            }
        }
        return splitter.finish().map { Split(words: $0, dropped: nil) }
    }

    private enum Step {
        case more, end, invalid
    }

    /// Works on UTF-8: all special characters are ASCII, and everything else is copied.
    private struct Splitter {
        private var words: [String] = []
        private var word: [UInt8] = []
        private var started = false
        private var escaped = false
        private var single = false
        private var double = false
        private var back = false
        private var parentheses = false

        private var quoted: Bool { single || double || back || parentheses }

        mutating func take(_ byte: UInt8) -> Step {
            if escaped {
                escaped = false
                return add(byte == UInt8(ascii: "t") ? 0x09 : byte == UInt8(ascii: "n") ? 0x0A : byte)
            }
            switch byte {
            case UInt8(ascii: "\\") where !single:
                escaped = true
                return .more
            case UInt8(ascii: " "), 0x09, 0x0D, 0x0A:
                if quoted { return add(byte) }
                endWord()
                return .more
            case UInt8(ascii: "`") where !single && !double && !parentheses: back.toggle()
            case UInt8(ascii: ")") where !single && !double && !back: parentheses.toggle()
            case UInt8(ascii: "(") where !single && !double && !back:
                guard !parentheses, word.last == UInt8(ascii: "$") else { return .invalid }
                parentheses = true
            case UInt8(ascii: "\"") where !single && !parentheses:
                if double { started = true }
                double.toggle()
                return .more
            case UInt8(ascii: "'") where !double && !parentheses:
                if single { started = true }
                single.toggle()
                return .more
            case UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                if !quoted {
                    // The `2` of `2>` belongs to the redirection.
                    if byte == UInt8(ascii: ">"), let first = word.first, (0x30...0x39).contains(first) {
                        started = false
                    }
                    return .end
                }
            default: break
            }
            return add(byte)
        }

        mutating func finish() -> [String]? {
            if escaped || quoted { return nil }
            endWord()
            return words
        }

        private mutating func add(_ byte: UInt8) -> Step {
            started = true
            word.append(byte)
            return .more
        }

        private mutating func endWord() {
            guard started else { return }
            words.append(String(decoding: word, as: UTF8.self))
            word.removeAll(keepingCapacity: true)
            started = false
        }
    }
}
