import Console
import EngineWire
import Glibc
import Linux
import Testing

/// What a printer wrote to standard output and error, which are pipes here.
private func printed(
    _ lines: [LogLine], _ options: LogPrinter.Options = .init(), labels: [String] = []
) throws -> (out: String, err: String) {
    let out = try Pipe()
    let err = try Pipe()
    let printer = LogPrinter(
        stdout: Output(out.writing), stderr: Output(err.writing), style: Style(isColoured: false), options: options,
        services: [], labels: labels)
    printer.print(lines)
    printer.finish()
    return (try out.content(), try err.content())
}

private func text(_ label: String, _ text: String, isError: Bool = false, isPartial: Bool = false) -> LogLine {
    LogLine(
        container: "demo-\(label)", label: label, event: .text(text, isError: isError, isPartial: isPartial), time: 1)
}

@Test("every line says whose it is, padded to the longest name known")
func prefixes() throws {
    let lines = [text("a-1", "hi"), text("longer-1", "x"), text("a-1", "again")]
    #expect(try printed(lines).out == "a-1  | hi\nlonger-1  | x\na-1       | again\n")
    #expect(try printed([lines[0]], labels: ["longer-1"]).out == "a-1       | hi\n")
    #expect(try printed([lines[0]], .init(prefix: false)).out == "hi\n")
    #expect(try printed([lines[0]], .init(timestamps: true)).out == "a-1  | 1970-01-01T00:00:00.000000001Z hi\n")
}

@Test("what a container writes to stderr comes on stderr")
func errors() throws {
    let (out, err) = try printed([text("a-1", "fine"), text("a-1", "bad", isError: true)])
    #expect(out == "a-1  | fine\n")
    #expect(err == "a-1  | bad\n")
}

@Test("`logs` has one stream, in the order of the lines")
func oneStream() throws {
    let lines = [text("a-1", "1"), text("a-1", "2", isError: true), text("a-1", "3"), text("b-1", "4", isError: true)]
    let (out, err) = try printed(lines, .init(prefix: false, mergesErrors: true))
    #expect(out == "1\n2\n3\n4\n")
    #expect(err == "")
}

/// The lengths of the lines that a printer writes, in bytes: for more than a pipe holds.
private func lengths(_ lines: [LogLine], _ options: LogPrinter.Options = .init(prefix: false)) throws -> [Int] {
    let path = "/tmp/berth-printer-\(getpid())-\(UInt32.random(in: .min ... .max))"
    defer { unlink(path) }
    let file = try openFile(path, O_WRONLY | O_CREAT)
    let printer = LogPrinter(
        stdout: Output(file.raw), stderr: Output(file.raw), style: Style(isColoured: false), options: options,
        services: [])
    for line in lines { printer.print([line]) }
    printer.finish()
    let bytes = try readFile(path, limit: 1 << 30)
    return bytes.withUnsafeBytes { bytes in
        guard let first = bytes.baseAddress else { return [] }
        var lengths: [Int] = []
        var start = first
        while start < first + bytes.count, let end = memchr(start, 0x0A, first + bytes.count - start) {
            lengths.append(UnsafeRawPointer(end) - start)
            start = UnsafeRawPointer(end) + 1
        }
        return lengths
    }
}

/// A line of `count` pieces of 16 KiB.
private func pieces(_ label: String, _ count: Int) -> [LogLine] {
    let piece = String(repeating: "x", count: 16384)
    return (1...count).map { text(label, piece, isPartial: $0 < count) }
}

@Test("a line of 10 MB is one line, whatever others say meanwhile")
func longLine() throws {
    var lines: [LogLine] = []
    for (index, piece) in pieces("a-1", 640).enumerated() {
        lines.append(piece)
        if index % 100 == 50 { lines.append(text("b-1", "in between")) }
    }
    #expect(try lengths(lines) == Array(repeating: 10, count: 6) + [640 * 16384])
}

@Test("a line that is too long to be kept is still one line, and stops where another must be printed")
func endlessLine() throws {
    let count = 4200  // more than 64 MiB
    #expect(try lengths(pieces("a-1", count) + [text("a-1", "next")]) == [count * 16384, 4])
    let unfinished = pieces("a-1", count).dropLast()
    #expect(try lengths(unfinished + [text("b-1", "other")], .init()) == [(count - 1) * 16384 + 7, 12])
}

@Test("a line that comes in pieces is printed once, also when its end never comes")
func partialLines() throws {
    #expect(
        try printed([
            text("a-1", "one ", isPartial: true), text("b-1", "other"), text("a-1", "line"),
            text("a-1", "no end", isPartial: true),
        ]).out == "b-1  | other\na-1  | one line\na-1  | no end\n")
}

@Test("an end is told with its code and what it means, without escape codes in a pipe")
func endings() throws {
    func end(_ code: Int, again: Bool = false, _ cause: EndCause? = nil) -> LogLine {
        LogLine(
            container: "demo-a-1", label: "a-1", event: .exited(code: code, willRestart: again, cause: cause), time: 1)
    }
    let ends = [
        end(3), end(0, again: true), end(127), end(137), end(137, again: true, .outOfMemory(limit: 16 << 20)),
        end(137, .outOfMemory(limit: nil)), end(137, .graceOver(seconds: 10)), end(137, .deaf(signal: "SIGTERM")),
        end(137, .shell(signal: "SIGTERM")),
    ]
    #expect(
        try printed(ends).out == """
            a-1 exited with code 3
            a-1 exited with code 0 (restarting)
            a-1 exited with code 127 (the command was not found)
            a-1 exited with code 137 (killed by SIGKILL)
            a-1 exited with code 137 (out of memory: its limit is 16 MiB) (restarting)
            a-1 exited with code 137 (out of memory: the machine had none left)
            a-1 exited with code 137 (killed: it did not stop within 10.0s)
            a-1 exited with code 137 (killed: it does not handle SIGTERM)
            a-1 exited with code 137 (killed after its programs, which got SIGTERM: the shell does not handle it)

            """)
}

@Test("a reader that went away is told once, and is no crash")
func closedPipe() throws {
    let pipe = try Pipe()
    ignoreClosedPipes()
    var closed = 0
    let output = Output(pipe.writing) { closed += 1 }
    pipe.closeReading()
    output.line("into the void")
    #expect(closed == 1)
}
