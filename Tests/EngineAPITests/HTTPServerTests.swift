import Engine
import EngineAPI
import EngineWire
import Glibc
import JSON
import Linux
import Logging
import ProjectModel
import Testing

/// What the engine's socket answers, spoken to in bytes.
@Suite struct HTTPServerTests {
    @Test("requests that come together are answered one after the other, in their order")
    func pipelining() async throws {
        try await TestServer.with { server in
            func get(_ path: String) -> String { "GET /v1/\(path) HTTP/1.1\r\nHost: x\r\n\r\n" }
            let requests = [get("version"), get("nothing"), get("projects"), get("volumes")].joined()
            let answers = try await server.ask(Array(requests.utf8), answers: 4)
            #expect(answers.map(\.status) == [200, 404, 200, 200])
            #expect(answers[0].body.contains("\"version\""))
            #expect(answers[1].body.contains("no route GET /v1/nothing"))
            #expect(answers[2].body == "[]")
        }
    }

    @Test(
        "what is no HTTP is answered with 400, before and after a request",
        arguments: ["", "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n"])
    func malformed(before: String) async throws {
        try await TestServer.with { server in
            let answers = try await server.ask(Array("\(before)NONSENSE\r\n\r\n".utf8))
            #expect(answers.map(\.status) == (before.isEmpty ? [400] : [200, 400]))
        }
    }

    @Test("a client that closes its side after the request is answered, and the connection ends")
    func halfClosed() async throws {
        try await TestServer.with { server in
            let request = Array("GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            let answers = try await server.ask(request, closesSide: true)
            #expect(answers.map(\.status) == [200])
            try await server.eventuallyIdle()
        }
    }

    @Test(
        "a body that is too long is answered with 413, said beforehand or not, and where it is asked for before it is sent"
    )
    func longBody() async throws {
        try await TestServer.with { server in
            let size = (64 << 20) + 1
            let body = [UInt8](repeating: 0x20, count: size)
            func head(_ framing: String) -> String {
                "POST /v1/projects/a/operations HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(framing)\r\n\r\n"
            }
            let known = try await server.ask(Array(head("Content-Length: \(size)").utf8) + body)
            #expect(known.map(\.status) == [413])
            #expect(known.first?.body.contains("longer than 64 MiB") == true)
            let chunk = Array("\(String(size, radix: 16))\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8)
            let chunked = try await server.ask(Array(head("Transfer-Encoding: chunked").utf8) + chunk)
            #expect(chunked.map(\.status) == [413])
            let fits = try await server.ask(Array(head("Content-Length: 3").utf8) + Array("{x}".utf8))
            #expect(fits.map(\.status) == [400])
        }
    }

    @Test("logs come merged, as lines, and a reader that takes none keeps nobody else waiting")
    func logs() async throws {
        try await TestServer.with { server in
            let id = try await server.runContainer()
            let line = #"{"log":"x\n","stream":"stderr","time":"2024-02-29T12:00:00Z"}"# + "\n"
            try makeFolders("\(server.folder)/containers/\(id)")
            try writeFileAtomically(
                "\(server.folder)/containers/\(id)/log.json", Array(String(repeating: line, count: 100_000).utf8))
            func request(_ query: String) -> [UInt8] {
                Array(
                    "GET /v1/projects/demo/logs?request=\(query) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
            }
            let all = "%7B%22services%22:%5B%5D,%22follow%22:false,%22includeAll%22:false,%22expectsStart%22:false%7D"
            let stuck = try UnixSocket.connect(server.socket)
            try stuck.write(request(all))
            let tail = all.replacing(",%22follow", with: ",%22tail%22:2,%22follow")
            let answers = try await server.ask(request(tail))
            let lines = answers.first?.body.split(separator: "\n") ?? []
            #expect(lines.count == 2)
            let first = try decodeJSON(LogLine.self, from: try #require(lines.first).utf8)
            #expect(first.label == "web-1" && first.event == .text("x", isError: true, isPartial: false))
        }
    }
}
