import Engine
import Testing

/// What the engine reads from files and options.
@Suite struct ReadingTests {
    static let instants: [(String, Int64?)] = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000_000_000),
        ("2000-03-01T00:00:00.123456789Z", 951_868_800_123_456_789),
        ("1969-12-31T23:59:59Z", -1_000_000_000),
        ("2024-02-29 12:00:00Z", nil), ("2024-02-29T12:00:00", nil), ("2024-02-29T12:0x:00Z", nil), ("", nil),
        ("2024-02-29T12:00:00.Z", nil),
    ]

    @Test("an instant is read to the nanosecond, and nothing else is taken for one", arguments: instants)
    func timestamp(text: String, nanoseconds: Int64?) { #expect(Timestamp.parse(text) == nanoseconds) }

    static let sizes: [(String, Int64?)] = [
        ("100", 100), ("10m", 10 << 20), ("10M", 10 << 20), ("512k", 512 << 10), ("1g", 1 << 30), ("1gb", 1 << 30),
        ("1GiB", 1 << 30), ("1.5k", 1536), ("2t", 2 << 40), ("0", 0), ("", nil), ("m", nil), ("-1", nil),
        ("ten", nil), ("9000000t", nil), ("nan", nil), ("inf", nil),
    ]

    @Test("a size is a number with a unit of 1024s", arguments: sizes)
    func byteCount(text: String, bytes: Int64?) { #expect(ByteCount.parse(text) == bytes) }

    @Test("a log yields whole lines, marks cut ones, and skips damaged ones without losing its place")
    func log() {
        let lines = [
            #"{"log":"out\n","stream":"stdout","time":"1970-01-01T00:00:01Z"}"#,
            #"{"log":"err\r\n","stream":"stderr","time":"1970-01-01T00:00:02Z"}"#,
            #"{"log":"damaged"#,
            #"{"log":"half","stream":"stdout","time":"1970-01-01T00:00:03Z"}"#,
            #"{"log":"","stream":"stdout","time":"1970-01-01T00:00:04Z","lost":3}"#,
        ]
        let whole = Array((lines.joined(separator: "\n") + "\n").utf8)
        let (entries, used) = LogReader.parse((whole + Array(#"{"log":"not yet"#.utf8))[...])
        #expect(used == whole.count)
        #expect(entries.map(\.text) == ["out", "err", "half", ""])
        #expect(entries.map(\.time) == [1, 2, 3, 4].map { $0 * 1_000_000_000 })
        #expect(entries.map(\.isError) == [false, true, false, false])
        #expect(entries.map(\.isPartial) == [false, false, true, true])
        #expect(entries.map(\.lost) == [0, 0, 0, 3])
    }

    @Test("a slice of a log is read from where it begins")
    func logSlice() {
        let line = Array(#"{"log":"a\n","stream":"stdout","time":"1970-01-01T00:00:01Z"}"#.utf8) + [0x0A]
        let (entries, used) = LogReader.parse((line + line)[line.count...])
        #expect(entries.count == 1)
        #expect(used == line.count)
    }
}
