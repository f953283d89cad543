import Engine
import EngineAPI
import EngineWire
import JSON
import Testing

/// Each route, and what is none, asked as any program may ask.
@Suite struct RouteTests {
    /// A request and what comes back: the status, and the code of the failure or a part of the answer.
    struct Row: Sendable, CustomTestStringConvertible {
        let request: String
        var body: String
        let status: Int
        let part: String
        var testDescription: String { body.isEmpty ? request : "\(request) \(body)" }

        init(_ request: String, _ body: String, _ status: Int, _ part: String = "") {
            (self.request, self.body, self.status, self.part) = (request, body, status, part)
        }

        var isFailure: Bool { status >= 400 }
    }

    private static let rows = [
        Row("GET /v1/version", "", 200, "\"version\""), Row("POST /v1/version", "", 404, "not_found"),
        Row("GET /v1/version/x", "", 404, "not_found"), Row("GET /v2/version", "", 404, "not_found"),
        Row("GET /", "", 404, "not_found"), Row("DELETE /v1/projects/demo", "", 404, "not_found"),
        Row("GET /v1/projects", "", 200, "\"demo\""), Row("GET /v1/projects/demo", "", 200, "\"web\""),
        Row("GET /v1/projects/nosuch", "", 200, "\"containers\":[]"),
        Row("GET /v1/projects/demo/containers", "", 200, "demo-web-1"),
        Row("GET /v1/projects/%64emo/containers?all=1", "", 200, "demo-web-1"),
        Row("GET /v1/projects/nosuch/containers", "", 200, "[]"),
        Row("GET /v1/projects/demo/nosuch", "", 404, "not_found"),
        Row("GET /v1/projects/demo/logs?request=%7B", "", 400, "invalid"),
        Row("POST /v1/projects/demo/operations", "{}", 400, "invalid"),
        Row("POST /v1/projects/demo/plan", "[1]", 400, "invalid"),
        Row("POST /v1/projects/demo/run", "nonsense", 400, "invalid"),
        Row("POST /v1/operations/nosuch/cancel", "", 404, "not_found"),
        Row("GET /v1/operations/x/cancel", "", 404, "not_found"),
        Row("POST /v1/operations/nosuch/cancel", "{\"force\": 1}", 400, "invalid"),
        Row("GET /v1/containers", "", 200, "[]"), Row("GET /v1/containers/demo-web-1", "", 200, "\"running\""),
        Row("GET /v1/containers/nosuch", "", 404, "not_found"),
        Row("GET /v1/containers/nosuch/top", "", 404, "not_found"),
        Row("GET /v1/containers/nosuch/gone", "", 200, "{}"),
        Row("POST /v1/containers/nosuch/release", "", 404, "not_found"),
        Row("POST /v1/containers/nosuch/attach", "", 404, "not_found"),
        Row("POST /v1/containers/demo-web-1/attach", "", 101, ""),
        Row("POST /v1/containers/demo-web-1/exec", "{}", 400, "invalid"),
        Row("POST /v1/containers/demo-web-1/stop-if-deaf", "{}", 400, "invalid"),
        Row("POST /v1/containers/demo-web-1/remove", "", 409, "conflict"),
        Row("POST /v1/containers/nosuch/remove", "", 404, "not_found"),
        Row("POST /v1/containers/demo-web-1/nosuch", "", 404, "not_found"),
        Row("GET /v1/images", "", 200, "busybox"),
        Row("GET /v1/images/inspect?name=x", "", 404, "not_found"), Row("POST /v1/images/import", "", 400, "invalid"),
        Row("POST /v1/images/tag", "{\"source\": 1}", 400, "invalid"),
        Row("POST /v1/images/nosuch", "", 404, "not_found"),
        Row("GET /v1/volumes", "", 200, "[]"), Row("GET /v1/volumes/nosuch", "", 404, "not_found"),
        Row("POST /v1/volumes/create", "{}", 400, "invalid"),
        Row("POST /v1/volumes/remove", "{\"names\": \"x\"}", 400, "invalid"),
        Row("PUT /v1/volumes", "", 404, "not_found"),
        Row("GET /v1/networks", "", 200, ""), Row("GET /v1/networks/nosuch", "", 404, "not_found"),
        Row("POST /v1/networks/create", "{\"name\": \"\"}", 400, "invalid"),
        Row("POST /v1/networks", "", 404, "not_found"),
    ]

    @Test("answers with the status and the code that fit", arguments: rows)
    func route(_ row: Row) async throws {
        try await TestServer.with { server in
            _ = try await server.runContainer()
            let head =
                "\(row.request) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(row.body.utf8.count)\r\n"
            let answer = try #require(try await server.ask(Array("\(head)\r\n\(row.body)".utf8), answers: 1).first)
            #expect(answer.status == row.status, "\(answer.body)")
            if row.isFailure {
                let failure = try decodeJSON(EngineFailure.self, from: answer.body.utf8)
                #expect(failure.code.rawValue == row.part)
                #expect(!failure.message.isEmpty)
            } else {
                #expect(answer.body.contains(row.part), "\(answer.body)")
            }
        }
    }
}
