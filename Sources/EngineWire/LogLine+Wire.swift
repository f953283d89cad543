import JSON

// A container may write a hundred thousand lines in a second, and twenty readers may follow it. So log text goes from
// the log on disk to the reader's terminal as bytes, in the same form as with `Codable`.

extension LogLine {
    /// Writes one container's lines in the form of the answer to a `LogRequest`.
    package struct Writer: Sendable {
        private let beginning: [UInt8]

        package init(container: String, label: String) {
            let names = [container, label].map { JSONValue.string($0).text() }
            beginning = Array(#"{"container":\#(names[0]),"label":\#(names[1]),"event":"#.utf8)
        }

        /// `text` is the content of a JSON string between its quotes.
        package func append(
            text: ArraySlice<UInt8>, isError: Bool, isPartial: Bool, time: Int64, to output: inout [UInt8]
        ) {
            output.append(contentsOf: beginning)
            output.append(contentsOf: #"{"text":{"_0":""#.utf8)
            output.append(contentsOf: text)
            output.append(contentsOf: isError ? #"","isError":true,"#.utf8 : #"","isError":false,"#.utf8)
            output.append(
                contentsOf: isPartial ? #""isPartial":true}},"time":"#.utf8 : #""isPartial":false}},"time":"#.utf8)
            output.append(contentsOf: "\(time)}\n".utf8)
        }

        /// Writes an event without text.
        package func append(_ event: Event, time: Int64, to output: inout [UInt8]) {
            guard let bytes = try? encodeJSON(event) else { return }
            output.append(contentsOf: beginning)
            output.append(contentsOf: bytes)
            output.append(contentsOf: #","time":\#(time)}"#.utf8)
            output.append(0x0A)
        }
    }

    /// Reads lines in `Writer`'s form quickly, and others by way of `Codable`.
    package struct Reader {
        /// The names in the previous line, and their bytes.
        private var last: (beginning: [UInt8], container: String, label: String)?

        package init() {}

        /// - Throws: `JSONError` or `DecodingError` for anything else.
        package mutating func line(from bytes: ArraySlice<UInt8>) throws -> LogLine {
            if let last, let line = Self.text(bytes, after: last.beginning.count, last) { return line }
            let line = try decodeJSON(LogLine.self, from: bytes)
            let names = [line.container, line.label].map { JSONValue.string($0).text() }
            let beginning = #"{"container":\#(names[0]),"label":\#(names[1]),"event":{"text":{"_0":""#
            last = (Array(beginning.utf8), line.container, line.label)
            return line
        }

        private static func text(
            _ bytes: ArraySlice<UInt8>, after start: Int, _ last: (beginning: [UInt8], container: String, label: String)
        ) -> LogLine? {
            guard bytes.starts(with: last.beginning) else { return nil }
            return bytes.withUnsafeBufferPointer { line -> LogLine? in
                guard let text = JSONStringScan(line, from: start), text.isPlainUTF8 else { return nil }
                var place = text.end
                func take(_ word: StaticString) -> Bool {
                    guard line.has(word, at: place) else { return false }
                    place += word.utf8CodeUnitCount
                    return true
                }
                func flag() -> Bool? { take("true") ? true : take("false") ? false : nil }
                guard take(#"","isError":"#), let isError = flag(), take(#","isPartial":"#), let isPartial = flag(),
                    take(#"}},"time":"#)
                else { return nil }
                var time: Int64 = 0
                while place < line.count, let digit = line.digit(at: place), place - text.end < 80 {
                    time = time &* 10 &+ Int64(digit)
                    place += 1
                }
                guard take("}"), place == line.count else { return nil }
                return LogLine(
                    container: last.container, label: last.label,
                    event: .text(text.unescaped(line), isError: isError, isPartial: isPartial), time: time)
            }
        }
    }
}
