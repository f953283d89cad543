import CYAML

/// libyaml's event interface for bytes in memory: reads one event at a time, with its place.
struct EventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    /// The last event. Callers convert its parts to Swift values only when needed, because most events have few parts.
    private var event = yaml_event_t()

    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias, scalar
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
    }

    struct Scalar {
        let text: String
        let isPlain: Bool
        /// The text contains a `$`.
        let hasDollar: Bool
        /// The text contains a NUL, for example from an escape in double quotes.
        let hasNul: Bool
        /// No null, boolean, number or date begins like this, so as a plain scalar it is text.
        let isSurelyText: Bool
    }

    struct Failure: Error, CustomStringConvertible {
        let message: String
        var description: String { message }
        /// From 0, as libyaml counts; nil when only the offset is known.
        let line: Int?
        let column: Int?
        /// In bytes, for text with an invalid encoding.
        let offset: Int?
        /// What libyaml was reading, and where that begins: "while parsing a flow sequence".
        var context: (what: String, line: Int, column: Int)?
    }

    init(_ bytes: [UInt8]) {
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: max(1, bytes.count))
        _ = input.initialize(from: bytes)
        yaml_parser_initialize(parser)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        var last = event
        yaml_event_delete(&last)
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// Reads the next event and frees the parts of the previous one.
    mutating func next() throws(Failure) -> Kind {
        yaml_event_delete(&event)
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        return switch event.type {
        case YAML_STREAM_START_EVENT: .streamStart
        case YAML_DOCUMENT_START_EVENT: .documentStart
        case YAML_DOCUMENT_END_EVENT: .documentEnd
        case YAML_ALIAS_EVENT: .alias
        case YAML_SCALAR_EVENT: .scalar
        case YAML_SEQUENCE_START_EVENT: .sequenceStart
        case YAML_SEQUENCE_END_EVENT: .sequenceEnd
        case YAML_MAPPING_START_EVENT: .mappingStart
        case YAML_MAPPING_END_EVENT: .mappingEnd
        default: .streamEnd
        }
    }

    /// Where the event starts and ends: lines and columns from 0.
    var start: yaml_mark_t { event.start_mark }
    var end: yaml_mark_t { event.end_mark }

    /// The event is an unquoted scalar.
    var isPlain: Bool { event.type == YAML_SCALAR_EVENT && event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE }

    /// The content of a scalar event.
    var scalar: Scalar {
        let scalar = event.data.scalar
        let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return Scalar(
            text: String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
            hasDollar: bytes.contains(UInt8(ascii: "$")),
            hasNul: scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && bytes.contains(0),
            isSurelyText: ScalarResolution.isSurelyText(bytes))
    }

    /// The name of the event's anchor, or of the anchor that an alias refers to.
    var anchor: String? {
        switch event.type {
        case YAML_ALIAS_EVENT: Self.text(event.data.alias.anchor)
        case YAML_SCALAR_EVENT: Self.text(event.data.scalar.anchor)
        case YAML_SEQUENCE_START_EVENT: Self.text(event.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT: Self.text(event.data.mapping_start.anchor)
        default: nil
        }
    }

    /// The event's tag, short or in full, as written.
    var tag: String? {
        switch event.type {
        case YAML_SCALAR_EVENT: Self.text(event.data.scalar.tag)
        case YAML_SEQUENCE_START_EVENT: Self.text(event.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT: Self.text(event.data.mapping_start.tag)
        default: nil
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(decodingCString: $0, as: UTF8.self) }
    }

    private func failure() -> Failure {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "the text is not YAML"
        if state.error == YAML_READER_ERROR {
            return Failure(message: problem, line: nil, column: nil, offset: Int(state.problem_offset))
        }
        let mark = state.problem_mark
        var failure = Failure(message: problem, line: Int(mark.line), column: Int(mark.column), offset: nil)
        if let context = state.context {
            let start = state.context_mark
            failure.context = (String(cString: context), Int(start.line), Int(start.column))
        }
        return failure
    }
}
