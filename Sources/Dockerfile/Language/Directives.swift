import YAML

/// The parser directives at the start of a Dockerfile: `# escape=\``, `# syntax=…`, `# check=…`.
package struct Directives: Hashable, Sendable {
    /// What `# check=` asks of the linter.
    package struct Check: Hashable, Sendable {
        /// Names of checks that are left out, in lower case.
        package var skipped: Set<String> = []
        package var skipsAll = false
        /// A finding fails the build.
        package var isError = false

        package init() {}
    }

    /// Escapes characters and continues lines: a backslash or a backtick.
    package var escape: Unicode.Scalar = "\\"
    /// The frontend that the file asks for, `docker/dockerfile:1`.
    package var syntax: PlacedText?
    package var check = Check()

    package init() {}

    /// Reads the directives of `source` and returns them with the number of lines they take.
    ///
    /// The first line that is no directive ends them; a `#!` line before them is skipped.
    static func read(_ source: SourceLines, into findings: inout Findings) -> Directives {
        var directives = Directives()
        var seen: Set<String> = []
        for line in source.lines {
            if line.number == 1, line.scalars.starts(with: "#!".unicodeScalars) { continue }
            guard let (name, value) = parts(of: line.placed) else { break }
            guard Name(rawValue: name) != nil else { break }
            guard seen.insert(name).inserted else {
                findings.error(value, "the directive '\(name)' stands here a second time", hint: "remove one of them")
                continue
            }
            directives.take(name, value, into: &findings)
        }
        return directives
    }

    private enum Name: String { case syntax, escape, check }

    private mutating func take(_ name: String, _ value: PlacedText, into findings: inout Findings) {
        switch Name(rawValue: name) {
        case .escape:
            guard value.count == 1, value[0] == "\\" || value[0] == "`" else {
                findings.error(value, "'\(value)' is no escape character", hint: "use \\ or `")
                return
            }
            escape = value[0]
        case .check: takeCheck(value, into: &findings)
        case .syntax, nil: syntax = value
        }
    }

    private mutating func takeCheck(_ value: PlacedText, into findings: inout Findings) {
        for option in value.text.split(separator: ";") {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].filter { !$0.isWhitespace }.lowercased()
            let setting = parts.count > 1 ? String(parts[1]) : ""
            switch name {
            case "skip":
                let names = setting.split(separator: ",").map { $0.filter { !$0.isWhitespace }.lowercased() }
                check.skipsAll = names.contains("all")
                check.skipped.formUnion(names)
            case "error": check.isError = setting.filter { !$0.isWhitespace }.lowercased() == "true"
            case "experimental": break
            default:
                findings.error(
                    value, "'\(name)' is no option of the directive 'check'", hint: "use skip=… or error=true")
            }
        }
    }

    /// `# name = value`: the name in lower case.
    private static func parts(of line: PlacedText) -> (String, PlacedText)? {
        let text = line.trimmed
        guard text.hasPrefix("#") else { return nil }
        let rest = text[1..<text.count].trimmed
        guard let equals = rest.firstIndex(of: "=") else { return nil }
        let name = rest[0..<equals].trimmed
        let value = rest[equals + 1..<rest.count].trimmed
        guard let first = name.scalars.first, first.isASCIILetter, !value.isEmpty,
            name.scalars.allSatisfy({ $0.isASCIILetter || $0.isDigit })
        else { return nil }
        return (name.text.lowercased(), value)
    }
}

extension Unicode.Scalar {
    var isASCIILetter: Bool { (value | 0x20) >= 0x61 && (value | 0x20) <= 0x7A && value < 0x80 }
}
