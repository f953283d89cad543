import EngineWire
import Testing

extension Stories {
    @Suite struct Singles {
        @Test("one replica is stopped, started, paused, killed and removed by its name, and its sibling stays as it is")
        func replica() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, scale: 2, stop_grace_period: 1s }
                """
            try await World.with(project: "one", compose) { world in
                try await world.berth("up", "-d")
                func states() async throws -> [String] {
                    try await world.containers().sorted { $0.name < $1.name }.map { "\($0.name) \($0.state.rawValue)" }
                }
                let second = try #require(try await world.containers().first { $0.name == "one-web-2" })
                let steps = [
                    (["stop", "one-web-1"], ["one-web-1 exited", "one-web-2 running"]),
                    (["start", "web-1"], ["one-web-1 running", "one-web-2 running"]),
                    (["pause", "one-web-1"], ["one-web-1 paused", "one-web-2 running"]),
                    (["unpause", "one-web-1"], ["one-web-1 running", "one-web-2 running"]),
                    (["restart", "one-web-1"], ["one-web-1 running", "one-web-2 running"]),
                    (["kill", "one-web-1"], ["one-web-1 exited", "one-web-2 running"]),
                    (["rm", "-f", "one-web-1"], ["one-web-2 running"]),
                ]
                for (words, expected) in steps {
                    let outcome = try await world.attempt(words: words)
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(try await states() == expected, "\(words)")
                }
                // An engine that begins anew keeps it so.
                try await world.killEngine()
                try await world.berth("ps")
                #expect(try await states() == ["one-web-2 running"])
                let same = try #require(try await world.containers().first)
                #expect(same.processID == second.processID && same.id == second.id)
                try await world.berth("up", "-d")
                #expect(try await states() == ["one-web-1 running", "one-web-2 running"])
            }
        }

        @Test("container ls shows what docker ps shows, whoever made it; image ls picks by name and shows digests")
        func lists() async throws {
            try await World.with(
                project: "lists",
                "services: { web: { image: busybox, command: sleep infinity, stop_grace_period: 0s } }"
            ) { world in
                try await world.berth("up", "-d")
                try await world.berth("container", "run", "-d", "--name", "box", "busybox", "sleep", "600")
                try await world.berth("run", "-d", "--name", "once", "web", "true")
                @Sendable func names(_ words: String...) async throws -> [Substring] {
                    let words = ["container", "ls", "--format", "{{.Name}}"] + words
                    return try await world.attempt(words: words).lines.sorted().map { $0[...] }
                }
                try await world.eventually("it has ended") { try await names() == ["box", "lists-web-1"] }
                #expect(try await names("-a") == ["box", "lists-web-1", "once"])
                #expect(try await names("-a", "--filter", "project=lists") == ["lists-web-1", "once"])
                try await world.berth("image", "tag", "busybox", "team/box:2")
                @Sendable func images(_ words: String...) async throws -> String {
                    let format = ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
                    return try await world.attempt(words: format + words).trimmed
                }
                #expect(try await images("--filter", "reference=team/*") == "team/box:2")
                #expect(try await images("--filter", "reference=busy*", "-a") == "busybox:latest")
                #expect(try await images("--filter", "dangling=true") == "")
                #expect(try await world.berth("image", "ls", "--digests").stdout.contains("DIGEST"))
            }
        }

        @Test("a container of no project runs, restarts, survives the engine's death and goes")
        func free() async throws {
            try await World.with(project: "free", "services: { web: { image: busybox, command: sleep infinity } }") {
                world in
                let output = try await world.berth(
                    "container", "run", "--rm", "busybox", "sh", "-c", "echo $0 $((6*7))")
                #expect(output.stdout == "sh 42\n", "\(output)")
                let failed = try await world.attempt("container", "run", "--rm", "busybox", "sh", "-c", "exit 7")
                #expect(failed.status == 7)
                #expect(try await world.berth("container", "ls", "-aq").stdout.isEmpty)
                let id = try await world.berth(
                    "container", "run", "-d", "--name", "box", "--restart", "always", "-p", "127.0.0.1:18099:80", "-v",
                    "kept:/data", "-e", "A=b", "busybox", "sh", "-c",
                    "echo begun; echo $A > /data/a; httpd -p 80 -h /data; "
                        + "while [ ! -e /data/end ]; do sleep 0.1; done; rm /data/end"
                ).trimmed
                #expect(id.utf8.count == 64)
                try await world.eventually("it answers") {
                    try await world.shell("curl -s http://127.0.0.1:18099/a || true") == "b"
                }
                #expect(try await world.berth("container", "logs", "box").stdout == "begun\n")
                #expect(try await world.berth("exec", "-T", "box", "cat", "/data/a").trimmed == "b")
                try await world.killEngine()
                let row = try #require(try await world.berth("container", "ls", "--format", "json").lines.first)
                #expect(row.contains("\"box\"") && row.contains("\"running\""), "\(row)")
                try await world.shell("touch $BERTH_ROOT/volumes/kept/_data/end")
                try await world.eventually("its policy starts it again") {
                    try await world.berth("container", "logs", "box").lines.count > 1
                }
                try await world.berth("container", "stop", "-t", "1", "box")
                #expect(try await world.berth("container", "ls", "-q").stdout.isEmpty)
                try await world.berth("container", "start", "box")
                let refused = try await world.attempt("container", "rm", "box")
                #expect(refused.status == 1 && refused.stderr.contains("--force"), "\(refused)")
                let twice = try await world.attempt("container", "run", "-d", "--name", "box", "busybox", "true")
                #expect(twice.status == 1 && twice.stderr.contains("already in use"), "\(twice)")
                try await world.berth("container", "rm", "-f", "box")
                #expect(try await world.berth("container", "ls", "-aq").stdout.isEmpty)
                let broken = try await world.attempt("container", "run", "-d", "--name", "box", "busybox", "/no/such")
                #expect(broken.status != 0, "\(broken)")
                #expect(try await world.berth("container", "ls", "-aq").stdout.isEmpty)
                try await world.berth("network", "rm", "bridge")
                try await world.berth("volume", "rm", "kept")
            }
        }
    }
}
