import Console
import EngineWire
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
