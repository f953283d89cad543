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
                    try await world.berth("logs", "--no-log-prefix").stdout == "one\n"
                }
                #expect(try await world.berth("logs", "--no-log-prefix").stderr == "two\n")
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
                    try await world.berth("logs").stderr.contains("two")
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
    }
}
