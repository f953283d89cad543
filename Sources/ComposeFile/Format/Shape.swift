/// The allowed forms of a value, and the meaning of its scalars.
///
/// In Compose the kind of a value decides its form (a string is the short form, a mapping the long one), so a shape has
/// at most one form for each kind.
package final class Shape: Sendable {
    /// The allowed scalars.
    package struct Scalars: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }
        package static let string = Scalars(rawValue: 1)
        package static let boolean = Scalars(rawValue: 2)
        package static let integer = Scalars(rawValue: 4)
        /// Fractions are allowed too.
        package static let number = Scalars(rawValue: 12)
        package static let null = Scalars(rawValue: 16)
    }

    /// The meaning of a scalar, which decides its canonical form.
    package enum Meaning: Sendable {
        case text
        case boolean
        /// `true`, `false` or other words, as text (`provenance`).
        case booleanOrText
        case integer
        case number
        /// Processor cores, as a single-precision number.
        case cores
        /// `64m`, `1.5g`; canonical: a decimal number of bytes, as text. -1 means no limit, unless the range forbids
        /// it.
        case bytes
        /// `1m30s`; canonical: Go's text of it.
        case duration
        /// The same, where Docker requires at least a millisecond.
        case probeDuration
        /// Octal permission bits; canonical: text with a leading 0.
        case fileMode
        /// Octal permission bits; canonical: the number.
        case modeBits
        /// A number of devices, or `all`; canonical: a number, -1 for all.
        case deviceCount
        case pullPolicy
        case restartPolicy
        case anything
    }

    /// How to convert a short form to the long one.
    package enum Short: Sendable {
        case none
        /// A string becomes a list of one; raw output keeps the string in some places.
        case listOfOne(keptRaw: Bool)
        /// `K=V` items become a mapping; a key alone gets null or the empty string.
        case keyValues(missing: Missing)
        /// A list of names becomes a mapping of nulls.
        case names
        case dependsOn
        case ports
        case volume
        case device
        case build
        /// The name of a secret or config.
        case fileReference
        case commandLine
        case healthTest
        case envFiles
        case extraHosts
        case ssh
        case gpus
        case external
        case optionList
        case extends
        case include
    }

    /// The meaning of a key without `=`.
    package enum Missing: Sendable {
        case null, empty, refused
    }

    package let scalars: Scalars
    package let meaning: Meaning
    /// The allowed strings; empty: any.
    package let allowed: [String]
    package let pattern: TextPattern?
    /// The form that a text needs in order to work; checked after interpolation.
    package let grammar: TextGrammar?
    package let range: ClosedRange<Int64>?
    package let items: Shape?
    package let uniqueItems: Bool
    /// For a mapping with free names: the shape of its values, and the allowed names.
    package let members: Shape?
    package let names: TextPattern?
    /// The form that such a name needs in order to work; checked like `grammar`.
    package let nameGrammar: TextGrammar?
    package let record: Record?
    package let short: Short
    /// Every string is valid.
    let takesAnyText: Bool
    /// A value of this shape may contain something that berth does not act on.
    let holdsUnacted: Bool

    package init(
        _ scalars: Scalars = [], meaning: Meaning = .text, allowed: [String] = [], pattern: TextPattern? = nil,
        grammar: TextGrammar? = nil, range: ClosedRange<Int64>? = nil, items: Shape? = nil, uniqueItems: Bool = false,
        members: Shape? = nil,
        names: TextPattern? = nil, nameGrammar: TextGrammar? = nil, record: Record? = nil, short: Short = .none
    ) {
        self.scalars = scalars
        self.meaning = meaning
        self.allowed = allowed
        self.pattern = pattern
        self.grammar = grammar
        self.range = range
        self.items = items
        self.uniqueItems = uniqueItems
        self.members = members
        self.names = names
        self.nameGrammar = nameGrammar
        self.record = record
        self.short = short
        takesAnyText = scalars.contains(.string) && allowed.isEmpty && pattern == nil
        let attributes = record?.attributes ?? []
        holdsUnacted =
            record?.isJudged ?? false || attributes.contains { $0.standing != .acted || $0.shape.holdsUnacted }
            || items?.holdsUnacted ?? false || members?.holdsUnacted ?? false
    }
}

extension Shape {
    package static let text = Shape(.string)
    package static let textOrNull = Shape([.string, .null])
    /// Text that may also be written as a number.
    package static let textOrNumber = Shape([.string, .number])
    package static let boolean = Shape([.boolean, .string], meaning: .boolean)
    package static let booleanOrText = Shape([.boolean, .string], meaning: .booleanOrText)
    package static let integer = Shape([.integer, .string], meaning: .integer)
    /// A whole number; a fraction is cut off.
    package static let wholeNumber = Shape([.number, .string], meaning: .integer)
    package static let number = Shape([.number, .string], meaning: .number)
    package static let cores = Shape([.number, .string], meaning: .cores, range: 0...Int64.max)
    package static let bytes = Shape([.number, .string], meaning: .bytes)
    /// A size that cannot be unlimited.
    package static let size = Shape([.number, .string], meaning: .bytes, range: 0...Int64.max)
    package static let duration = Shape(.string, meaning: .duration)
    package static let probeDuration = Shape(.string, meaning: .probeDuration)
    package static let fileMode = Shape([.number, .string], meaning: .fileMode)
    package static let anything = Shape([.string, .boolean, .number, .null], meaning: .anything)
    package static let texts = Shape(items: .text)
    package static let distinctTexts = Shape(items: .text, uniqueItems: true)
    package static let textOrTexts = Shape(.string, items: .text, short: .listOfOne(keptRaw: true))
    package static let textAsTexts = Shape(.string, items: .text, short: .listOfOne(keptRaw: false))
    static let scalarValue = Shape([.string, .number, .boolean, .null])
    static let textNumberOrNull = Shape([.string, .number, .null])
    /// `K=V` items or a mapping; a key without a value gets null.
    package static let variables = Shape(
        items: .text, members: scalarValue, names: .filled, short: .keyValues(missing: .null))
    /// `K=V` items or a mapping; a key without a value gets the empty string.
    package static let labels = Shape(
        items: .text, members: scalarValue, names: .filled, short: .keyValues(missing: .empty))
    /// `K=V` items or a mapping; every key needs a value.
    static let namedTexts = Shape(
        items: .text, members: scalarValue, names: .filled, short: .keyValues(missing: .refused))
    package static let driverOptions = Shape(members: .textOrNumber)
    package static let command = Shape([.string, .null], items: .text, short: .commandLine)
    package static let extraHosts = Shape(
        items: .text, uniqueItems: true, members: Shape(.string, items: .text), short: .extraHosts)
    package static let fileReferences = Shape(
        items: Shape(.string, record: Format.fileReference, short: .fileReference))
    package static let ulimits = Shape(
        members: Shape([.integer, .string], meaning: .integer, range: -1...Int64.max, record: Format.ulimit),
        nameGrammar: .resourceLimit)
    /// Like labels, with names of kernel parameters.
    static let parameters = Shape(
        items: .text, members: scalarValue, names: .filled, nameGrammar: .sysctl, short: .keyValues(missing: .empty))
    package static let deviceRequests = Shape(items: Shape(record: Format.deviceRequest))
    package static let hooks = Shape(items: Shape(record: Format.hook))

    package static func choice(_ allowed: String...) -> Shape { Shape(.string, allowed: allowed) }

    /// Text with a grammar.
    package static func text(_ grammar: TextGrammar) -> Shape { Shape(.string, grammar: grammar) }

    /// A list of texts with a grammar, without repeats.
    package static func distinctTexts(_ grammar: TextGrammar) -> Shape {
        Shape(items: .text(grammar), uniqueItems: true)
    }

    /// A list of texts with a grammar.
    package static func texts(_ grammar: TextGrammar) -> Shape { Shape(items: .text(grammar)) }

    package static func wholeNumber(in range: ClosedRange<Int64>) -> Shape {
        Shape([.number, .string], meaning: .integer, range: range)
    }

    package static func integer(in range: ClosedRange<Int64>) -> Shape {
        Shape([.integer, .string], meaning: .integer, range: range)
    }

    package static func list(of items: Record) -> Shape { Shape(items: Shape(record: items)) }

    package static func mapping(_ record: Record) -> Shape { Shape(record: record) }
}

/// The form of a text: a pattern for the JSON schema, and the same as a function.
package struct TextPattern: Sendable {
    package let regex: String
    /// In words, after "expected …".
    package let description: String
    package let matches: @Sendable (String) -> Bool

    /// Keys of services, networks, volumes and so on.
    package static let name = TextPattern(
        regex: "^[a-zA-Z0-9._-]+$", description: "a name of letters, digits, '.', '_' and '-'"
    ) { text in
        !text.isEmpty && text.utf8.allSatisfy(isNameByte)
    }

    /// Keys of labels and variables.
    package static let filled = TextPattern(regex: "^.+$", description: "a name that is not empty") { !$0.isEmpty }

    /// `container_name`: it must contain at least two characters of a name, as docker compose checks.
    package static let containerName = TextPattern(
        regex: "[a-zA-Z0-9][a-zA-Z0-9_.-]+",
        description: "a name of at least two letters, digits, '.', '_' and '-'"
    ) { text in
        let bytes = Array(text.utf8)
        return zip(bytes, bytes.dropFirst()).contains { first, second in
            isNameByte(first) && !"._-".utf8.contains(first) && isNameByte(second)
        }
    }

    /// A similar name that the pattern accepts.
    func advice(_ text: String) -> String {
        let parts = text.utf8.split { !Self.isNameByte($0) }.map { String(decoding: $0, as: UTF8.self) }
        let name = parts.joined(separator: "-")
        return name.isEmpty || !matches(name) ? "write \(description)" : "write \(name)"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
