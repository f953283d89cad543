/// A range within one line of a named file; line and column count from 1, in characters (Unicode scalars).
package struct SourceRange: Hashable, Sendable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var column: Int
    /// At least 1.
    package var length: Int

    package init(file: String, line: Int, column: Int, length: Int) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
    }

    package var description: String { "\(file):\(line):\(column)" }
}

/// A problem in a file: what is wrong, where, and what to do about it.
package struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Hashable, Sendable {
        case error, warning
    }

    /// Another place related to it: the first of two duplicates, the file that includes this one.
    package struct Note: Hashable, Sendable {
        package var message: String
        package var place: SourceRange?

        package init(message: String, place: SourceRange?) {
            self.message = message
            self.place = place
        }
    }

    package var severity: Severity
    /// nil when it is about no file: none was found, or one could not be read.
    package var place: SourceRange?
    package var message: String
    /// What to do about it, as an instruction.
    package var hint: String?
    /// `services.web.ports[1]`; nil without an attribute.
    package var path: String?
    package var notes: [Note]
    /// The file was not read from here on, so later diagnostics about it may only follow from this one.
    package var endsReading = false

    package var description: String { message }

    package init(
        _ severity: Severity, at place: SourceRange?, _ message: String, hint: String? = nil, path: String? = nil,
        notes: [Note] = []
    ) {
        self.severity = severity
        self.place = place
        self.message = message
        self.hint = hint
        self.path = path
        self.notes = notes
    }
}

extension Diagnostic {
    /// The widest part of a source line to show.
    private static let window = 160

    /// The diagnostic as several lines of text: place and message, the source line with a caret under the span, the
    /// attribute's path, hint, notes.
    ///
    /// `line` is the source line; nil leaves it out.
    package func render(over line: String?, colour: Bool = false) -> String {
        let paint = Paint(on: colour)
        let tone = severity == .error ? Paint.red : Paint.yellow
        var text = ""
        if let place { text += "\(place): " }
        text += paint("\(severity.rawValue):", tone) + " " + message
        if let place, let line { text += "\n" + excerpt(of: line, at: place, paint, tone) }
        if let path {
            text += "\n  " + paint("path:", Paint.cyan) + " " + path
        }
        if let hint { text += "\n  " + paint("hint:", Paint.cyan) + " " + hint }
        for note in notes {
            let place = note.place.map { "\($0): " } ?? ""
            text += "\n  \(place)" + paint("note:", Paint.cyan) + " " + note.message
        }
        return text
    }

    private func excerpt(of line: String, at place: SourceRange, _ paint: Paint, _ tone: String) -> String {
        let scalars = Array(line.unicodeScalars)
        let start = max(0, min(place.column - 1, scalars.count))
        let from = start > Self.window / 2 ? start - Self.window / 2 : 0
        let to = min(scalars.count, from + Self.window)
        var shown = ""
        var indent = ""
        for (index, scalar) in scalars[from..<to].enumerated() {
            let printable = scalar == "\t" || scalar.value >= 0x20 && scalar.value != 0x7F
            shown.unicodeScalars.append(printable ? scalar : "\u{FFFD}")
            if from + index < start { indent.unicodeScalars.append(scalar == "\t" ? "\t" : " ") }
        }
        let length = max(1, min(place.length, to - start))
        let number = "\(place.line)"
        let margin = String(repeating: " ", count: number.utf8.count)
        let carets = paint(String(repeating: "^", count: length), tone)
        return "\(paint("\(number) |", Paint.blue)) \(shown)\n\(paint("\(margin) |", Paint.blue)) \(indent)\(carets)"
    }
}

/// Wraps text in terminal colours if they are on.
private struct Paint {
    static let red = "1;31"
    static let yellow = "1;33"
    static let cyan = "36"
    static let blue = "34"

    let on: Bool

    func callAsFunction(_ text: String, _ code: String) -> String {
        on ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

extension Diagnostic {
    /// The order of output: warnings before errors, so that the most important comes last; among errors, those that
    /// stopped the reading of a file first; then those about no file; then by file, line and column.
    ///
    /// `rank` gives the order in which files were read.
    package static func sorted(_ diagnostics: [Diagnostic], rank: [String: Int]) -> [Diagnostic] {
        func key(_ diagnostic: Diagnostic) -> (Int, Int, Int, Int) {
            let group = diagnostic.severity == .warning ? 0 : diagnostic.endsReading ? 1 : 2
            guard let place = diagnostic.place else { return (group, -1, 0, 0) }
            return (group, rank[place.file] ?? Int.max, place.line, place.column)
        }
        // Several paths may lead to the same mistake: another include, another service that extends it.
        var seen: Set<Diagnostic> = []
        let distinct = diagnostics.filter { diagnostic in
            var bare = diagnostic
            bare.notes = []
            bare.path = nil
            return seen.insert(bare).inserted
        }
        return distinct.enumerated().sorted {
            let (left, right) = (key($0.element), key($1.element))
            return left == right ? $0.offset < $1.offset : left < right
        }.map(\.element)
    }
}
