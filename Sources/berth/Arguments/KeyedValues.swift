import Console

/// The values of an option that is given as `KEY=VALUE`; of a key that comes twice, the last.
struct KeyedValues {
    private(set) var values: [String: String] = [:]

    /// - Throws: `UsageFailure` for one without `=`.
    init(_ option: String, _ texts: [String]) throws {
        for text in texts {
            guard let place = text.firstIndex(of: "="), place != text.startIndex else {
                throw UsageFailure("\(option) \(text): there is no value", hint: "write \(option) KEY=VALUE")
            }
            values[String(text[..<place])] = String(text[text.index(after: place)...])
        }
    }

    /// A label may stand without a value.
    init(labels: [String]) {
        for text in labels {
            let place = text.firstIndex(of: "=") ?? text.endIndex
            values[String(text[..<place])] = String(text[place...].dropFirst())
        }
    }
}
