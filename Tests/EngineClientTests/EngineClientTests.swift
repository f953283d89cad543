import EngineClient
import Glibc
import JSON
import Linux
import Testing

@Suite("The client of an engine") struct EngineClientTests {
    @Test("an engine that leaves without a word is asked again, once", arguments: [(1, true), (2, false)])
    func leavingEngine(silent: Int, succeeds: Bool) async throws {
        // As in `berth` itself: a connection that the other end closed is an error, not the end of the program.
        ignoreClosedPipes()
        let folder = "/tmp/berth-client-\(getpid())-\(silent)"
        try makeFolders(folder, mode: 0o700)
        defer { try? removeTree(folder) }
        let listener = try UnixSocket.listen("\(folder)/berthd.sock")
        let raw = listener.raw
        let threads = BlockingPool(name: "client-test", limit: 2)
        async let engine: Void = threads.run {
            for number in 1...2 {
                guard let connection = try UnixSocket.accept(raw) else { return }
                if number <= silent { continue }
                _ = try connection.readSome(limit: 4096)
                try connection.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".utf8))
            }
        }
        let client = EngineClient(environment: ["BERTH_RUN": folder, "BERTH_ROOT": folder])
        let hasAnswered = try await threads.run { (try? client.getJSON("/version")) != nil }
        #expect(hasAnswered == succeeds)
        try await engine
        _ = consume listener  // open until here
    }
}
