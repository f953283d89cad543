/// The grammar of `.env`, `--env-file` and `env_file`: `KEY=value` lines with quotes, escapes, comments, interpolation.
package struct DotEnv {
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// From 1.
        package let line: Int
        package let message: String
        /// What to write instead.
        package let hint: String
        package var description: String { "line \(line): \(message)" }
    }

    private let scalars: [Unicode.Scalar]
    private let lookup: (String) -> String?
    private let unset: (String, Int) -> Void
    private var position = 0
    private var line = 1
    private var values: [String: String] = [:]

    /// The variables of a file in the dotenv grammar.
    ///
    /// A value may refer to variables: `lookup` comes first, then the keys above it in `earlier` and in the file.
    /// `unset` gets the name and line of a variable without a value.
    package static func parse(
        _ bytes: [UInt8], earlier: [String: String] = [:], lookup: @escaping (String) -> String?,
        unset: @escaping (String, Int) -> Void = { _, _ in }
    ) throws(Failure) -> [String: String] {
        try refuseNul(bytes)
        var parser = DotEnv(text(bytes), lookup: lookup, unset: unset)
        try parser.parse(earlier: earlier)
        return parser.values
    }

    /// The variables of a file as `docker run --env-file` reads it: no quotes, escapes or interpolation.
    package static func parseRaw(_ bytes: [UInt8], lookup: (String) -> String?) throws(Failure) -> [String: String] {
        try refuseNul(bytes)
        var values: [String: String] = [:]
        for (index, line) in text(bytes).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.drop { $0 == " " || $0 == "\t" }
            if line.isEmpty || line.first == "#" { continue }
            let key = line.prefix { $0 != "=" }
            if key.isEmpty {
                throw Failure(line: index + 1, message: "there is no name before '='", hint: "write NAME=VALUE")
            }
            if key.contains(where: \.isWhitespace) {
                throw Failure(
                    line: index + 1, message: "the name '\(key)' contains spaces", hint: advice(String(line)))
            }
            if key.endIndex == line.endIndex {
                if let value = lookup(String(key)) { values[String(key)] = value }
            } else {
                values[String(key)] = String(line[key.endIndex...].dropFirst())
            }
        }
        return values
    }

    /// What to write instead of a line with a space in the name.
    private static func advice(_ line: String) -> String {
        var line = line[...]
        for start in ["- ", "export ", "set ", "ENV "] where line.hasPrefix(start) {
            line = line.dropFirst(start.count)
            if line.prefix(while: { $0 != "=" && $0 != " " }).count < line.count, !line.hasPrefix("=") {
                return "write it without '\(start)': \(line.prefix(60))"
            }
        }
        let name = line.prefix { $0 != " " && $0 != "=" }
        let value = line.dropFirst(name.count).drop { $0 == " " || $0 == "=" }
        return "write \(name)=\(value.prefix(60)), without a space before the '='"
    }

    private static func refuseNul(_ bytes: [UInt8]) throws(Failure) {
        guard let index = bytes.firstIndex(of: 0) else { return }
        let line = bytes[..<index].count { $0 == UInt8(ascii: "\n") } + 1
        throw Failure(
            line: line, message: "a NUL character: no variable can hold one",
            hint: "save the file as UTF-8 text")
    }

    private static func text(_ bytes: [UInt8]) -> String {
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        for index in start..<max(start, bytes.count) {
            let isPair = bytes[index] == 0x0D && index + 1 < bytes.count && bytes[index + 1] == 0x0A
            if !isPair { plain.append(bytes[index]) }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    private init(
        _ text: String, lookup: @escaping (String) -> String?, unset: @escaping (String, Int) -> Void
    ) {
        scalars = Array(text.unicodeScalars)
        self.lookup = lookup
        self.unset = unset
    }

    private mutating func parse(earlier: [String: String]) throws(Failure) {
        while skipToStatement() {
            let start = position
            let (key, hasValue) = try key()
            if key.contains(" ") {
                let end = scalars[start...].firstIndex(of: "\n") ?? scalars.endIndex
                var text = String.UnicodeScalarView()
                text.append(contentsOf: scalars[start..<end])
                throw Failure(
                    line: line, message: "a key cannot contain a space: '\(key)'", hint: Self.advice(String(text)))
            }
            guard hasValue else {
                if let value = lookup(key) { values[key] = value }
                continue
            }
            let keyLine = line
            let value = try value(keyLine, earlier: earlier)
            if key.isEmpty, position == start { position += 1 }
            values[key] = value
        }
    }

    /// Skips spaces, empty lines and comments; false at the end.
    private mutating func skipToStatement() -> Bool {
        while position < scalars.count {
            let scalar = scalars[position]
            if scalar == "\n" {
                line += 1
            } else if scalar == "#" {
                while position < scalars.count, scalars[position] != "\n" { position += 1 }
                continue
            } else if !Self.isBlank(scalar) {
                return true
            }
            position += 1
        }
        return false
    }

    /// The key before `=`, `:` or the end of the line, and whether a value follows.
    private mutating func key() throws(Failure) -> (String, Bool) {
        let export = Array("export".unicodeScalars)
        if scalars[position...].starts(with: export), position + 6 < scalars.count,
            Self.isBlank(scalars[position + 6])
        {
            position += 6
            while position < scalars.count, Self.isBlank(scalars[position]) { position += 1 }
        }
        var key = ""
        var hasValue = false
        while position < scalars.count {
            let scalar = scalars[position]
            if scalar == "\n" { break }
            position += 1
            if scalar == "=" || scalar == ":" {
                hasValue = true
                break
            }
            let isPart =
                Self.isBlank(scalar) || "_.-[]".unicodeScalars.contains(scalar)
                || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            guard isPart else {
                throw Failure(
                    line: line, message: "unexpected character '\(scalar)' in a variable's name",
                    hint: "write NAME=VALUE; a name has letters, digits and '_'")
            }
            key.unicodeScalars.append(scalar)
        }
        while let last = key.unicodeScalars.last, Self.isBlank(last) { key.unicodeScalars.removeLast() }
        while hasValue, position < scalars.count, Self.isBlank(scalars[position]) { position += 1 }
        return (key, hasValue)
    }

    private mutating func value(_ line: Int, earlier: [String: String]) throws(Failure) -> String {
        guard position < scalars.count, scalars[position] == "\"" || scalars[position] == "'" else {
            var text = String.UnicodeScalarView()
            while position < scalars.count, scalars[position] != "\n" {
                if scalars[position] == "#", text.last == " " { break }
                text.append(scalars[position])
                position += 1
            }
            while position < scalars.count, scalars[position] != "\n" { position += 1 }
            while let last = text.last, Self.isBlank(last) { text.removeLast() }
            return try expand(String(text), line, earlier)
        }
        let quote = scalars[position]
        position += 1
        let text = try quoted(quote)
        return quote == "\"" ? try expand(Self.escapes(text), line, earlier) : text
    }

    /// The text up to the closing quote. Removes a `\` before a quote, and keeps it before anything else.
    private mutating func quoted(_ quote: Unicode.Scalar) throws(Failure) -> String {
        let start = line
        var text = String.UnicodeScalarView()
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            if scalar == "\n" { line += 1 }
            if scalar == quote { return String(text) }
            if scalar == "\\", position < scalars.count {
                if scalars[position] != quote { text.append("\\") }
                if scalars[position] == "\n" { line += 1 }
                text.append(scalars[position])
                position += 1
            } else {
                text.append(scalar)
            }
        }
        throw Failure(
            line: start, message: "a quote that is opened here is not closed", hint: "close it where the value ends")
    }

    private static func escapes(_ text: String) -> String {
        guard text.contains("\\") else { return text }
        let plain: [Unicode.Scalar: Unicode.Scalar] = [
            "a": "\u{07}", "b": "\u{08}", "f": "\u{0C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{0B}", "\\": "\\",
            "\"": "\"",
        ]
        var result = String.UnicodeScalarView()
        var rest = Substring(text).unicodeScalars
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let next = rest.first else {
                result.append(scalar)
                continue
            }
            if let replacement = plain[next] {
                rest.removeFirst()
                result.append(replacement)
            } else if next == "$" {
                rest.removeFirst()
                result.append(contentsOf: "$$".unicodeScalars)
            } else if next == "0" {
                let digits = rest.dropFirst().prefix(3).prefix { ("0"..."7").contains($0) }
                if digits.count == 3, let code = UInt32(String(digits), radix: 8), code != 0,
                    let value = Unicode.Scalar(code)
                {
                    rest.removeFirst(4)
                    result.append(value)
                } else {
                    result.append(scalar)
                }
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private func expand(_ text: String, _ line: Int, _ earlier: [String: String]) throws(Failure) -> String {
        do throws(Template.Failure) {
            return try Template.expand(text) {
                lookup($0) ?? values[$0] ?? earlier[$0]
            } unset: {
                unset($0.name, line)
            }
        } catch {
            switch error {
            case .invalid(let text):
                throw Failure(
                    line: line, message: "'\(text.prefix(80))' is not a valid substitution",
                    hint: "write ${NAME}, or put the value in single quotes if the $ belongs to it")
            case .required(let name, let message, _):
                throw Failure(
                    line: line, message: "the variable \(name) is required" + (message.isEmpty ? "" : ": \(message)"),
                    hint: "set it in the environment, or above in this file")
            }
        }
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\t", "\r", "\u{0B}", "\u{0C}", "\u{85}", "\u{A0}": true
        default: false
        }
    }
}
