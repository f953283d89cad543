/// The place of a node in one of the files of a load.
///
/// Line and column count from 1, in Unicode scalars, as libyaml counts; `length` 0 means to the end of the line.
package struct Span: Hashable, Sendable {
    /// The number of the file in its `SourceMap`; negative for a value that is in no file.
    package var file: Int32
    package var line: Int32
    package var column: Int32
    package var length: Int32

    package init(file: Int, line: Int, column: Int, length: Int = 0) {
        self.file = Int32(clamping: file)
        self.line = Int32(clamping: line)
        self.column = Int32(clamping: column)
        self.length = Int32(clamping: length)
    }

    /// Its first character, without its length.
    package var start: Span { Span(file: Int(file), line: Int(line), column: Int(column)) }

    /// It begins before `other` in the same file.
    func isBefore(_ other: Span) -> Bool { (line, column) < (other.line, other.column) }

    /// The place of a value that is in no file.
    package static let none = Span(file: -1, line: 0, column: 0)
}
