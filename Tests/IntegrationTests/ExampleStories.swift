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
            try await World.with(example: "webapp", images: ["nginx", "python", "redis", "postgres"]) { world in
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

        @Test("polyglot builds its three images, counts with the token, and takes edits over while it is watched")
        func polyglot() async throws {
            try await World.with(example: "polyglot", images: ["nginx", "python", "gcc"]) { world in
                try await world.berth("up", "-d", "--wait")
                @Sendable func get(_ path: String) async throws -> String {
                    // While a container is replaced nobody answers.
                    try await world.shell("curl -fsS http://127.0.0.1:8090/\(path) || true")
                }
                #expect(try await get("").contains("<h1>Counting</h1>"))
                try await world.eventually("both workers count") {
                    let count = try await get("count").filter(\.isNumber)
                    return (Int(count) ?? 0) > 3
                }
                let forbidden = try await world.attempt(
                    "exec", "-T", "worker", "python3", "-c",
                    "import urllib.request as r; r.urlopen(r.Request('http://api:8000/count', method='POST'))")
                #expect(forbidden.stderr.contains("403"))
                // The page is signed with the key, and the key is nowhere.
                let signed = try await world.shell(
                    "curl -fsS http://127.0.0.1:8090/ | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(xxd -p signing_key.txt | tr -d '\\n')"
                )
                #expect(signed.hasSuffix(try await get("index.html.sig")))
                let key = try await world.shell("grep -rl 'a key for the example' \(world.root) || true")
                #expect(key == "")
                // The second build has nothing to do.
                let again = try await world.berth("--progress", "plain", "up", "-d", "--build")
                #expect(again.stderr.contains("Nothing to do"))
                let watch = try world.begin("watch", "--no-up", "--quiet")
                try await world.eventually("watch is enabled") { watch.output.contains("Watch enabled") }
                try await world.shell("echo '/* edited */' >> site/assets/style.css")
                try await world.eventually("the style is there") {
                    try await get("assets/style.css").contains("edited")
                }
                try await world.shell("sed -i s/Counting/Recounting/ site/pages/index.txt")
                try await world.eventually("the page was built again") { try await get("").contains("Recounting") }
                try await world.shell("sed -i 's/counted up to/and now/' worker/worker.py")
                try await world.eventually("both workers say it") {
                    let logs = try await world.berth("logs", "worker").lines
                    return ["worker-1", "worker-2"].allSatisfy { name in
                        logs.contains { $0.hasPrefix(name) && $0.contains("and now") }
                    }
                }
                try await world.shell("sed -i 's/listen 80;/listen 80; add_header X-Edited yes;/' site/nginx.conf")
                try await world.eventually("nginx has the new settings") {
                    try await world.shell("curl -fsSI http://127.0.0.1:8090/ || true").contains("X-Edited: yes")
                }
                let process = try #require(
                    try await world.processes().filter { $0.value.hasPrefix("berth watch") }.keys.min())
                try await world.shell("kill -INT \(process)")
                #expect(try await watch.outcome().status == 130)
                try await world.berth("down", "--rmi", "local")
            }
        }
    }
}
