import JSON

/// Arguments written as a JSON list of strings, `["a", "b"]`, or not.
enum ExecForm {
    case list([String])
    /// A JSON list with other items than strings.
    case mixedList
    /// No JSON list: the shell form. `looksLikeList` where it begins with a bracket.
    case none(looksLikeList: Bool)

    init(_ text: PlacedText) {
        guard text.trimmedLeft.hasPrefix("[") else {
            self = .none(looksLikeList: false)
            return
        }
        guard let value = try? JSONValue(parsing: Array(text.text.utf8)), case .array(let items) = value else {
            self = .none(looksLikeList: true)
            return
        }
        var strings: [String] = []
        for item in items {
            guard case .string(let string) = item else {
                self = .mixedList
                return
            }
            strings.append(string)
        }
        self = .list(strings)
    }
}
