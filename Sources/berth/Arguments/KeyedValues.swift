import Console

/// The values of an option of the form `KEY=VALUE`; the last one of a repeated key counts.
struct KeyedValues {
    private(set) var values: [String: String] = [:]

    /// - Throws: `UsageFailure` for a value without `=`.
    init(_ option: String, _ texts: [String]) throws {
        for text in texts {
            guard let place = text.firstIndex(of: "="), place != text.startIndex else {
                throw UsageFailure("\(option) \(text): there is no value", hint: "write \(option) KEY=VALUE")
            }
            values[String(text[..<place])] = String(text[text.index(after: place)...])
        }
    }

    /// A label may have no value.
    init(labels: [String]) {
        for text in labels {
            let place = text.firstIndex(of: "=") ?? text.endIndex
            values[String(text[..<place])] = String(text[place...].dropFirst())
        }
    }
}
