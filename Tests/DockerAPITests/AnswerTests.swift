import Engine
import EngineWire
import JSON
import NIOHTTP1
import OCI
import Testing

@testable import DockerAPI
@testable import HTTPService

/// Every route asked for what it does and for what it refuses; each answer must be as the Engine API's description says.
@Suite struct AnswerTests {
    /// Routes of ours that the description leaves out.
    private static let additional: Set<String> = ["POST /grpc"]

    /// Routes that refuse whatever is asked: there is no swarm, no plugin, no BuildKit and no search here.
    private static func onlyRefuses(_ route: String) -> Bool {
        let path = route.split(separator: " ")[1]
        return [
            "/swarm", "/nodes", "/services", "/tasks", "/secrets", "/configs", "/session", "/grpc", "/images/search",
        ]
        .contains { path == $0 || path.hasPrefix("\($0)/") } || path.hasPrefix("/plugins/")
            || route == "PUT /volumes/{name}"
    }

    /// One request: to a route, its place holders filled in.
    private struct Step {
        let route: String
        let method: HTTPMethod
        let uri: String
        var body = ""
        /// What the body on disk holds, for routes that take long ones.
        var file: String?
        var status = 200
        var lines = false
        var headers: HTTPHeaders = [:]

        init(
            _ route: String, _ name: String = "", query: String = "", _ body: String = "", file: String? = nil,
            status: Int = 200, lines: Bool = false
        ) {
            self.route = route
            let words = route.split(separator: " ")
            method = HTTPMethod(rawValue: String(words[0]))
            let filled = words[1].replacing(/\{[a-z]+\}/, with: name)
            uri = query.isEmpty ? String(filled) : "\(filled)?\(query)"
            (self.body, self.file, self.status, self.lines) = (body, file, status, lines)
        }
    }

    private static let image = """
        {"User": "1:2", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=b"], "Entrypoint": ["/e"], "Cmd": ["c"], "Volumes": {"/v": {}},
         "WorkingDir": "/w", "Labels": {"k": "v"}, "StopSignal": "SIGINT", "Shell": ["/bin/sh", "-c"], "OnBuild": ["RUN x"],
         "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000, "Retries": 3}}
        """

    private static let container = """
        {"Image": "shop", "Tty": true, "OpenStdin": true, "Labels": {"a": "b"}, "Env": ["X=y"], "StopTimeout": 3,
         "ExposedPorts": {"53/udp": {}},
         "HostConfig": {"Binds": ["data:/data:ro", "/tmp:/host"], "PortBindings": {"80/tcp": [{"HostPort": "18080"}]},
           "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "CapAdd": ["NET_ADMIN"], "CapDrop": ["MKNOD"],
           "Memory": 67108864, "NanoCpus": 500000000, "PidsLimit": 100, "Dns": ["10.0.0.1"], "ExtraHosts": ["h:10.0.0.2"],
           "Tmpfs": {"/t": "size=1m"}, "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}], "Init": true,
           "Mounts": [{"Type": "volume", "Target": "/m"}], "SecurityOpt": ["no-new-privileges"], "Sysctls": {"net.core.somaxconn": "9"},
           "LogConfig": {"Type": "local", "Config": {"max-size": "1m"}}, "NetworkMode": "front"},
         "NetworkingConfig": {"EndpointsConfig": {"front": {"Aliases": ["www"], "IPAMConfig": {"IPv4Address": "10.99.0.9"}}}}}
        """

    private static let making: [Step] = [
        Step("GET /_ping"), Step("HEAD /_ping"), Step("GET /version"), Step("GET /info"),
        Step("POST /auth", "", #"{"username":"u","password":"p"}"#),
        Step("POST /auth", "", "{", status: 400),
        Step("GET /plugins"),
        Step(
            "POST /networks/create", "",
            #"{"Name":"front","Labels":{"a":"b"},"Options":{"com.docker.network.bridge.name":"br-front"},"EnableIPv6":true,"IPAM":{"Config":[{"Subnet":"10.99.0.0/24","IPRange":"10.99.0.0/28","Gateway":"10.99.0.1","AuxiliaryAddresses":{"r":"10.99.0.2"}}]}}"#,
            status: 201),
        Step("POST /networks/create", "", #"{"Name":"front"}"#, status: 409),
        Step("POST /networks/create", "", #"{"Name":"host"}"#, status: 403),
        Step("POST /networks/create", "", #"{"Name":"back"}"#, status: 201),
        Step(
            "POST /volumes/create", "",
            #"{"Name":"data","Labels":{"x":"y"},"DriverOpts":{"type":"tmpfs","device":"tmpfs"}}"#,
            status: 201),
        Step("POST /volumes/create", "", #"{"Name":"plain"}"#, status: 201),
        Step("POST /volumes/create", "", #"{"Name":"a/b"}"#, status: 400),
        Step("POST /containers/create", query: "name=box", container, status: 201),
        Step("POST /containers/create", query: "name=box", container, status: 409),
        Step("POST /containers/create", query: "name=plain", #"{"Image":"busybox"}"#, status: 201),
        Step(
            "POST /containers/create", query: "name=bare", #"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#,
            status: 201),
        Step("POST /containers/create", "", #"{"Image":"nosuch"}"#, status: 404),
        Step("POST /containers/create", "", "{}", status: 400),
    ]

    private static func looking(_ status: Int, _ name: String) -> [Step] {
        [
            Step("GET /containers/{id}/json", name, query: "size=1", status: status),
            Step("GET /containers/{id}/logs", name, query: "stdout=1&stderr=1", status: status),
            Step("GET /containers/{id}/stats", name, query: "stream=0&one-shot=1", status: status),
            Step("GET /containers/{id}/changes", name, status: status),
            Step("GET /containers/{id}/export", name, status: status),
            Step("GET /containers/{id}/archive", name, query: "path=/", status: status),
            Step("HEAD /containers/{id}/archive", name, query: "path=/", status: status),
        ]
    }

    private static let lists: [Step] = [
        Step("GET /containers/json", query: "all=1&size=1"), Step("GET /containers/json"),
        Step("GET /containers/json", query: "filters=x", status: 400),
        Step("GET /images/json"), Step("GET /images/json", query: "filters=x", status: 400),
        Step("GET /networks"), Step("GET /networks", query: "filters=x", status: 400),
        Step("GET /networks/{id}", "front"), Step("GET /networks/{id}", "bridge"), Step("GET /networks/{id}", "host"),
        Step("GET /networks/{id}", "none"), Step("GET /networks/{id}", "nosuch", status: 404),
        Step("GET /volumes"), Step("GET /volumes", query: "filters=x", status: 400),
        Step("GET /volumes/{name}", "data"), Step("GET /volumes/{name}", "nosuch", status: 404),
        Step("GET /images/{name}/json", "shop"), Step("GET /images/{name}/json", "busybox"),
        Step("GET /images/{name}/json", "nosuch", status: 404),
        Step("GET /images/{name}/history", "shop"), Step("GET /images/{name}/history", "nosuch", status: 404),
        Step("GET /images/{name}/get", "shop"), Step("GET /images/{name}/get", "nosuch", status: 404),
        Step("GET /images/get", query: "names=shop"), Step("GET /images/get", status: 400),
        Step("GET /system/df"), Step("GET /system/df", query: "type=volume"), Step("GET /info"),
    ]

    private static let starting: [Step] = [
        Step("POST /containers/{id}/start", "box", status: 204),
        Step("POST /containers/{id}/start", "plain", status: 204),
        Step("POST /containers/{id}/start", "box", status: 304),
        Step("POST /containers/{id}/start", "nosuch", status: 404),
    ]

    private static let acting: [Step] = [
        Step("DELETE /networks/{id}", "front", status: 403),
        Step("GET /containers/{id}/top", "box"),
        Step("GET /containers/{id}/top", "box", query: "ps_args=-o+x", status: 400),
        Step("GET /containers/{id}/top", "bare", status: 409),
        Step("POST /containers/{id}/resize", "box", query: "h=10&w=20"),
        Step("POST /containers/{id}/resize", "box", query: "h=x&w=1", status: 400),
        Step("POST /containers/{id}/exec", "box", #"{"Cmd":["x","y"],"AttachStdout":true}"#, status: 201),
        Step("POST /containers/{id}/exec", "nosuch", #"{"Cmd":["x"]}"#, status: 404),
        Step("POST /containers/{id}/pause", "box", status: 204),
        Step("POST /containers/{id}/pause", "box", status: 409),
        Step("GET /containers/{id}/json", "box"),
        Step("POST /containers/{id}/unpause", "box", status: 204),
        Step("POST /containers/{id}/unpause", "box", status: 409),
        Step("POST /containers/{id}/attach", "box", query: "stream=1&stdout=1"),
        Step("POST /containers/{id}/attach", "nosuch", query: "stream=1", status: 404),
        Step("POST /networks/{id}/connect", "back", #"{"Container":"box","EndpointConfig":{"Aliases":["q"]}}"#),
        Step("POST /networks/{id}/connect", "nosuch", #"{"Container":"box"}"#, status: 404),
        Step("GET /networks/{id}", "back"), Step("GET /containers/{id}/json", "box"),
        Step("POST /networks/{id}/disconnect", "back", #"{"Container":"box"}"#),
        Step("POST /networks/{id}/disconnect", "back", #"{"Container":"box"}"#, status: 409),
        Step("POST /containers/{id}/update", "box", #"{"Memory":134217728,"MemorySwap":-1}"#),
        Step("POST /containers/{id}/update", "nosuch", "{}", status: 404),
        Step("POST /containers/{id}/rename", "plain", query: "name=other", status: 204),
        Step("POST /containers/{id}/rename", "other", query: "name=box", status: 409),
        Step("PUT /containers/{id}/archive", "box", query: "path=/", file: ""),
        Step("PUT /containers/{id}/archive", "box", status: 400),
        Step("POST /commit", query: "container=box&repo=made&tag=1", "null", status: 201),
        Step("POST /commit", query: "container=nosuch", "null", status: 404),
        Step("POST /images/{name}/tag", "shop", query: "repo=other&tag=2", status: 201),
        Step("POST /images/{name}/tag", "nosuch", query: "repo=other", status: 404),
        Step("POST /images/create", query: "fromImage=shop", status: 404), Step("POST /images/create", status: 400),
        Step("POST /images/{name}/push", "shop", lines: true), Step("POST /images/{name}/push", "NO", status: 400),
        Step("GET /distribution/{name}/json", "shop"), Step("GET /distribution/{name}/json", "nosuch", status: 404),
        Step("POST /build", query: "buildargs=x", status: 400),
        Step("POST /build/prune"), Step("POST /build/prune", query: "filters=x", status: 400),
        Step("POST /images/create", query: "fromSrc=-&repo=imported", file: "x", lines: true),
        Step("POST /images/load", file: "loaded:1\n", lines: true), Step("POST /images/load", status: 400),
        Step("POST /containers/{id}/restart", "box", query: "t=0", status: 204),
        Step("POST /containers/{id}/restart", "nosuch", status: 404),
        Step("POST /containers/{id}/kill", "other", status: 204),
        Step("POST /containers/{id}/kill", "bare", status: 409),
        Step("POST /containers/{id}/stop", "box", query: "t=0", status: 204),
        Step("POST /containers/{id}/stop", "box", status: 304),
        Step("POST /containers/{id}/stop", "nosuch", status: 404),
        Step("POST /containers/{id}/wait", "box"), Step("POST /containers/{id}/wait", "nosuch", status: 404),
        Step("GET /containers/{id}/json", "box"), Step("GET /containers/json", query: "all=1"),
    ]

    private static let living: [Step] = [
        lists, looking(200, "box"), looking(200, "bare"), looking(404, "nosuch"), starting, lists, looking(200, "box"),
        looking(200, "plain"), acting,
    ].flatMap { $0 }

    private static let ending: [Step] = [
        Step("DELETE /networks/{id}", "nosuch", status: 404),
        Step("DELETE /volumes/{name}", "data", status: 409), Step("DELETE /volumes/{name}", "nosuch", status: 404),
        Step("DELETE /images/{name}", "shop", status: 409), Step("DELETE /images/{name}", "nosuch", status: 404),
        Step("DELETE /containers/{id}", "box", query: "v=1", status: 204),
        Step("DELETE /containers/{id}", "box", status: 404),
        Step("DELETE /images/{name}", "other:2"), Step("DELETE /volumes/{name}", "data", status: 204),
        Step("DELETE /networks/{id}", "front", status: 204),
        Step("POST /containers/prune"), Step("POST /containers/prune", query: "filters=x", status: 400),
        Step("POST /networks/prune"), Step("POST /networks/prune"),
        Step("POST /networks/prune", query: "filters=x", status: 400),
        Step("POST /volumes/prune", query: "filters=%7B%22all%22:%5B%22true%22%5D%7D"), Step("POST /volumes/prune"),
        Step("POST /volumes/prune", query: "filters=x", status: 400),
        Step("POST /images/prune"),
        Step("POST /images/prune", query: "filters=x", status: 400),
        Step("GET /containers/json"), Step("GET /images/json"), Step("GET /volumes"), Step("GET /networks"),
        Step("GET /system/df"),
    ]

    @Test("every answer of every route is as the description says, good ones and errors")
    func answers() async throws {
        let schemas = try AnswerSchemas.read()
        let execution = try decodeJSON(ImageConfig.Execution.self, from: Self.image.utf8)
        var asked: [String: Set<Bool>] = [:]
        var problems: Set<String> = []
        try await DockerServer.with { machine in
            machine.addImage("shop", id: "sha256:" + String(repeating: "5", count: 64), execution)
        } _: { server in
            func run(_ step: Step) async throws -> DockerServer.Answer {
                let answer = try await server.ask(
                    step.method, step.uri, step.body, file: step.file, headers: step.headers)
                asked[step.route, default: []].insert(answer.status < 400)
                if answer.status != step.status {
                    problems.insert("\(step.route) \(step.uri): \(answer.status) \(answer.body)")
                }
                if answer.status >= 400 || Self.hasJSON(answer) {
                    guard step.method != .HEAD, !Self.additional.contains(step.route) else { return answer }
                    for problem in schemas.problems(
                        of: step.route, status: answer.status, body: answer.body, lines: step.lines)
                    {
                        problems.insert("\(step.route): \(problem)")
                    }
                }
                return answer
            }
            for step in Self.making + Self.living { _ = try await run(step) }
            _ = try await run(Step("POST /containers/{id}/exec", "other", #"{"Cmd":["x"]}"#, status: 409))
            for step in Self.ending { _ = try await run(step) }
            try await Self.rest(server, run)
            for route in server.routes.patterns.map({ "\($0.method.rawValue) \($0.pattern.replacing("...", with: ""))" }
            ) {
                if Self.onlyRefuses(route) {
                    let name = route.split(separator: " ")[1].hasPrefix("/plugins") ? "p" : "nosuch"
                    let step = Step(route, name)
                    let answer = try await server.ask(step.method, step.uri, "{}")
                    #expect(answer.status >= 400, "\(route): \(answer)")
                    if !Self.additional.contains(route) {
                        problems.formUnion(schemas.problems(of: route, status: answer.status, body: answer.body))
                    }
                    asked[route, default: []].insert(false)
                } else {
                    // A simulation has no folders to build in.
                    #expect(
                        asked[route]?.contains(true) == true || route == "POST /build",
                        "\(route) was not asked for what it does")
                    let neverFails = [
                        "GET /_ping", "HEAD /_ping", "GET /version", "GET /info", "GET /plugins", "GET /system/df",
                    ]
                    if !neverFails.contains(route) {
                        #expect(asked[route]?.contains(false) == true, "\(route) was not asked for what it refuses")
                    }
                }
            }
        }
        #expect(problems.isEmpty, "\(problems.sorted().joined(separator: "\n"))")
    }

    /// Commands and events, whose names and instants come from answers.
    private static func rest(
        _ server: DockerServer, _ run: (Step) async throws -> DockerServer.Answer
    ) async throws {
        _ = try await run(Step("POST /containers/create", query: "name=late", #"{"Image":"busybox"}"#, status: 201))
        _ = try await run(Step("POST /containers/{id}/start", "late", status: 204))
        for (body, start) in [
            (#"{"Cmd":["x"]}"#, #"{"Detach":true}"#), (#"{"Cmd":["x"],"Tty":true,"AttachStdin":true}"#, "{}"),
        ] {
            let made = try await run(Step("POST /containers/{id}/exec", "late", body, status: 201))
            let id = try #require(made.json?["Id"]?.string)
            _ = try await run(Step("GET /exec/{id}/json", id))
            _ = try await run(Step("POST /exec/{id}/start", id, start))
            _ = try await run(Step("GET /exec/{id}/json", id))
            if start == #"{"Detach":true}"# { _ = try await run(Step("POST /exec/{id}/resize", id, query: "h=1&w=1")) }
        }
        var webSocket = Step("GET /containers/{id}/attach/ws", "late", query: "stream=1&stdout=1", status: 101)
        webSocket.headers = [
            "connection": "keep-alive, Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        ]
        _ = try await run(webSocket)
        webSocket.headers.add(name: "origin", value: "http://elsewhere")
        webSocket.status = 403
        _ = try await run(webSocket)
        _ = try await run(Step("GET /containers/{id}/attach/ws", "late", status: 400))
        _ = try await run(Step("GET /exec/{id}/json", "nosuch", status: 404))
        _ = try await run(Step("POST /exec/{id}/start", "nosuch", "{}", status: 404))
        _ = try await run(Step("POST /exec/{id}/resize", "nosuch", query: "h=1&w=1", status: 404))
        let now = server.engine.now / 1_000_000_000 + 1
        let events = try await run(Step("GET /events", query: "since=1&until=\(now)", lines: true))
        #expect(events.body.split(separator: "\n").count > 20)
        _ = try await run(Step("GET /events", query: "since=2&until=1", status: 400))
        _ = try await run(Step("POST /images/prune", query: "filters=%7B%22dangling%22:%5B%22false%22%5D%7D"))
    }

    private static func hasJSON(_ answer: DockerServer.Answer) -> Bool {
        answer.headers.first(name: "content-type")?.hasPrefix("application/json") == true
    }

    @Test("routes are those of the description, but for what is named here")
    func routes() async throws {
        let schemas = try AnswerSchemas.read()
        try await DockerServer.with { server in
            let ours = Set(
                server.routes.patterns.map { "\($0.method.rawValue) \($0.pattern.replacing("...", with: ""))" })
            let theirs = Set(schemas.names)
            #expect(theirs.subtracting(ours) == [])
            #expect(ours.subtracting(theirs) == Self.additional)
        }
    }

    @Test(
        "a description finds what is wrong",
        arguments: [
            (#"{"Id":1,"Warnings":[]}"#, ".Id: no string: 1"), (#"{"Id":"x"}"#, ": Warnings is missing"),
            (#"{"Id":"x","Warnings":[1]}"#, ".Warnings[]: no string: 1"),
            (#"{"Id":null,"Warnings":[]}"#, ".Id: null"),
            (#"{"Id":"x","Warnings":[],"Idd":1}"#, ": unknown member Idd"), ("x", "no JSON: x"),
        ])
    func finds(body: String, problem: String) throws {
        let schemas = try AnswerSchemas.read()
        #expect(schemas.problems(of: "POST /containers/create", status: 201, body: body) == [problem])
        let right = #"{"Id":"x","Warnings":[]}"#
        #expect(schemas.problems(of: "POST /containers/create", status: 201, body: right) == [])
        #expect(schemas.problems(of: "POST /containers/create", status: 299, body: right) != [])
        #expect(schemas.problems(of: "POST /containers/create", status: 409, body: right) != [])
    }
}
