import EngineWire
import Testing

extension Stories {
    @Suite struct Life {
        static let hello = """
            services:
              hello:
                image: busybox
                command: sh -c 'echo "hello from $$HOSTNAME"; exec sleep infinity'
            """

        @Test("up, ps, logs and down leave nothing behind")
        func hello() async throws {
            try await World.with(project: "hello", Self.hello) { world in
                let mounts = try await world.shell("cat /proc/1/mountinfo")
                try await world.berth("up", "-d")
                let row = try await world.container("hello")
                #expect(row.state == .running)
                #expect(try await world.berth("ps").stdout.contains("hello-hello-1"))
                #expect(try await world.berth("logs").stdout == "hello-1  | hello from \(row.id.prefix(12))\n")
                #expect(try await world.shell("nft list tables").contains("berth"))
                try await world.berth("down")
                #expect(try await world.containers().isEmpty)
                #expect(try await world.shell("nft list tables") == "")
                #expect(try await !world.shell("ip -o link").contains("berth"))
                #expect(try await world.shell("cat /proc/1/mountinfo") == mounts)
                #expect(try await world.shell("find /sys/fs/cgroup -name \(row.id)") == "")
                #expect(try await !world.processes().values.contains { $0.contains("sleep") || $0.contains("monitor") })
                #expect(try await world.shell("ls \(world.root)/containers") == "")
            }
        }

        @Test("a second up does nothing and says so")
        func secondUp() async throws {
            try await World.with(project: "second-up", Self.hello) { world in
                try await world.berth("up", "-d")
                let before = try await world.container("hello")
                #expect(try await world.berth("up", "-d").stderr.contains("Nothing to do"))
                let after = try await world.container("hello")
                #expect(after.id == before.id)
                #expect(after.processID == before.processID)
            }
        }

        @Test("a changed environment recreates that service alone, and up says why")
        func changedEnvironment() async throws {
            func compose(_ value: String) -> String {
                """
                services:
                  api: { image: busybox, command: sleep infinity, environment: { LEVEL: "\(value)" } }
                  db: { image: busybox, command: sleep infinity }
                """
            }
            try await World.with(project: "changed", compose("one")) { world in
                try await world.berth("up", "-d")
                let api = try await world.container("api")
                let database = try await world.container("db")
                try world.write(compose("two"))
                let plan = try await world.berth("plan")
                #expect(plan.stdout.contains("environment.LEVEL"), "\(plan)")
                try await world.berth("up", "-d")
                #expect(try await world.container("api").id != api.id)
                #expect(try await world.container("db") == database)
                #expect(try await world.berth("exec", "-T", "api", "sh", "-c", "echo $LEVEL").stdout == "two\n")
            }
        }
    }

    @Suite struct Survival {
        @Test("a killed engine leaves its containers running, and the next up changes nothing")
        func engineKilled() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sh -c 'n=0; while true; do n=$$((n+1)); echo "line $$n"; sleep 0.1; done'
                """
            try await World.with(project: "engine-killed", compose) { world in
                try await world.berth("up", "-d")
                let before = try await world.container("web")
                try await world.killEngine()
                let reached = try await world.shell("grep -c line \(world.root)/containers/\(before.id)/log.json")
                let lines = try #require(Int(reached))
                try await world.eventually("the log goes on") {
                    let text = try await world.shell("grep -c line \(world.root)/containers/\(before.id)/log.json")
                    return (Int(text) ?? 0) > lines + 3
                }
                #expect(try await world.berth("up", "-d").stderr.contains("Nothing to do"))
                let after = try await world.container("web")
                #expect(after.id == before.id)
                #expect(after.processID == before.processID)
                let log = try await world.berth("logs", "--no-log-prefix", "web").lines
                #expect(log.prefix(3) == ["line 1", "line 2", "line 3"])
                #expect(log.count > lines)
            }
        }

        @Test(
            "an engine killed at any moment of up and down leaves nothing that the next one does not know",
            arguments: 0..<4)
        func engineKilledOnTheWay(seed: Int) async throws {
            let compose = """
                services:
                  db: { image: busybox, command: sleep infinity, volumes: [ "data:/data", /scratch ] }
                  web: { image: busybox, command: sleep infinity, ports: [ "8080:80" ], depends_on: [ db ], scale: 1 }
                  job: { image: busybox, command: "true" }
                volumes: { data: }
                """
            try await World.with(project: "killed-\(seed)", compose) { world in
                for round in 0..<4 {
                    // Moments from the first request to the end of an `up` and a `down` as they last here.
                    let moment = 5 + (seed * 4 + round) * 37 % 400
                    for verb in ["up", "down"] {
                        try await world.berth("ps")
                        let engine = try await world.engineProcess()
                        let command =
                            verb == "up" ? try world.begin("up", "-d") : try world.begin("down", "-t", "0", "-v")
                        try await Task.sleep(for: .milliseconds(moment))
                        try await world.killProcess(engine)
                        _ = try await command.outcome()
                    }
                    try await world.berth("up", "-d")
                    let processes = [try await world.initProcess(of: "web"), try await world.initProcess(of: "db")]
                    try await world.berth("up", "-d", "web")
                    #expect(
                        [try await world.initProcess(of: "web"), try await world.initProcess(of: "db")] == processes)
                    try await world.eventually("the job has ended") {
                        try await world.container("job").exitCode == 0
                    }
                    try await world.berth("down", "-t", "0", "-v")
                    #expect(try await leftovers(in: world) == [], "killed after \(moment) ms")
                }
            }
        }

        /// What a project that is gone has left on the machine.
        private func leftovers(in world: World) async throws -> [String] {
            let found = try await world.shell(
                """
                ip -o link | grep -o 'berth[^:@]*' || true
                ls \(world.root)/containers \(world.root)/volumes \(world.run)/containers 2>/dev/null | grep -v ':$' || true
                nft -s list ruleset | grep dnat || true
                grep -o '\(world.root)/containers/[^ ]*' /proc/self/mountinfo || true
                """)
            let monitors = try await world.processes().values.filter { $0.hasPrefix("berth-monitor") }
            return found.split(separator: "\n").map(String.init).filter { !$0.isEmpty } + monitors
        }
    }
}
