import CYAML

/// libyaml's event interface over bytes in memory: one event at a time, with its places.
struct EventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// What libyaml says, in Swift's terms.
    enum Event {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias(anchor: String)
        case scalar(text: String, anchor: String?, tag: String?, style: Style)
        case sequenceStart(anchor: String?, tag: String?)
        case sequenceEnd
        case mappingStart(anchor: String?, tag: String?)
        case mappingEnd
    }

    /// How a scalar is written.
    struct Style {
        let isPlain: Bool
        /// There is a `$` in it.
        let hasDollar: Bool
    }

    struct Failure: Error {
        let message: String
        /// From 0, as libyaml counts; nil when only the offset is known.
        let line: Int?
        let column: Int?
        /// In bytes, where the text is not valid.
        let offset: Int?
        /// What was being read, and where that begins: "while parsing a flow sequence".
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
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event with where it starts and ends (lines and columns from 0).
    mutating func next() throws(Failure) -> (Event, start: yaml_mark_t, end: yaml_mark_t) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        let result = Self.translate(event)
        let (start, end) = (event.start_mark, event.end_mark)
        yaml_event_delete(&event)
        return (result, start, end)
    }

    private static func translate(_ event: yaml_event_t) -> Event {
        switch event.type {
        case YAML_STREAM_START_EVENT: .streamStart
        case YAML_DOCUMENT_START_EVENT: .documentStart
        case YAML_DOCUMENT_END_EVENT: .documentEnd
        case YAML_ALIAS_EVENT: .alias(anchor: text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT: scalar(event)
        case YAML_SEQUENCE_START_EVENT:
            .sequenceStart(
                anchor: text(event.data.sequence_start.anchor), tag: text(event.data.sequence_start.tag))
        case YAML_SEQUENCE_END_EVENT: .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            .mappingStart(anchor: text(event.data.mapping_start.anchor), tag: text(event.data.mapping_start.tag))
        case YAML_MAPPING_END_EVENT: .mappingEnd
        default: .streamEnd
        }
    }

    private static func scalar(_ event: yaml_event_t) -> Event {
        let scalar = event.data.scalar
        let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        let style = Style(
            isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, hasDollar: bytes.contains(UInt8(ascii: "$")))
        return .scalar(
            text: String(decoding: bytes, as: UTF8.self), anchor: text(scalar.anchor), tag: text(scalar.tag),
            style: style)
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
