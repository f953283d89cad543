import DockerAPI
import Glibc
import JSON
import Linux
import NIOHTTP1
import Testing

/// Files, usage and images of containers over the routes, on a simulated machine.
@Suite struct FileRouteTests {
    @Test(
        "modes are those of Go",
        arguments: [
            (S_IFREG | 0o644, 0o644), (S_IFDIR | 0o755, 1 << 31 | 0o755), (S_IFLNK | 0o777, 1 << 27 | 0o777),
            (S_IFBLK | 0o600, 1 << 26 | 0o600), (S_IFCHR | 0o600, 1 << 26 | 1 << 21 | 0o600),
            (S_IFIFO | 0o600, 1 << 25 | 0o600), (S_IFSOCK | 0o600, 1 << 24 | 0o600),
            (S_IFREG | 0o4755, 1 << 23 | 0o755), (S_IFREG | 0o2755, 1 << 22 | 0o755),
            (S_IFDIR | 0o1777, 1 << 31 | 1 << 20 | 0o777),
        ] as [(UInt32, UInt32)])
    func modes(mode: UInt32, expected: UInt32) { #expect(Handlers.goMode(mode) == expected) }

    @Test(
        "a tar begins with what clients expect there",
        arguments: [("/", "/"), ("/a", "a"), ("/a/b/", "b"), ("/a/.", "."), ("//", "/"), ("/a/..", "..")])
    func entries(path: String, name: String) { #expect(Handlers.entry(of: path) == name) }

    @Test("a commit's configuration is said in instructions, and nothing in it is put in for a variable")
    func configuration() throws {
        let body = #"""
            {"User": "1:2", "WorkingDir": "/a b", "Env": ["A=b c", "B=$A\"", "none"], "Labels": {"k": ""},
             "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "Cmd": ["x", "y z"], "Entrypoint": ["e"],
             "StopSignal": "SIGINT", "Hostname": "h"}
            """#
        let value = try CommittedConfiguration(JSONValue(parsing: Array(body.utf8)))
        #expect(
            value.instructions == [
                "USER 1:2", #"WORKDIR "/a b""#, "STOPSIGNAL SIGINT", #"ENV A="b c""#, #"ENV B="\$A\"""#,
                #"LABEL "k"="""#, "EXPOSE 80/tcp", #"VOLUME ["/v"]"#, #"ENTRYPOINT ["e"]"#, #"CMD ["x","y z"]"#,
            ])
        #expect(try CommittedConfiguration(.null).instructions == [])
        #expect(throws: DockerFailure.self) {
            try CommittedConfiguration(JSONValue(parsing: Array(#"{"Env":["A=b\nc"]}"#.utf8)))
        }
    }

    @Test("what is asked of files is answered, or refused with dockerd's codes")
    func routes() async throws {
        try await DockerServer.with { server in
            #expect(await server.ask("POST /containers/create?name=box", #"{"Image":"busybox"}"#).status == 201)
            let root = await server.ask("HEAD /containers/box/archive?path=/")
            let header = try #require(root.headers.first(name: "x-docker-container-path-stat").flatMap(decodeBase64))
            let status = try JSONValue(parsing: header)
            #expect(root.status == 200 && status["mode"]?.integer ?? 0 > Int64(1) << 31)
            #expect(status["linkTarget"] == "")
            #expect(await server.ask("GET /containers/box/archive?path=/").status == 200)
            for method in ["HEAD", "GET"] {
                #expect(await server.ask("\(method) /containers/box/archive?path=/nosuch").status == 404)
                #expect(await server.ask("\(method) /containers/nosuch/archive?path=/").status == 404)
                #expect(await server.ask("\(method) /containers/box/archive").status == 400)
            }
            #expect(await server.ask("PUT /containers/box/archive").status == 400)
            #expect(await server.ask("GET /containers/box/changes").json == .array([]))
            #expect(await server.ask("GET /containers/box/export").status == 200)
            for path in ["changes", "export", "stats"] {
                #expect(await server.ask("GET /containers/nosuch/\(path)").status == 404)
            }
            #expect(await server.ask("POST /commit?container=nosuch").status == 404)
            let made = await server.ask("POST /commit?container=box&repo=made&tag=1", "null")
            #expect(made.status == 201 && made.json?["Id"]?.string?.hasPrefix("sha256:") == true)
            #expect(await server.ask("GET /images/nosuch/get").status == 404)
            #expect(await server.ask("GET /images/get").status == 400)
        }
    }

    @Test("a container that runs tells what it uses now and used before; one that does not, nothing")
    func usage() async throws {
        try await DockerServer.with { server in
            #expect(await server.ask("POST /containers/create?name=box", #"{"Image":"busybox"}"#).status == 201)
            let idle = try #require(await server.ask("GET /containers/box/stats?stream=0").json)
            #expect(idle["name"] == "/box" && idle["read"] == "0001-01-01T00:00:00Z")
            #expect(await server.ask("POST /containers/box/start").status == 204)
            let once = try #require(await server.ask("GET /containers/box/stats?stream=0&one-shot=1").json)
            #expect(once["preread"] == "0001-01-01T00:00:00Z" && once["precpu_stats"]?["system_cpu_usage"] == nil)
            #expect(once["cpu_stats"]?["online_cpus"] == 1 && once["pids_stats"]?["current"] == 1)
            #expect(once["memory_stats"]?["limit"]?.integer ?? 0 > 0)
            let twice = try #require(await server.ask("GET /containers/box/stats?stream=0").json)
            #expect(twice["precpu_stats"]?["system_cpu_usage"] != nil)
            #expect(await server.ask("GET /containers/box/stats?one-shot=1").status == 400)
        }
    }
}
