import DockerAPI
import Engine
import JSON
import Testing

/// Containers, networks and volumes over the routes, on a simulated machine.
@Suite struct ContainerRouteTests {
    private func create(_ server: DockerServer, _ name: String, _ body: String = "") async throws -> String {
        let more = body.isEmpty ? "" : ",\(body)"
        let answer = await server.ask("POST /v1.41/containers/create?name=\(name)", "{\"Image\":\"busybox\"\(more)}")
        #expect(answer.status == 201, "\(answer)")
        return try #require(answer.json?["Id"]?.string)
    }

    @Test("a container goes through its life, and every step says what dockerd says")
    func life() async throws {
        try await DockerServer.with { server in
            let id = try await create(server, "box", #""Cmd":["sleep","9"],"Labels":{"a":"b"}"#)
            var inspected = try #require(await server.ask("GET /containers/box/json").json)
            #expect(inspected["Id"]?.string == id && inspected["Name"] == "/box")
            #expect(inspected["State"]?["Status"] == "created" && inspected["State"]?["Running"] == false)
            #expect(inspected["Path"] == "sleep" && inspected["Args"] == ["9"])
            #expect(inspected["HostConfig"]?["NetworkMode"] == "bridge")
            #expect(inspected["HostConfig"]?["LogConfig"]?["Type"] == "json-file")
            #expect(await server.ask("POST /containers/box/start").status == 204)
            #expect(await server.ask("POST /containers/box/start").status == 304)
            inspected = try #require(await server.ask("GET /containers/\(id.prefix(8))/json").json)
            #expect(inspected["State"]?["Status"] == "running" && inspected["State"]?["Pid"]?.integer ?? 0 > 0)
            #expect(inspected["NetworkSettings"]?["Networks"]?["bridge"]?["IPAddress"]?.string?.isEmpty == false)
            #expect(await server.ask("POST /containers/box/pause").status == 204)
            #expect(await server.ask("POST /containers/box/pause").status == 409)
            #expect(await server.ask("POST /containers/box/unpause").status == 204)
            #expect(await server.ask("POST /containers/box/unpause").status == 409)
            #expect(await server.ask("POST /containers/box/rename?name=crate").status == 204)
            #expect(await server.ask("GET /containers/box/json").status == 404)
            #expect(await server.ask("DELETE /containers/crate").status == 409)
            #expect(await server.ask("POST /containers/crate/stop?t=0").status == 204)
            #expect(await server.ask("POST /containers/crate/stop").status == 304)
            let killed = await server.ask("POST /containers/crate/kill")
            #expect(killed.status == 409 && killed.body.contains("is not running"))
            #expect(await server.ask("POST /containers/crate/wait").json?["StatusCode"]?.integer == 137)
            #expect(await server.ask("DELETE /containers/crate?v=1").status == 204)
            #expect(await server.ask("GET /containers/json?all=1").body == "[]\n")
        }
    }

    @Test(
        "what cannot be done is said in dockerd's words",
        arguments: [
            ("GET /containers/nosuch/json", "", 404, "No such container: nosuch"),
            ("POST /containers/nosuch/start", "", 404, "No such container: nosuch"),
            ("POST /containers/nosuch/stop", "", 404, "No such container: nosuch"),
            ("POST /containers/nosuch/kill", "", 404, "No such container: nosuch"),
            ("DELETE /containers/nosuch", "", 404, "No such container: nosuch"),
            ("POST /containers/nosuch/wait", "", 404, "No such container: nosuch"),
            ("GET /containers/nosuch/logs?stdout=1", "", 404, "No such container: nosuch"),
            ("GET /containers/nosuch/logs", "", 400, "you must choose at least one stream"),
            ("POST /containers/nosuch/attach?stream=1", "", 404, "No such container: nosuch"),
            ("POST /containers/nosuch/exec", #"{"Cmd":["x"]}"#, 404, "No such container: nosuch"),
            ("POST /containers/box/exec", #"{"Cmd":[]}"#, 400, "No exec command specified"),
            ("POST /containers/box/exec", #"{"Cmd":["x"]}"#, 409, "is not running"),
            ("POST /exec/nosuch/start", "{}", 404, "No such exec instance: nosuch"),
            ("GET /exec/nosuch/json", "", 404, "No such exec instance: nosuch"),
            ("POST /containers/create", "", 400, "EOF"), ("POST /containers/create", "{", 400, "invalid JSON"),
            ("POST /containers/create", "{}", 400, "config cannot be empty"),
            ("POST /containers/create", #"{"Image":"nosuch"}"#, 404, "No such image: nosuch:latest"),
            (
                "POST /containers/create", #"{"Image":"busybox","HostConfig":{"NetworkMode":"nosuch"}}"#, 400,
                "no such network: nosuch"
            ),
            (
                "POST /containers/create", #"{"Image":"busybox","HostConfig":{"NetworkMode":"container:nosuch"}}"#,
                400, "nosuch"
            ),
            (
                "POST /containers/create", #"{"Image":"busybox","StopSignal":"SIGFOO"}"#, 400,
                "invalid signal: SIGFOO"
            ),
            (
                "POST /containers/create?name=box", #"{"Image":"busybox"}"#, 409,
                "Conflict. The container name \"/box\" is already in use"
            ),
            ("POST /containers/create?name=a%2Fb", #"{"Image":"busybox"}"#, 400, "Invalid container name (a/b)"),
            ("POST /containers/box/kill?signal=NONSENSE", "", 400, "invalid signal: NONSENSE"),
            ("POST /containers/box/wait?condition=x", "", 400, "invalid condition"),
            ("POST /containers/box/stop?t=x", "", 400, "invalid syntax"),
            ("POST /containers/box/resize?h=x&w=1", "", 400, "invalid resize height"),
            ("POST /containers/box/rename?name=", "", 400, "Neither old nor new names may be empty"),
            ("GET /containers/json?filters=%7B%22nosuch%22:%5B%22x%22%5D%7D", "", 400, "invalid filter 'nosuch'"),
            ("GET /containers/json?filters=nonsense", "", 400, "invalid filter"),
            ("GET /containers/box/top", "", 409, "is not running"),
            ("GET /networks/nosuch", "", 404, "network nosuch not found"),
            ("DELETE /networks/bridge", "", 403, "pre-defined network"),
            ("POST /networks/create", #"{"Name":"host"}"#, 403, "not permitted on predefined"),
            ("POST /networks/create", #"{"Name":"x","Driver":"overlay"}"#, 403, "swarm"),
            ("GET /volumes/nosuch", "", 404, "no such volume"), ("DELETE /volumes/nosuch", "", 404, "no such volume"),
            ("DELETE /volumes/nosuch?force=1", "", 204, ""),
            ("POST /volumes/create", #"{"Name":"a/b"}"#, 400, "invalid characters"),
            ("GET /events?since=5&until=3", "", 400, "cannot be after"),
        ] as [(String, String, Int, String)])
    func errors(request: String, body: String, status: Int, part: String) async throws {
        try await DockerServer.with { server in
            _ = try await create(server, "box")
            let answer = await server.ask(request, body)
            #expect(answer.status == status, "\(answer.body)")
            if !part.isEmpty { #expect(answer.json?["message"]?.string?.contains(part) == true, "\(answer.body)") }
        }
    }

    @Test("filters choose containers")
    func filters() async throws {
        try await DockerServer.with { server in
            _ = try await create(server, "one", #""Labels":{"role":"web","n":"1"}"#)
            _ = try await create(server, "two", #""Labels":{"role":"db"},"HostConfig":{"Binds":["data:/data"]}"#)
            #expect(await server.ask("POST /containers/two/start").status == 204)
            func names(_ filters: String, all: Bool = true) async -> [String] {
                let text = filters.utf8.map { byte in
                    let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
                    return isPlain
                        ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }.joined()
                let answer = await server.ask("GET /containers/json?all=\(all ? 1 : 0)&filters=\(text)")
                return (answer.json?.array ?? []).compactMap { $0["Names"]?.array?.first?.string }.sorted()
            }
            #expect(await names("{}") == ["/one", "/two"])
            #expect(await names("{}", all: false) == ["/two"])
            #expect(await names(#"{"label":["role=web"]}"#) == ["/one"])
            #expect(await names(#"{"label":{"role":true,"n=1":true}}"#) == ["/one"])
            #expect(await names(#"{"status":["created"]}"#) == ["/one"])
            #expect(await names(#"{"status":["created","running"]}"#) == ["/one", "/two"])
            #expect(await names(#"{"name":["^/tw"]}"#) == ["/two"])
            #expect(await names(#"{"name":["o"]}"#) == ["/one", "/two"])
            #expect(await names(#"{"volume":["data"]}"#) == ["/two"])
            #expect(await names(#"{"volume":["/data"]}"#) == ["/two"])
            #expect(await names(#"{"network":["bridge"]}"#) == ["/one", "/two"])
            #expect(await names(#"{"ancestor":["busybox"]}"#) == ["/one", "/two"])
            #expect(await names(#"{"before":["two"]}"#) == ["/one"])
            #expect(await names(#"{"health":["none"]}"#) == ["/one", "/two"])
        }
    }

    @Test("events tell a life in dockerd's order")
    func events() async throws {
        try await DockerServer.with { server in
            _ = try await create(server, "box")
            for step in ["start", "pause", "unpause", "stop?t=0"] {
                _ = await server.ask("POST /containers/box/\(step)")
            }
            _ = await server.ask("DELETE /containers/box")
            let filters = "%7B%22type%22:%5B%22container%22%5D%7D"
            let answer = await server.ask(
                "GET /events?since=1&until=\(server.engine.now / 1_000_000_000 + 1)&filters=\(filters)")
            let actions = answer.body.split(separator: "\n").compactMap {
                (try? JSONValue(parsing: Array($0.utf8)))?["Action"]?.string
            }
            #expect(
                actions == ["create", "start", "pause", "unpause", "kill", "die", "stop", "destroy"], "\(answer.body)")
            let first = try JSONValue(parsing: Array(answer.body.prefix { $0 != "\n" }.utf8))
            #expect(first["status"] == "create" && first["from"] == "busybox" && first["scope"] == "local")
            #expect(first["Actor"]?["Attributes"]?["name"] == "box")
        }
    }

    @Test("networks and volumes are made, listed, used and removed")
    func objects() async throws {
        try await DockerServer.with { server in
            let made = await server.ask(
                "POST /networks/create",
                #"{"Name":"front","Labels":{"a":"b"},"IPAM":{"Config":[{"Subnet":"10.99.0.0/24","Gateway":"10.99.0.1"}]}}"#
            )
            #expect(made.status == 201, "\(made.body)")
            let id = try #require(made.json?["Id"]?.string)
            let network = try #require(await server.ask("GET /networks/\(id.prefix(12))").json)
            #expect(network["Name"] == "front" && network["Driver"] == "bridge" && network["Labels"] == ["a": "b"])
            #expect(network["IPAM"]?["Config"]?.array?.first?["Gateway"] == "10.99.0.1")
            let twice = await server.ask("POST /networks/create", #"{"Name":"front"}"#)
            #expect(twice.status == 409 && twice.body.contains("already exists"))
            let names = (await server.ask("GET /networks").json?.array ?? []).compactMap { $0["Name"]?.string }
            #expect(Set(names) == ["bridge", "front", "host", "none"])
            _ = try await create(server, "box", #""HostConfig":{"NetworkMode":"\#(id)","Binds":["data:/d"]}"#)
            let box = try #require(await server.ask("GET /containers/box/json").json)
            #expect(box["HostConfig"]?["NetworkMode"] == "front")
            #expect(box["Mounts"]?.array?.first?["Name"] == "data")
            #expect(await server.ask("POST /containers/box/start").status == 204)
            #expect(await server.ask("DELETE /networks/front").status == 403)
            #expect(await server.ask("DELETE /volumes/data").status == 409)
            // One that does not run holds its volumes, and no place on a network that counts.
            #expect(await server.ask("POST /containers/box/stop?t=0").status == 204)
            #expect(await server.ask("DELETE /networks/front").status == 204)
            #expect(await server.ask("DELETE /volumes/data").status == 409)
            #expect(await server.ask("POST /containers/box/start").status == 404)
            #expect(await server.ask("DELETE /containers/box").status == 204)
            #expect(await server.ask("GET /volumes").json?["Volumes"]?.array?.count == 1)
            #expect(await server.ask("DELETE /volumes/data").status == 204)
            let volume = await server.ask("POST /volumes/create", #"{"Name":"kept","Labels":{"x":"y"}}"#)
            #expect(volume.status == 201 && volume.json?["Labels"] == ["x": "y"])
        }
    }

    @Test("a container with a name that nobody knows in advance gets one")
    func unnamed() async throws {
        try await DockerServer.with { server in
            let answer = await server.ask("POST /containers/create", #"{"Image":"busybox"}"#)
            #expect(answer.status == 201)
            #expect((await server.ask("GET /containers/json?all=1").json?.array ?? []).count == 1)
        }
    }
}
