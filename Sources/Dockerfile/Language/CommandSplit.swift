/// The parts of an instruction: keyword, flags, arguments.
struct CommandSplit {
    let keyword: PlacedText
    /// `--name=value`, without quotes and escapes, and without a `--` that ends the flags.
    private(set) var flags: [PlacedText] = []
    /// The rest, without blanks at its ends.
    private(set) var arguments: PlacedText

    init(_ line: PlacedText, escape: Unicode.Scalar) {
        let parts = line.trimmed.split(limit: 2)
        keyword = parts[0]
        arguments = parts.count > 1 ? parts[1] : PlacedText(at: parts[0].end)
        takeFlags(escape: escape)
    }

    private mutating func takeFlags(escape: Unicode.Scalar) {
        let text = arguments
        var index = 0
        while true {
            while index < text.count, text[index].isBlank { index += 1 }
            guard index + 1 < text.count, text[index] == "-", text[index + 1] == "-" else { break }
            let (word, next) = Self.flag(in: text, from: index, escape: escape)
            index = next
            if word.text == "--" { break }
            flags.append(word)
        }
        arguments = text[index..<text.count].trimmed
    }

    /// The word that begins at `start`, and its end.
    private static func flag(in text: PlacedText, from start: Int, escape: Unicode.Scalar) -> (PlacedText, Int) {
        var word = PlacedText(at: text.place(at: start))
        var quote: Unicode.Scalar?
        var index = start
        while index < text.count {
            let scalar = text[index]
            if let open = quote, scalar == open {
                quote = nil
            } else if quote == nil, scalar.isBlank {
                break
            } else if quote == nil, scalar == "'" || scalar == "\"" {
                quote = scalar
            } else if scalar == escape {
                index += 1
                if index < text.count { word.append(index, of: text) }
            } else {
                word.append(index, of: text)
            }
            index += 1
        }
        return (word, index)
    }
}

/// Splits the arguments of ENV, LABEL and ARG into words; quotes and escapes stay in them for expansion.
struct WordSplit {
    let words: [PlacedText]

    init(_ text: PlacedText, escape: Unicode.Scalar) {
        var words: [PlacedText] = []
        var index = 0
        while index < text.count {
            if text[index].isBlank {
                index += 1
                continue
            }
            var word = PlacedText(at: text.place(at: index))
            var quote: Unicode.Scalar?
            while index < text.count {
                let scalar = text[index]
                if quote == nil, scalar.isBlank { break }
                if scalar == escape, quote != "'" {
                    // An escape character at the end has no effect.
                    if index + 1 < text.count {
                        word.append(index, of: text)
                        word.append(index + 1, of: text)
                    }
                    index += 2
                    continue
                }
                if let open = quote {
                    if scalar == open { quote = nil }
                } else if scalar == "'" || scalar == "\"" {
                    quote = scalar
                }
                word.append(index, of: text)
                index += 1
            }
            if !word.isEmpty { words.append(word) }
        }
        self.words = words
    }
}
