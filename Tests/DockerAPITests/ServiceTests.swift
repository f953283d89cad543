import DockerAPI
import HTTPService
import JSON
import NIOHTTP1
import Testing

/// Versions, queries, and the routes that every client begins with.
@Suite struct ServiceTests {
    @Test(
        "a version is read from the first segment alone",
        arguments: [
            ("v1.41", "1.41"), ("v1.5", "1.5"), ("v2.0", "2.0"), ("1.41", nil), ("v1", nil), ("v1.41.2", nil),
            ("v1.x", nil), ("v-1.4", nil), ("version", nil), ("v", nil), ("v1.", nil),
        ] as [(String, String?)])
    func versions(segment: String, text: String?) {
        #expect(APIVersion(segment: segment)?.description == text)
    }

    @Test("clients of every version from 1.24 to 1.50 are served, others are told what to do")
    func negotiation() async throws {
        try await DockerServer.with { server in
            for minor in 24...50 {
                let answer = await server.ask("GET /v1.\(minor)/_ping")
                #expect(answer.status == 200 && answer.body == "OK", "1.\(minor)")
            }
            let old = await server.ask("GET /v1.23/info")
            #expect(old.status == 400)
            #expect(
                old.json?["message"]?.string
                    == "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version"
            )
            let new = await server.ask("GET /v1.51/info")
            #expect(
                new.json?["message"]?.string
                    == "client version 1.51 is too new. Maximum supported API version is 1.50")
            #expect(new.status == 400)
            #expect(await server.ask("GET /v2.0/info").status == 400)
        }
    }

    @Test("a ping says the version of the API, that there is no BuildKit, and nothing is kept")
    func ping() async throws {
        try await DockerServer.with { server in
            for method in ["GET", "HEAD"] {
                let answer = await server.ask("\(method) /_ping")
                #expect(answer.status == 200)
                #expect(answer.body == (method == "GET" ? "OK" : ""))
                let expected = [
                    "api-version": "1.50", "builder-version": "1", "docker-experimental": "false", "ostype": "linux",
                    "swarm": "inactive", "cache-control": "no-cache, no-store, must-revalidate",
                ]
                for (name, value) in expected { #expect(answer.headers.first(name: name) == value, "\(name)") }
            }
        }
    }

    @Test("what is no route is answered as dockerd does")
    func unknown() async throws {
        try await DockerServer.with { server in
            for request in ["GET /nothing", "POST /_ping", "GET /v1.41", "PUT /v1.41/info", "GET /", "GET /containers"]
            {
                let answer = await server.ask(request)
                #expect(answer.status == 404, "\(request)")
                #expect(answer.json?["message"]?.string == "page not found", "\(request)")
            }
        }
    }

    @Test(
        "outside of a swarm its routes say so",
        arguments: [
            "GET /swarm", "GET /services", "GET /nodes/x", "GET /secrets", "POST /configs/create", "GET /tasks",
        ])
    func swarm(request: String) async throws {
        try await DockerServer.with { server in
            let answer = await server.ask(request, "{}")
            #expect(answer.status == 503)
            #expect(answer.json?["message"]?.string?.hasPrefix("This node is not a swarm manager.") == true)
        }
    }

    @Test("version and info have what clients read")
    func versionAndInfo() async throws {
        try await DockerServer.with { server in
            let version = try #require(await server.ask("GET /version").json)
            #expect(version["ApiVersion"] == "1.50" && version["MinAPIVersion"] == "1.24" && version["Os"] == "linux")
            #expect(version["Components"]?.array?.first?["Name"] == "Engine")
            let info = try #require(await server.ask("GET /info").json)
            #expect(info["Containers"]?.integer == 0 && info["NCPU"]?.integer ?? 0 > 0)
            #expect(info["MemTotal"]?.integer ?? 0 > 1 << 20)
            #expect(info["Swarm"]?["LocalNodeState"] == "inactive")
            #expect(info["Driver"] == "overlay2")
        }
    }

    private func query(_ text: String) -> Query {
        Query(Request(head: HTTPRequestHead(version: .http1_1, method: .GET, uri: "/x?\(text)"), body: []))
    }

    @Test(
        "a flag is what dockerd takes for one",
        arguments: [
            ("a=1", true), ("a=true", true), ("a=yes", true), ("a=x", true), ("a=", false), ("a", false),
            ("a=0", false),
            ("a=False", false), ("a=no", false), ("a=none", false), ("b=1", false),
        ])
    func flags(text: String, value: Bool) { #expect(query(text).flag("a") == value) }

    @Test("a query is read as a form")
    func forms() throws {
        #expect(query("a=b+c%2Bd").text("a") == "b c+d")
        #expect(query("names=x&names=y").all("names") == ["x", "y"])
        #expect(try query("t=-1").integer("t") == -1)
        #expect(throws: DockerFailure.self) { try query("t=x").integer("t") }
    }

    @Test(
        "filters come in two forms",
        arguments: [#"{"label":{"a=b":true,"c":false}}"#, #"{"label":["a=b"]}"#, #"{"label": ["a=b"], "x": {}}"#])
    func filters(text: String) throws {
        let filters = try Filters(text)
        #expect(filters["label"] == ["a=b"])
        #expect(filters.allows(labels: ["a": "b"]) && !filters.allows(labels: ["a": "c"]))
        #expect(!filters.allows(labels: [:]))
    }

    @Test("what are no filters is refused", arguments: ["[", "[]", "{\"a\": 1}", "x"])
    func noFilters(text: String) { #expect(throws: DockerFailure.self) { try Filters(text) } }
}
