import EngineWire
import Linux
import Testing

extension Stories {
    /// Where containers' output goes.
    @Suite struct LoggingDrivers {
        private static func compose(_ address: String) -> String {
            """
            services:
              web:
                image: busybox
                command: sh -c 'echo one; echo two >&2; trap "echo last; exit" TERM; while :; do sleep 0.05; done'
                logging: { driver: syslog, options: { syslog-address: "\(address)", tag: "{{.Name}}", mode: blocking } }
            """
        }

        @Test(
            "syslog gets every line, those too that were written while it or the engine was away, and logs works as ever"
        )
        func syslog() async throws {
            try await World.with(project: "syslog", Self.compose("tcp://127.0.0.1:5514")) { world in
                try await world.berth("up", "-d")
                try await world.eventually("two lines are logged") {
                    try await world.berth("logs", "--no-log-prefix").lines.sorted() == ["one", "two"]
                }
                try await world.killEngine()
                try await world.shell("busybox nc -l -p 5514 > received & echo $!")
                try await world.berth("ps")
                try await world.eventually("both lines arrived") {
                    try await world.shell("cat received").split(separator: "\n").count == 2
                }
                try await world.berth("stop")
                try await world.eventually("the last line arrived") {
                    try await world.shell("cat received").hasSuffix(": last")
                }
                let lines = try await world.shell("cat received").split(separator: "\n")
                #expect(lines.map { $0.prefix { $0 != ">" } } == ["<30", "<27", "<30"])
                #expect(lines.allSatisfy { $0.contains(" syslog-web-1[") })
            }
        }

        @Test("what a container says last is sent on before down takes its log away")
        func lastWords() async throws {
            try await World.with(project: "last-words", Self.compose("tcp://127.0.0.1:5515")) { world in
                try await world.shell("busybox nc -l -p 5515 > received & echo $!")
                try await world.berth("up", "-d")
                try await world.eventually("it listens for its end") {
                    try await world.berth("logs").stdout.contains("two")
                }
                try await world.berth("down")
                try await world.eventually("the last line arrived") {
                    try await world.shell("cat received").contains("]: last")
                }
            }
        }

        @Test("a driver that is not there is said, and the log is kept; an option that is not there is refused")
        func otherDrivers() async throws {
            func compose(_ logging: String) -> String {
                "services: { web: { image: busybox, command: sh -c 'echo kept; exec sleep infinity', logging: \(logging) } }"
            }
            try await World.with(project: "drivers", compose("{ driver: gelf, options: { gelf-address: x } }")) {
                world in
                let up = try await world.berth("up", "-d")
                #expect(up.stderr.contains("no logging driver \"gelf\""), "\(up)")
                try await world.eventually("its line is kept") {
                    try await world.berth("logs").stdout.contains("kept")
                }
                try world.write(compose("{ driver: json-file, options: { max-sise: 1m } }"))
                let refused = try await world.attempt("up", "-d")
                #expect(refused.status == 1 && refused.stderr.contains("no option \"max-sise\""), "\(refused)")
            }
        }

        @Test(
            "logs -f shows every start of a service that is restarted and made anew, and ends when all have ended",
            arguments: [false, true])
        func followedRestarts(isAlone: Bool) async throws {
            func compose(_ tag: String) -> String {
                let other = isAlone ? "" : "\n  other: { image: busybox, command: sleep infinity }"
                return """
                    services:
                      web:
                        image: busybox
                        command: sh -c 'echo start \(tag); exec sleep infinity'\(other)
                    """
            }
            try await World.with(project: "followed-restarts-\(isAlone ? "one" : "two")", compose("a")) { world in
                try await world.berth("up", "-d")
                let follower = try world.begin("logs", "-f", "--no-log-prefix")
                func starts(_ count: Int) async throws {
                    try await world.eventually("\(count) starts are shown") {
                        follower.output.split(separator: "\n").filter { $0.hasPrefix("start") }.count == count
                    }
                }
                try await starts(1)
                for round in 2...3 {
                    try await world.berth("restart", "-t", "0", "web")
                    try await starts(round)
                }
                try world.write(compose("b"))
                try await world.berth("up", "-d", "-t", "0")
                try await starts(4)
                try await world.berth("stop", "-t", "0")
                #expect(try await follower.outcome().status == 0)
            }
        }

        @Test("a line of 10 MB is one line, and standard error comes on standard output")
        func longLine() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sh -c "head -c 10000000 /dev/zero | tr '\\\\0' x; echo; echo after >&2"
                """
            try await World.with(project: "long-line", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("web", is: .exited)
                let lines = try await world.berth("logs", "--no-log-prefix").lines
                #expect(lines.map(\.utf8.count) == [10_000_000, 5])
                let tail = try await world.berth("logs", "--no-log-prefix", "--tail", "2").lines
                #expect(tail.map(\.utf8.count) == [10_000_000, 5])
            }
        }

        @Test(
            "beside a container that writes without pause logs ends, readers that are slow cost no memory, and all are served"
        )
        func chatty() async throws {
            let compose = """
                services:
                  chatty:
                    image: busybox
                    command: yes this line has about as many characters as one that a server writes for a request
                    logging: { options: { max-size: 1m } }
                  quiet: { image: busybox, command: sh -c 'echo hello; exec sleep infinity' }
                """
            try await World.with(project: "chatty", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("there are some files") {
                    try await world.shell("ls \(world.root)/containers/*/log.json* | wc -l") >= "4"
                }
                #expect(try await world.berth("logs", "--tail", "10", "chatty").lines.count == 10)
                #expect(try await world.berth("logs", "quiet").stdout == "quiet-1  | hello\n")
                let engine = try await world.engineProcess()
                func memory() async throws -> Int {
                    Int(try await world.shell("awk '/^VmRSS/ { print $2 }' /proc/\(engine)/status")) ?? 0
                }
                let before = try await memory()
                // Each reads a little and then nothing.
                try await world.shell(
                    "for n in 1 2 3; do (berth logs -f | { head -c 100 >/dev/null; sleep 1000; }) & done")
                let followers = try (0..<4).map { _ in try world.begin("logs", "-f", "--tail", "1", "chatty") }
                try await world.eventually("every follower gets lines") {
                    followers.allSatisfy { $0.output.utf8.count > 10_000 }
                }
                #expect(try await memory() < before + 64_000)
                try await world.berth("down", "-t", "0")
                for follower in followers { #expect(try await follower.outcome().status == 0) }
            }
        }

        @Test("a follower that goes away leaves nothing in the engine, however quiet its container is")
        func leavingFollowers() async throws {
            let compose = "services: { web: { image: busybox, command: sleep infinity } }"
            try await World.with(project: "leaving-followers", compose) { world in
                try await world.berth("up", "-d")
                let engine = try await world.engineProcess()
                @Sendable func descriptors() async throws -> Int {
                    Int(try await world.shell("ls /proc/\(engine)/fd | wc -l")) ?? 0
                }
                try await world.berth("logs")
                let before = try await descriptors()
                try await world.shell("for n in 1 2 3 4 5 6; do timeout -s KILL 1 berth logs -f & done; wait; true")
                try await world.eventually("their descriptors are closed") { try await descriptors() <= before }
            }
        }
    }
}
