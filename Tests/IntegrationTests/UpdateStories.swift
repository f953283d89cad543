import EngineWire
import Testing

extension Stories {
    /// New versions of services under load.
    @Suite struct Updates {
        /// `web` behind a published port, started first; `pool` of two replicas, found by name from `client`.
        private static func compose(_ version: String, image: String = "busybox", health: String = "http://127.0.0.1/")
            -> String
        {
            """
            x-server: &server
              image: \(image)
              command: sh -c 'mkdir /www; echo "serving $$VERSION"; echo $$VERSION > /www/index.html; exec httpd -f -p 80 -h /www'
              environment: { VERSION: "\(version)" }
              healthcheck: { test: [ CMD, wget, -q, -O, /dev/null, "\(health)" ], interval: 500ms, timeout: 2s, retries: 2 }
            services:
              web:
                <<: *server
                ports: [ "8080:80" ]
                deploy: { update_config: { order: start-first, monitor: 500ms, failure_action: rollback } }
              pool:
                <<: *server
                deploy: { replicas: 2, update_config: { monitor: 500ms, failure_action: rollback }, rollback_config: { monitor: 0s } }
              client: { image: busybox, command: sleep infinity }
            """
        }

        /// Requests without a pause until `stop` is there; what was answered, line by line, in two files.
        private func load(_ world: World) async throws {
            try await world.shell(
                """
                rm -f stop port.log name.log; berth exec -T client rm -f /stop
                (while [ ! -e stop ]; do curl -s --max-time 5 http://127.0.0.1:8080/ || echo failed; done > port.log 2>&1) &
                (berth exec -T client sh -c 'while [ ! -e /stop ]; do
                    for word in $(nslookup -type=a pool); do last=$word; done
                    wget -q -O - http://$last/ || echo failed; done' > name.log 2>&1) &
                sleep 0.3
                """)
        }

        private func answers(_ world: World) async throws -> [(name: String, counts: [String: Int])] {
            try await world.shell("touch stop; berth exec -T client touch /stop; sleep 0.5")
            var result: [(String, [String: Int])] = []
            for name in ["port.log", "name.log"] {
                var counts: [String: Int] = [:]
                for line in try await world.shell("cat \(name)").split(separator: "\n") {
                    counts[String(line), default: 0] += 1
                }
                result.append((name, counts))
            }
            return result
        }

        /// What a client in a container gets by name. (The busybox of these tests cannot look names up in its wget.)
        private func page(_ world: World) async throws -> String {
            let script = "for word in $(nslookup -type=a pool); do last=$word; done; wget -q -O - http://$last/"
            return try await world.berth("exec", "-T", "client", "sh", "-c", script).stdout
        }

        private func settled(_ world: World) async throws {
            try await world.eventually("all are healthy") {
                let rows = try await world.containers().filter { $0.service != "client" }
                return rows.count == 3 && rows.allSatisfy { $0.health == .healthy }
            }
        }

        @Test("a changed variable and a new image come in without a failed request, behind a port and by name")
        func underLoad() async throws {
            try await World.with(project: "under-load", Self.compose("one")) { world in
                try await world.berth(
                    "image", "import", "--change", "CMD [\"sh\"]", "--change", "LABEL new=yes",
                    try BusyboxImage.archive, "busybox:2")
                try await world.berth("up", "-d")
                try await settled(world)
                let before = Set(try await world.containers().filter { $0.service != "client" }.map(\.id))
                try await load(world)
                try world.write(Self.compose("two"))
                let plan = try await world.berth("plan").stdout
                #expect(plan.contains("create web.1 beside the old one"), "\(plan)")
                try await world.berth("up", "-d")
                try world.write(Self.compose("three", image: "busybox:2"))
                try await world.berth("up", "-d")
                for (name, counts) in try await answers(world) {
                    #expect(Set(counts.keys) == ["one", "two", "three"], "\(name): \(counts)")
                }
                let rows = try await world.containers().filter { $0.service != "client" }
                #expect(rows.count == 3 && before.isDisjoint(with: rows.map(\.id)))
                let history = try await world.berth("history", "web").stdout
                #expect(history.contains("3 *") && history.contains("environment.VERSION changed"), "\(history)")
                try await world.berth("rollback", "web")
                #expect(try await world.shell("curl -s --max-time 5 http://127.0.0.1:8080/") == "two")
                #expect(
                    try await page(world)
                        == "three\n")
                try await world.berth("rollback", "web", "--to", "1")
                #expect(try await world.shell("curl -s --max-time 5 http://127.0.0.1:8080/") == "one")
            }
        }

        @Test("two replicas with a port each: while one is away the other answers on its port")
        func portRange() async throws {
            func compose(_ version: String) -> String {
                """
                services:
                  web:
                    image: busybox
                    command: sh -c 'mkdir /www; echo $$VERSION > /www/index.html; exec httpd -f -p 80 -h /www'
                    environment: { VERSION: "\(version)" }
                    ports: [ "8080-8081:80" ]
                    healthcheck: { test: [ CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/" ], interval: 500ms }
                    deploy: { replicas: 2, update_config: { monitor: 300ms } }
                """
            }
            try await World.with(project: "port-range", compose("one")) { world in
                try await world.berth("up", "-d", "--wait")
                try await world.shell(
                    """
                    for port in 8080 8081; do
                        (while [ ! -e stop ]; do curl -s --max-time 5 http://127.0.0.1:$port/ || echo failed; done > $port.log 2>&1) &
                        (while [ ! -e stop ]; do curl -s --max-time 5 'http://[::1]:'$port/ || echo failed; done > $port.v6.log 2>&1) &
                    done
                    sleep 0.3
                    """)
                try world.write(compose("two"))
                try await world.berth("up", "-d")
                try await world.shell("touch stop; sleep 0.5")
                for name in ["8080.log", "8081.log"] {
                    let counts = try await world.shell("sort \(name) | uniq -c")
                    #expect(
                        !counts.contains("failed") && counts.contains("one") && counts.contains("two"),
                        "\(name): \(counts)")
                }
                for name in ["8080.v6.log", "8081.v6.log"] {
                    #expect(try await world.shell("sort \(name) | uniq -c").contains("two"))
                }
                #expect(Set(try await world.containers().flatMap(\.ports).map(\.hostPort)) == [8080, 8081])
            }
        }

        @Test("a version that never becomes healthy is rolled back by itself, and nobody notices but who asked for it")
        func neverHealthy() async throws {
            try await World.with(project: "never-healthy", Self.compose("one")) { world in
                try await world.berth("up", "-d")
                try await settled(world)
                let before = try await world.containers().filter { $0.service != "client" }.map(\.id).sorted()
                try await load(world)
                try world.write(Self.compose("bad", health: "http://127.0.0.1/missing"))
                let outcome = try await world.attempt("up", "-d")
                #expect(outcome.status != 0)
                #expect(outcome.stderr.contains("rolled back") && outcome.stderr.contains("is unhealthy"), "\(outcome)")
                #expect(outcome.stderr.contains("serving bad"), "its last lines: \(outcome)")
                for (name, counts) in try await answers(world) {
                    #expect(Set(counts.keys) == ["one"], "\(name): \(counts)")
                }
                #expect(try await world.containers().filter { $0.service != "client" }.map(\.id).sorted() == before)
                let history = try await world.berth("history", "pool").stdout
                #expect(history.contains("failed update"), "\(history)")
                let back = try await world.attempt("rollback", "pool")
                #expect(back.stderr.contains("no earlier version"), "the failed one does not count: \(back)")
            }
        }

        @Test(
            "an engine killed at any moment of an update goes on with it, and one of the two versions serves",
            arguments: 0..<3)
        func killed(seed: Int) async throws {
            try await World.with(project: "killed-update-\(seed)", Self.compose("0")) { world in
                try await world.berth("up", "-d")
                try await settled(world)
                for round in 1...3 {
                    try world.write(Self.compose("\(round)"))
                    let engine = try await world.engineProcess()
                    let command = try world.begin("up", "-d")
                    try await Task.sleep(for: .milliseconds(100 + (seed * 3 + round) * 331 % 2500))
                    try await world.killProcess(engine)
                    _ = try await command.outcome()
                    try await world.berth("up", "-d")
                    try await settled(world)
                    #expect(try await world.shell("curl -s --max-time 5 http://127.0.0.1:8080/") == "\(round)")
                    #expect(
                        try await page(world)
                            == "\(round)\n")
                    #expect(try await world.processes().values.filter { $0.hasPrefix("httpd") }.count == 3)
                }
                try await world.berth("down", "-t", "0")
                #expect(try await world.shell("ls \(world.root)/containers") == "")
            }
        }

        @Test("a new container that cannot be started gives its place back, and the service runs on")
        func cannotStart() async throws {
            func compose(_ command: String) -> String {
                "services: { web: { image: busybox, command: \(command), ports: [ \"8080:80\" ], scale: 1 } }"
            }
            let good = "\"sh -c 'echo hello > /index.html; exec httpd -f -p 80 -h /'\""
            try await World.with(project: "cannot-start", compose(good)) { world in
                try await world.berth("up", "-d")
                let before = try await world.container("web")
                try world.write(compose("[ /no/such/program ]"))
                let outcome = try await world.attempt("up", "-d")
                #expect(
                    outcome.status != 0 && outcome.stderr.contains("the previous container runs again"), "\(outcome)")
                #expect(outcome.stderr.contains("/no/such/program"), "\(outcome)")
                let after = try await world.container("web")
                #expect(after.id == before.id && after.state == .running)
                #expect(after.networks == before.networks && after.ports == before.ports)
                #expect(try await world.shell("curl -s --max-time 5 http://127.0.0.1:8080/index.html") == "hello")
                #expect(try await world.containers().count == 1)
                try await world.killEngine()
                #expect(try await world.berth("ps").stdout.contains("cannot-start-web-1"))
                #expect(try await world.container("web").id == before.id)
            }
        }
    }
}
