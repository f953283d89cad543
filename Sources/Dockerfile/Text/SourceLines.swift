import YAML

/// The lines of a Dockerfile as they are in the file.
package struct SourceLines: Sendable {
    package struct Line: Sendable {
        /// Counts from 1.
        package let number: Int
        /// Without the line break.
        package let scalars: [Unicode.Scalar]
        /// With the line break, as a heredoc keeps it.
        package let raw: String

        package var placed: PlacedText { PlacedText(scalars, line: number) }
    }

    /// The longest line, in bytes, its line break included.
    package static let longest = 65_535

    package let file: String
    package let lines: [Line]
    /// The first line that is longer than `longest`.
    package let tooLong: Int?

    /// Splits a file at its line feeds. Drops a byte order mark, and replaces invalid UTF-8 by U+FFFD.
    package init(file: String, bytes: [UInt8]) {
        self.file = file
        var lines: [Line] = []
        var tooLong: Int?
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while start < bytes.count {
            let next = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
            if next - start > Self.longest, tooLong == nil { tooLong = lines.count + 1 }
            let raw = String(decoding: bytes[start..<next], as: UTF8.self)
            var scalars = Array(raw.unicodeScalars)
            while let last = scalars.last, last == "\n" || last == "\r" { scalars.removeLast() }
            lines.append(Line(number: lines.count + 1, scalars: scalars, raw: raw))
            start = next
        }
        self.lines = lines
        self.tooLong = tooLong
    }

    /// The text of a line without its line break; nil if there is no such line.
    package func text(ofLine number: Int) -> String? {
        lines.indices.contains(number - 1) ? PlacedText.string(lines[number - 1].scalars) : nil
    }
}
