import EngineWire
import Testing

extension Stories {
    /// The projects of `examples/`, as a person runs them.
    @Suite struct Projects {
        @Test("hello greets")
        func hello() async throws {
            try await World.with(example: "hello", images: ["busybox"]) { world in
                try await world.berth("up", "-d", "--wait")
                let id = try await world.container("hello").id.prefix(12)
                try await world.eventually("it greets") {
                    try await world.berth("logs", "--no-log-prefix").lines == ["hello from \(id)"]
                }
                try await world.berth("down")
                #expect(try await world.containers().isEmpty)
            }
        }

        @Test("ci-fixture gives databases that answer once up returns, and down -v throws all away")
        func fixture() async throws {
            try await World.with(example: "ci-fixture", images: ["postgres", "redis"]) { world in
                for _ in 1...2 {
                    try await world.berth("up", "-d", "--wait")
                    let query = "create table t (n int); insert into t values (42); select n from t"
                    let answer = try await world.berth(
                        "exec", "-T", "postgres", "psql", "-qAt", "-U", "postgres", "-d", "fixture", "-c", query)
                    #expect(answer.trimmed == "42")
                    let reply = try await world.shell("printf 'SET a b\\r\\nQUIT\\r\\n' | busybox nc 127.0.0.1 16379")
                    #expect(reply.contains("+OK"))
                    try await world.berth("down", "-v")
                    #expect(try await world.containers().isEmpty)
                    #expect(try await world.berth("volume", "ls", "-q").stdout == "")
                }
            }
        }

        @Test("webapp counts through both replicas, keeps its data, and leaves nothing after down -v")
        func webapp() async throws {
            try await World.with(example: "webapp", images: ["nginx", "app", "redis", "postgres"]) { world in
                try await world.berth("up", "-d", "--wait")
                // nginx picks either replica by chance for each request.
                var servers: Set<String> = []
                var visits = 0
                while servers.count < 2, visits < 60 {
                    visits += 1
                    let page = try await world.shell("curl -fsS http://127.0.0.1:8080/").split(separator: "\n")
                    #expect(page.prefix(2) == ["visits in Redis: \(visits)", "rows in PostgreSQL: \(visits)"])
                    servers.insert(String(page.last ?? ""))
                }
                #expect(servers.count == 2, "\(servers)")
                // The back network is internal, and the front server is not on it.
                let lookUp = try await world.attempt("exec", "-T", "web", "getent", "hosts", "db")
                #expect(lookUp.status == 2, "\(lookUp)")
                try await world.berth("down")
                try await world.berth("up", "-d", "--wait")
                let again = try await world.shell("curl -fsS http://198.51.100.1:8080/")
                #expect(again.contains("rows in PostgreSQL: \(visits + 1)\n"))
                try await world.berth("down", "-v")
                #expect(try await world.containers().isEmpty)
                #expect(try await world.berth("volume", "ls", "-q").stdout == "")
            }
        }
    }
}
