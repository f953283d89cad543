import Engine
import EngineWire
import Glibc
import JSON
import Linux
import Testing

/// Logs on disk, read from the beginning, from the end and between instants, and merged.
@Suite struct LogCursorTests {
    /// A record as a test writes it, and as a reader should find it.
    private struct Record: Hashable {
        var text: String
        var isError = false
        var isPartial = false
        var time: Int64
    }

    private let folder: String

    init() throws {
        folder = "/tmp/berth-cursor-\(getpid())-\(UInt32.random(in: .min ... .max))"
        try makeFolders(folder)
    }

    private func path(_ name: String) -> String { "\(folder)/\(name).json" }

    private func bytes(_ record: Record) -> [UInt8] {
        let log = JSONValue.string(record.text + (record.isPartial ? "" : "\n")).text()
        let time = Timestamp.text(record.time, digits: 9)
        return Array(#"{"log":\#(log),"stream":"\#(record.isError ? "stderr" : "stdout")","time":"\#(time)"}"#.utf8)
            + [0x0A]
    }

    private func append(_ records: [Record], to name: String) throws {
        let file = try openFile(path(name), O_WRONLY | O_CREAT | O_APPEND)
        try file.write(records.flatMap(bytes))
    }

    private func rotate(_ name: String) {
        for number in stride(from: 8, through: 1, by: -1) {
            rename("\(path(name)).\(number)", "\(path(name)).\(number + 1)")
        }
        rename(path(name), "\(path(name)).1")
    }

    private func lines(_ bytes: [UInt8]) throws -> [LogLine] {
        var reader = LogLine.Reader()
        return try bytes.split(separator: 0x0A).map { try reader.line(from: $0) }
    }

    /// All that there is, taken in small pieces.
    private func read(_ merge: LogMerge) throws -> [LogLine] {
        var all: [LogLine] = []
        while true {
            let bytes = merge.batch(limit: 700)
            if bytes.isEmpty { return all }
            all += try lines(bytes)
        }
    }

    private func read(_ name: String, _ range: LogCursor.Range) throws -> [Record] {
        let merge = LogMerge()
        merge.add(name, container: "c", label: "c", path: path(name), range)
        return try read(merge).compactMap(Self.record)
    }

    private static func record(_ line: LogLine) -> Record? {
        guard case .text(let text, let isError, let isPartial) = line.event else { return nil }
        return Record(text: text, isError: isError, isPartial: isPartial, time: line.time)
    }

    /// What `range` means, found the slow way.
    private func expected(_ records: [Record], _ range: LogCursor.Range) -> [Record] {
        let inTime = records.filter { $0.time >= range.since ?? .min && $0.time <= range.until ?? .max }
        guard let tail = range.tail else { return inTime }
        var lines: [[Int]] = []
        var open: [Bool: [Int]] = [:]
        for (index, record) in inTime.enumerated() {
            let line = (open.removeValue(forKey: record.isError) ?? []) + [index]
            if record.isPartial { open[record.isError] = line } else { lines.append(line) }
        }
        lines += open.values
        let chosen = lines.sorted { ($0.last ?? 0) < ($1.last ?? 0) }.suffix(tail).joined()
        return Set(chosen).sorted().map { inTime[$0] }
    }

    /// Numbers that are the same in every run.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33 | state << 31
        }
    }

    private static let words = [
        "", "plain", "tab\tand \"quotes\" \\", "\u{1B}[31mred\u{1B}[0m", "größe 🚢", "a\u{0}b", "ends\r",
    ]

    @Test("any part of a log is what the slow way finds, through rotations and lines in pieces", arguments: 0..<6)
    func parts(seed: Int) throws {
        defer { try? removeTree(folder) }
        var dice = Dice(state: UInt64(seed))
        var records: [Record] = []
        for number in 0..<Int.random(in: 0...400, using: &dice) {
            let word = Self.words.randomElement(using: &dice) ?? ""
            let long = String(repeating: "x", count: [0, 0, 0, 900, 16_384].randomElement(using: &dice) ?? 0)
            let isPartial = Int.random(in: 0..<5, using: &dice) == 0
            let record = Record(
                text: "\(number) \(word)\(long)", isError: Int.random(in: 0..<4, using: &dice) == 0,
                isPartial: isPartial, time: Int64(number / 3) * 1_000_000_007)
            if Int.random(in: 0..<90, using: &dice) == 0 { rotate("log") }
            try append([record], to: "log")
            records.append(record)
        }
        let last = records.last?.time ?? 0
        for tail in [nil, 0, 1, 2, 7, 50, 1000] {
            for since in [nil, 0, last / 2, last, last + 1] {
                for until in [nil, last, last / 2 + 5, last / 3, -1] {
                    let range = LogCursor.Range(tail: tail, since: since, until: until)
                    #expect(try read("log", range) == expected(records, range), "\(range)")
                }
            }
        }
    }

    @Test("what is no record is passed over, wherever one looks from")
    func damage() throws {
        defer { try? removeTree(folder) }
        let good = (0..<6).map { Record(text: "line \($0)", time: Int64($0) * 1_000_000_000) }
        let file = try openFile(path("log"), O_WRONLY | O_CREAT)
        let junk: [[UInt8]] = [
            [], Array("{\"log\":\n".utf8), [UInt8](repeating: 0, count: 70_000) + [0x0A],
            [UInt8](repeating: 0x61, count: 3 << 20) + [0x0A], [0x7B, 0xFF, 0x0A], [0x0A, 0x0A],
        ]
        for (record, junk) in zip(good, junk) { try file.write(junk + bytes(record)) }
        try file.write(bytes(Record(text: "half", time: 9)).dropLast(20))
        #expect(try read("log", .init()) == good)
        #expect(try read("log", .init(tail: 4)) == good.suffix(4))
        #expect(try read("log", .init(since: 2_000_000_000)) == good.suffix(4))
    }

    @Test("a follower misses nothing through rotations, and is told of what was gone before it came")
    func following() throws {
        defer { try? removeTree(folder) }
        let merge = LogMerge()
        merge.add("a", container: "c", label: "c", path: path("log"), .init(tail: 1, follows: true))
        #expect(try read(merge).isEmpty)
        var number: Int64 = 0
        func next() -> Record {
            number += 1
            return Record(text: "\(number)", time: number)
        }
        for rotations in [0, 1, 2, 3, 0] {
            var written: [Record] = []
            for round in 0...rotations {
                if round > 0 { rotate("log") }
                written += [next(), next()]
                try append(written.suffix(2), to: "log")
            }
            merge.touch("a")
            #expect(try read(merge).compactMap(Self.record) == written)
        }
        truncate(path("log"), 0)
        let fresh = next()
        try append([fresh], to: "log")
        merge.touch("a")
        let after = try read(merge)
        #expect(after.first?.event == .lost(0) && after.compactMap(Self.record) == [fresh])
    }

    @Test("what was said last is read although the log was removed with its container")
    func removed() throws {
        let merge = LogMerge()
        try append([Record(text: "first", time: 1)], to: "log")
        merge.add("a", container: "c", label: "c", path: path("log"), .init(follows: true))
        #expect(try read(merge).count == 1)
        try append([Record(text: "last", time: 2)], to: "log")
        try removeTree(folder)
        merge.tell(.exited(code: 0, willRestart: false), time: 3, of: "a")
        merge.close("a")
        let rest = try read(merge)
        #expect(rest.first.flatMap(Self.record)?.text == "last")
        #expect(rest.last?.event == .exited(code: 0, willRestart: false))
    }

    @Test("several logs come in the order of time, ends among them, and pieces of a line stay together")
    func merging() throws {
        defer { try? removeTree(folder) }
        try append([1, 4, 9].map { Record(text: "a\($0)", time: $0) }, to: "a")
        let pieces = [2, 6].map { Record(text: "b\($0)", isPartial: $0 == 2, time: $0) }
        try append(pieces + [Record(text: "b10", time: 10)], to: "b")
        try append([3, 5].map { Record(text: "c\($0)", time: $0) }, to: "c")
        let merge = LogMerge()
        for name in ["a", "b", "c"] {
            merge.add(name, container: name, label: name, path: path(name), .init(follows: true))
        }
        merge.tell(.exited(code: 7, willRestart: true), time: 7, of: "c")
        let texts = try read(merge).map { Self.record($0)?.text ?? "end of \($0.container)" }
        #expect(texts == ["a1", "b2", "b6", "c3", "a4", "c5", "end of c", "a9", "b10"])
    }

    @Test("a reader of all of a log ends, although its container goes on to write")
    func busyWriter() throws {
        defer { try? removeTree(folder) }
        let before = (0..<100).map { Record(text: "\($0)", time: $0) }
        try append(before, to: "log")
        let merge = LogMerge()
        merge.add("a", container: "c", label: "c", path: path("log"), .init())
        var found: [Record] = []
        for round in 0..<1000 {
            try append([Record(text: "later", time: 1000 + Int64(round))], to: "log")
            if round % 40 == 20 { rotate("log") }
            let bytes = merge.batch(limit: 200)
            if bytes.isEmpty { break }
            found += try lines(bytes).compactMap(Self.record)
        }
        #expect(found == before)
        #expect(merge.batch(limit: 200).isEmpty)
    }
}

/// Log lines on their way from the engine to a reader.
@Suite struct LogLineWireTests {
    static let texts = ["", "plain", "\"quoted\" \\ back", "tab\t\u{7}", "größe", "🚢", "\u{1B}[0m", "/slash", "\u{0}"]

    @Test("what is written as bytes is what the type itself says, and is read again", arguments: texts)
    func roundTrip(text: String) throws {
        let names = ["shop-web-1", "odd \"name\""]
        for (container, isError, isPartial) in [
            (names[0], false, false), (names[1], true, false), (names[0], true, true),
        ] {
            let line = LogLine(
                container: container, label: "web-1", event: .text(text, isError: isError, isPartial: isPartial),
                time: 1_709_208_000_123_456_789)
            var bytes: [UInt8] = []
            let escaped = JSONValue.string(text).serialized().dropFirst().dropLast()
            let writer = LogLine.Writer(container: container, label: "web-1")
            writer.append(text: escaped, isError: isError, isPartial: isPartial, time: line.time, to: &bytes)
            #expect(try bytes == encodeJSON(line) + [0x0A])
            var reader = LogLine.Reader()
            for _ in 0..<3 { #expect(try reader.line(from: bytes.dropLast()) == line) }
        }
    }

    @Test("other events, other forms and other containers in between are read as well")
    func mixture() throws {
        var reader = LogLine.Reader()
        let one = LogLine(container: "a", label: "a", event: .text("x", isError: false, isPartial: false), time: -5)
        let end = LogLine(container: "a", label: "a", event: .exited(code: 1, willRestart: true, cause: nil), time: 2)
        let two = LogLine(container: "ab", label: "b", event: .text("y", isError: true, isPartial: false), time: 3)
        for line in [one, one, end, two, one, .init(container: "a", label: "a", event: .lost(3), time: 4), two] {
            #expect(try reader.line(from: encodeJSON(line)[...]) == line)
            #expect(try reader.line(from: Array(JSONValue(encoding: line).serialized(.pretty(indent: 1)))[...]) == line)
        }
        #expect(throws: (any Error).self) { try reader.line(from: Array(#"{"container":"ab"}"#.utf8)[...]) }
    }

    @Test("a surrogate pair and half of one are left to the real reader")
    func surrogates() throws {
        var reader = LogLine.Reader()
        func line(_ text: String) -> ArraySlice<UInt8> {
            Array(
                #"{"container":"a","label":"a","event":{"text":{"_0":"\#(text)","isError":false,"isPartial":false}},"time":1}"#
                    .utf8)[...]
        }
        _ = try reader.line(from: line("x"))
        #expect(try reader.line(from: line(#"\ud83d\udea2"#)).event == .text("🚢", isError: false, isPartial: false))
        #expect(throws: (any Error).self) { try reader.line(from: line(#"\ud83d"#)) }
        #expect(throws: (any Error).self) { try reader.line(from: line("a\nb")) }
    }
}
