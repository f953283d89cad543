import Console
import EngineWire
import Linux
import Testing

@Suite struct TerminalProgressTests {
    @Test("the block goes away whole, wherever a typed key left the cursor")
    func suspension() throws {
        var pipe = try DescriptorPair.pipe()
        let output = pipe.takeFirst()
        let input = pipe.takeSecond()
        let progress = TerminalProgress(to: Output(input.raw), style: Style(isColoured: false), clock: { 1 })
        progress.show(.object(ObjectProgress(kind: .container, name: "web-1", status: "Stopping", isDone: false)))
        progress.suspend()
        let written = String(decoding: try output.readSome(limit: 4096), as: UTF8.self)
        #expect(written.contains("Container web-1  Stopping"))
        #expect(written.hasSuffix("\r\u{1B}[2A\u{1B}[J"))
    }

    @Test("a row that an earlier operation left at work is done when the next one succeeds")
    func settling() {
        var block = ProgressBlock()
        _ = block.take(
            .object(ObjectProgress(kind: .container, name: "web-1", status: "Stopping", isDone: false)), at: 0)
        let isChanged = block.take(.finished(OperationOutcome(status: .succeeded)), at: 1)
        #expect(isChanged)
        let lines = block.lines(width: nil, height: nil, style: Style(isColoured: false), at: 2)
        #expect(lines == ["[+] Running 1/1", " ✔ Container web-1  Stopped 1.0s"])
    }
}
