/// The words of a command line; the parser of each verb takes them one by one.
struct Arguments {
    /// The command line is wrong: the program exits with 2.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var words: ArraySlice<String>
    /// The flag that was just taken, for messages.
    private var flag = ""
    /// Its value after `=`.
    private var attached: String?
    /// The remaining letters of `-it`.
    private var cluster: Substring = ""

    init(_ words: ArraySlice<String>) { self.words = words }

    /// The next flag, with its dashes and without its value; nil at the first word that is not a flag. Skips `--`.
    mutating func nextFlag() throws -> String? {
        if attached != nil { throw Problem(description: "\(flag) takes no value") }
        if let letter = cluster.popFirst() { return take("-\(letter)") }
        guard let word = words.first, word.hasPrefix("-"), word != "-" else { return nil }
        words.removeFirst()
        if word == "--" { return nil }
        guard word.hasPrefix("--") else {
            cluster = word.dropFirst()
            return cluster.popFirst().map { take("-\($0)") }
        }
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { attached = String(parts[1]) }
        return take(String(parts[0]))
    }

    private mutating func take(_ name: String) -> String {
        flag = name
        return name
    }

    /// The value of the flag that was just taken: after `=`, the rest of a short flag, or the next word.
    mutating func value() throws -> String {
        if let value = attached {
            attached = nil
            return value
        }
        if !cluster.isEmpty {
            defer { cluster = "" }
            return String(cluster.first == "=" ? cluster.dropFirst() : cluster)
        }
        guard let word = words.popFirst() else { throw Problem(description: "\(flag) needs a value") }
        return word
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let text = try value()
        guard let number = Number(text) else { throw Problem(description: "\(flag): \"\(text)\" is not a number") }
        return number
    }

    /// The next word that is not a flag.
    mutating func positional(_ what: String) throws -> String {
        guard let word = words.popFirst() else { throw Problem(description: "\(what) is missing") }
        return word
    }

    func end() throws {
        if let extra = words.first { throw Problem(description: "unexpected argument \"\(extra)\"") }
    }

    static func unknown(_ flag: String) -> Problem { Problem(description: "unknown flag \(flag)") }
}
