import YAML

/// The parser directives at the start of a Dockerfile: `# escape=`, `# syntax=` and `# check=`.
package struct Directives: Hashable, Sendable {
    /// Escapes characters and continues lines: a backslash or a backtick.
    package var escape: Unicode.Scalar = "\\"
    /// The frontend that the file asks for, `docker/dockerfile:1`.
    package var syntax: PlacedText?
    package var check = CheckOptions()
    /// The line of the last directive; 0 without any.
    private(set) var lastLine = 0

    package init() {}

    /// Reads the directives of `source`. The first line that is not a directive ends them; a `#!` line may precede them.
    static func read(_ source: SourceLines, into findings: inout Findings) -> Directives {
        var directives = Directives()
        var seen: Set<String> = []
        for line in source.lines {
            if line.number == 1, line.scalars.starts(with: "#!".unicodeScalars) { continue }
            guard let (name, value) = parts(ofLine: line.placed) else { break }
            guard Name(rawValue: name) != nil else { break }
            directives.lastLine = line.number
            guard seen.insert(name).inserted else {
                findings.error(value, "duplicate directive '\(name)'", hint: "remove one of them")
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
                findings.error(value, "invalid escape character '\(value)'", hint: "use \\ or `")
                return
            }
            escape = value[0]
        case .check:
            do throws(CheckOptions.Failure) { check = try CheckOptions(value.text) } catch {
                findings.error(
                    value, "invalid directive 'check': \(error)",
                    hint: "use skip=NAME,NAME and error=true, separated by ;")
            }
        case .syntax, nil: syntax = value
        }
    }

    private static func parts(ofLine line: PlacedText) -> (String, PlacedText)? {
        let text = line.trimmed
        return text.hasPrefix("#") ? parts(of: text[1..<text.count].trimmed) : nil
    }

    /// The name, in lower case, and the value of a comment `name = value`, given without its `#`.
    static func parts(of comment: PlacedText) -> (String, PlacedText)? {
        guard let equals = comment.firstIndex(of: "=") else { return nil }
        let name = comment[0..<equals].trimmed
        let value = comment[equals + 1..<comment.count].trimmed
        guard let first = name.scalars.first, first.isASCIILetter, !value.isEmpty,
            name.scalars.allSatisfy({ $0.isASCIILetter || $0.isDigit })
        else { return nil }
        return (name.text.lowercased(), value)
    }
}

extension Unicode.Scalar {
    var isASCIILetter: Bool { (value | 0x20) >= 0x61 && (value | 0x20) <= 0x7A && value < 0x80 }
}
