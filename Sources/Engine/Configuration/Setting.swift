import JSON

/// One setting of the engine. The reader, the JSON schema and the documentation all use this declaration.
package struct Setting: Sendable {
    /// The name in the file. The flag is the same name after two dashes.
    package let name: String
    /// The environment variable.
    package let variable: String
    /// False for settings that `berth` also needs to find the engine, because only the engine reads the file.
    package let isInFile: Bool
    /// Its purpose, in one sentence.
    package let documentation: String
    /// A value as written in the file.
    package let example: JSONValue
    /// The default in words, for a value that is too long to show.
    private let defaultInWords: String?

    let schema: JSONValue
    private let defaultValue: JSONValue
    private let value: @Sendable (EngineSettings) -> JSONValue
    private let readJSON: @Sendable (JSONValue, inout EngineSettings) throws(SettingFailure) -> Void
    private let readText: @Sendable (String, inout EngineSettings) throws(SettingFailure) -> Void

    init<Value: Sendable>(
        _ name: String, variable: String, _ place: any WritableKeyPath<EngineSettings, Value> & Sendable,
        _ form: SettingForm<Value>, isInFile: Bool = true, default words: String? = nil, example: JSONValue,
        _ documentation: String
    ) {
        self.name = name
        self.variable = variable
        self.isInFile = isInFile
        self.documentation = documentation
        self.example = example
        defaultInWords = words
        schema = form.schema
        defaultValue = form.written(EngineSettings()[keyPath: place])
        value = { form.written($0[keyPath: place]) }
        readJSON = { (value, settings) throws(SettingFailure) in settings[keyPath: place] = try form.read(value) }
        readText = { (text, settings) throws(SettingFailure) in settings[keyPath: place] = try form.parse(text) }
    }

    /// Applies a value from the file.
    func apply(_ value: JSONValue, to settings: inout EngineSettings) throws(SettingFailure) {
        try readJSON(value, &settings)
    }

    /// Applies the text of a variable or a flag.
    func apply(text: String, to settings: inout EngineSettings) throws(SettingFailure) { try readText(text, &settings) }

    /// The names of the settings in which the two differ.
    package static func names(differing one: EngineSettings, _ other: EngineSettings) -> [String] {
        all.filter { $0.value(one) != $0.value(other) }.map(\.name)
    }

    /// The default as text for a person.
    package var defaultText: String {
        if let defaultInWords { return defaultInWords }
        switch defaultValue {
        case .array(let values) where values.isEmpty: return "none"
        case .string(let text): return text
        default: return defaultValue.text()
        }
    }

    /// The default as written in a file; nil if words describe it.
    var defaultJSON: JSONValue? { defaultInWords == nil ? defaultValue : nil }
}

/// A value that a setting does not accept.
struct SettingFailure: Error, CustomStringConvertible {
    /// The position in the value: `pools[1].size` is `[.index(1), .key("size")]`.
    var path: [JSONStep] = []
    let expected: String
    let found: String
    var description: String { "expected \(expected), found \(found)" }
}
