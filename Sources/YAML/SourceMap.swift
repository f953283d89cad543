/// The files of one load, numbered, each with the reason why it was read.
package struct SourceMap: Sendable {
    package struct File: Sendable {
        /// The name for a person: an absolute path, or `-` for standard input.
        package let name: String
        package let bytes: [UInt8]
        /// The place that refers to it; nil for a file from the command line or from discovery.
        package let origin: Origin?
        /// The offset at which each line starts.
        fileprivate let lineStarts: [Int]

        fileprivate init(name: String, bytes: [UInt8], origin: Origin?) {
            self.name = name
            self.bytes = bytes
            self.origin = origin
            var starts = [0]
            for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") { starts.append(index + 1) }
            lineStarts = starts
        }
    }

    /// Why a file was read: the place that refers to it, and how ("included from", "extended from").
    package struct Origin: Sendable {
        package let reason: String
        package let span: Span

        package init(reason: String, span: Span) {
            self.reason = reason
            self.span = span
        }
    }

    package private(set) var files: [File] = []

    package init() {}

    /// Adds a file and returns its number.
    package mutating func add(name: String, bytes: [UInt8], origin: Origin? = nil) -> Int {
        files.append(File(name: name, bytes: bytes, origin: origin))
        return files.count - 1
    }

    /// The text of a line, without its line break; nil when there is no such file or line.
    package func line(_ line: Int, of file: Int) -> String? {
        guard files.indices.contains(file), line > 0 else { return nil }
        let (bytes, starts) = (files[file].bytes, files[file].lineStarts)
        guard line <= starts.count else { return nil }
        var start = starts[line - 1]
        var end = line < starts.count ? starts[line] - 1 : bytes.endIndex
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        if line == 1, bytes[start..<end].starts(with: [0xEF, 0xBB, 0xBF]) { start += 3 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// The line of a range, for rendering.
    package func line(of range: SourceRange) -> String? {
        guard let file = files.lastIndex(where: { $0.name == range.file }) else { return nil }
        return line(range.line, of: file)
    }

    /// The range to show: with the file's name, and at least one character long.
    package func range(_ span: Span) -> SourceRange? {
        guard files.indices.contains(Int(span.file)) else { return nil }
        var length = Int(span.length)
        if length == 0, let text = line(Int(span.line), of: Int(span.file)) {
            let rest = text.unicodeScalars.dropFirst(Int(span.column) - 1)
            length = rest.count - rest.reversed().prefix { $0 == " " || $0 == "\t" }.count
        }
        return SourceRange(
            file: files[Int(span.file)].name, line: Int(span.line), column: Int(span.column), length: max(1, length))
    }

    /// The part of `span` that contains `fragment`, or `span` itself if the line does not show it.
    ///
    /// Does not search very long lines or fragments.
    package func narrow(_ span: Span, to fragment: String) -> Span {
        guard fragment.utf8.count <= Self.searchLimit,
            length(ofLine: Int(span.line), of: Int(span.file)) <= Self.searchLimit
        else { return span }
        guard let text = line(Int(span.line), of: Int(span.file)), !fragment.isEmpty else { return span }
        let scalars = Array(text.unicodeScalars)
        let wanted = Array(fragment.unicodeScalars)
        var start = Int(span.column) - 1
        while start >= 0, start + wanted.count <= scalars.count {
            if scalars[start..<start + wanted.count].elementsEqual(wanted) {
                return Span(
                    file: Int(span.file), line: Int(span.line), column: start + 1, length: wanted.count)
            }
            start += 1
        }
        return span
    }

    /// The files that led to `span`'s file, innermost first.
    package func chain(of span: Span) -> [Diagnostic.Note] {
        var notes: [Diagnostic.Note] = []
        var file = Int(span.file)
        while files.indices.contains(file), let origin = files[file].origin, notes.count < 100 {
            notes.append(Diagnostic.Note(message: origin.reason, place: range(origin.span)))
            file = Int(origin.span.file)
        }
        return notes
    }

    private static let searchLimit = 4096

    /// The bytes of a line; 0 when there is no such line.
    private func length(ofLine line: Int, of file: Int) -> Int {
        guard files.indices.contains(file), line > 0 else { return 0 }
        let starts = files[file].lineStarts
        guard line <= starts.count else { return 0 }
        return (line < starts.count ? starts[line] : files[file].bytes.count) - starts[line - 1]
    }

    /// A diagnostic as text for a person, with its source line.
    package func render(_ diagnostic: Diagnostic, colour: Bool = false) -> String {
        diagnostic.render(over: diagnostic.place.flatMap(line(of:)), colour: colour)
    }
}
