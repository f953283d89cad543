import JSON

/// One record of a log on disk (Docker's json-file lines). Its text stays as in the file: escaped for JSON.
struct LogRecord {
    /// Nanoseconds since 1970.
    var time: Int64
    /// Without the newline at the end of its line.
    var text: ArraySlice<UInt8>
    var isError: Bool
    /// The next record of the same stream continues this line, or the line has not ended yet.
    var isPartial: Bool
    var lost: Int

    /// nil for a damaged line, for example after a power failure.
    init?(parsing line: ArraySlice<UInt8>) {
        guard let record = Self.quick(line) ?? Self.slow(line) else { return nil }
        self = record
    }

    private init(time: Int64, untrimmed text: ArraySlice<UInt8>, isError: Bool, lost: Int) {
        self.time = time
        var text = text
        isPartial = !Self.drop(UInt8(ascii: "n"), from: &text)
        self.text = text
        self.isError = isError
        self.lost = lost
    }

    /// Parses exactly the form that the monitor and Docker write.
    private static func quick(_ line: ArraySlice<UInt8>) -> LogRecord? {
        line.withUnsafeBufferPointer { bytes -> LogRecord? in
            let beginning: StaticString = #"{"log":""#
            let start = beginning.utf8CodeUnitCount
            guard bytes.has(beginning, at: 0), let text = JSONStringScan(bytes, from: start), text.isPlainUTF8 else {
                return nil
            }
            let stream: StaticString = #"","stream":"stdout","time":""#
            let isError = bytes.has(#"","stream":"stderr","time":""#, at: text.end)
            guard isError || bytes.has(stream, at: text.end) else { return nil }
            let timeStart = text.end + stream.utf8CodeUnitCount
            guard bytes.has(#""}"#, at: bytes.count - 2), bytes.count - 2 > timeStart,
                let time = Timestamp.parse(UnsafeBufferPointer(rebasing: bytes[timeStart..<bytes.count - 2]))
            else { return nil }
            let inside = line[line.startIndex + start..<line.startIndex + text.end]
            return LogRecord(time: time, untrimmed: inside, isError: isError, lost: 0)
        }
    }

    private struct Line: Decodable {
        var log: String
        var stream: String
        var time: String
        var lost: Int?
    }

    private static func slow(_ line: ArraySlice<UInt8>) -> LogRecord? {
        guard let record = try? decodeJSON(Line.self, from: line), let time = Timestamp.parse(record.time) else {
            return nil
        }
        let quoted = JSONValue.string(record.log).serialized()
        return LogRecord(
            time: time, untrimmed: quoted.dropFirst().dropLast(), isError: record.stream == "stderr",
            lost: record.lost ?? 0)
    }

    /// Removes the escape `\kind` from the end; false when the text does not end with it.
    private static func drop(_ kind: UInt8, from text: inout ArraySlice<UInt8>) -> Bool {
        guard text.last == kind else { return false }
        let slashes = text.dropLast().reversed().prefix { $0 == UInt8(ascii: "\\") }.count
        guard slashes % 2 == 1 else { return false }
        text.removeLast(2)
        return true
    }
}

extension LogEntry {
    init(_ record: LogRecord) {
        let quoted = [UInt8(ascii: "\"")] + record.text + [UInt8(ascii: "\"")]
        let text = quoted.withUnsafeBufferPointer { bytes in
            JSONStringScan(bytes, from: 1).map { $0.unescaped(bytes) }
        }
        var line = text ?? (try? JSONValue(parsing: quoted))?.string ?? ""
        // A destination that gets each line as a message does not want the terminal's carriage return.
        if !record.isPartial, line.utf8.last == 0x0D { line.unicodeScalars.removeLast() }
        self.init(
            time: record.time, text: line, isError: record.isError, isPartial: record.isPartial, lost: record.lost)
    }
}
