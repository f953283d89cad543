import Console
import EngineWire
import Testing

@Suite("What is shown of a wait") struct WaitLinesTests {
    private static func object(_ wait: WaitProgress?, _ status: String = "Waiting") -> ObjectProgress {
        ObjectProgress(kind: .container, name: "demo-db-1", status: status, isDone: wait == nil, wait: wait)
    }
    private static let answer = HealthAnswer(code: 1, output: ["starting", "no \u{1B}[1mtable yet"])

    @Test("a pipe gets a line at the beginning, and one now and then")
    func pipe() {
        var lines = WaitLines()
        var shown: [String] = []
        for second in 0...100 {
            let wait = WaitProgress(goal: .healthy, elapsed: Double(second), probe: second < 1 ? nil : Self.answer)
            shown += lines.lines(Self.object(wait)) ?? []
        }
        let said = "until it is healthy; its check ended with code 1: no [1mtable yet"
        #expect(
            shown == [" Container demo-db-1  Waiting  # until it is healthy"]
                + ["5.0s", "15.0s", "30.0s", "1m0s", "1m30s"].map { " Container demo-db-1  Waiting (\($0))  # \(said)" }
        )
        #expect(lines.lines(Self.object(nil, "Healthy")) == nil)
    }

    @Test("each restart is told at once, with the last lines")
    func restarts() {
        var lines = WaitLines()
        var shown: [String] = []
        for count in [1, 1, 2] {
            let restart = WaitProgress.Restart(count: count, limit: 4, code: 137, log: ["bye"])
            let wait = WaitProgress(goal: .healthy, elapsed: 0.5, restart: restart)
            shown += lines.lines(Self.object(wait, "Restarting")) ?? []
        }
        #expect(
            shown == [
                " Container demo-db-1  Restarting  # restart 1 of 4: it ended with code 137 (killed by SIGKILL), until it is healthy",
                "   | bye",
                " Container demo-db-1  Restarting (0.5s)  # restart 2 of 4: it ended with code 137 (killed by SIGKILL), until it is healthy",
                "   | bye",
            ])
    }

    @Test("a terminal shows since when, and how it stands")
    func block() {
        var block = ProgressBlock()
        let start = ObjectProgress(kind: .container, name: "demo-db-1", status: "Started", isDone: true)
        _ = block.take(.object(start), at: 10)
        _ = block.take(.object(Self.object(WaitProgress(goal: .healthy, elapsed: 2, probe: Self.answer))), at: 12)
        let style = Style(isColoured: false)
        #expect(
            block.lines(width: nil, height: nil, style: style, at: 15)[1].hasSuffix(
                "Waiting  # until it is healthy; its check ended with code 1: no [1mtable yet 5.0s"))
        _ = block.take(.object(Self.object(nil, "Healthy")), at: 16)
        #expect(block.lines(width: nil, height: nil, style: style, at: 20)[1] == " ✔ Container demo-db-1  Healthy 6.0s")
    }
}
