import EngineWire
import JSON

/// An output format for the records of a log.
package protocol LogForm: Sendable {
    /// `text` is the content of a JSON string, still escaped, without the end of the line.
    func append(text: ArraySlice<UInt8>, isError: Bool, isPartial: Bool, time: Int64, to output: inout [UInt8])
    /// Appends an event without text.
    func append(_ event: LogLine.Event, time: Int64, to output: inout [UInt8])
}

extension LogLine.Writer: LogForm {}

/// The text as the container wrote it. With frames, each piece has a header: one byte that names the stream, three zero
/// bytes, and four bytes of length.
package struct LogText: LogForm {
    /// Each piece has a frame. Without frames both streams are mixed.
    package var isFramed: Bool
    package var showsOutput: Bool
    package var showsErrors: Bool
    package var timestamps: Bool
    /// What stands before each line; see `LoggingPlan.details`.
    package var details: String?

    package init(
        isFramed: Bool, showsOutput: Bool = true, showsErrors: Bool = true,
        timestamps: Bool = false, details: String? = nil
    ) {
        self.details = details
        self.isFramed = isFramed
        self.showsOutput = showsOutput
        self.showsErrors = showsErrors
        self.timestamps = timestamps
    }

    package func append(
        text: ArraySlice<UInt8>, isError: Bool, isPartial: Bool, time: Int64, to output: inout [UInt8]
    ) {
        guard isError ? showsErrors : showsOutput else { return }
        let start = output.count
        if isFramed { output.append(contentsOf: [isError ? 2 : 1, 0, 0, 0, 0, 0, 0, 0]) }
        if timestamps { output.append(contentsOf: "\(Timestamp.text(time, digits: 9)) ".utf8) }
        if let details { output.append(contentsOf: "\(details) ".utf8) }
        appendUnescaped(text, to: &output)
        if !isPartial { output.append(0x0A) }
        guard isFramed else { return }
        let length = UInt32(output.count - start - 8)
        for index in 0..<4 { output[start + 4 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
    }

    package func append(_ event: LogLine.Event, time: Int64, to output: inout [UInt8]) {}
}

/// Appends the content of a JSON string with its escapes resolved.
private func appendUnescaped(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
    guard text.contains(UInt8(ascii: "\\")) else { return output.append(contentsOf: text) }
    let quoted = [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")]
    output.append(contentsOf: ((try? JSONValue(parsing: quoted))?.string ?? "").utf8)
}
