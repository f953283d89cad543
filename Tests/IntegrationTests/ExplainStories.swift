import EngineWire
import Testing

extension Stories {
    /// Why containers are as they are, and signals that only are signals.
    @Suite struct Explaining {
        private static func compose(_ more: String = "") -> String {
            """
            services:
              web:
                image: busybox
                command: [sh, -c, 'trap "echo handled" TERM USR1; while :; do sleep 0.1; done']
                restart: always
                environment: { TOKEN: s3cret\(more) }
              job: { image: busybox, command: [sh, -c, 'sleep 0.3; exit 3'], depends_on: [web] }
            """
        }

        @Test("explain tells starts, ends and changes with their causes, also after kill -9 of the engine")
        func explain() async throws {
            try await World.with(project: "explained", Self.compose()) { world in
                try await world.berth("up", "-d")
                try await world.eventually("job", is: .exited)
                try world.write(Self.compose(", DEBUG: hidden"))
                try await world.berth("up", "-d", "-t0", "web")
                let web = try await world.initProcess(of: "web")
                try await world.shell("kill -9 \(web)")
                try await world.eventually("it was restarted") {
                    let row = try await world.container("web")
                    return row.state == .running && row.processID != web
                }
                try await world.killEngine()
                let text = try await world.berth("explain").stdout
                let lines = text.split(separator: "\n").map(String.init)
                #expect(
                    lines[0].hasPrefix("explained-job-1  Exited (3)") && lines[0].hasSuffix("wanted: running"),
                    "\(text)")
                for part in [
                    "waits    for a verb: nothing starts it by itself: exited by itself with code 3; restart: no",
                    "created from busybox", "by berth up: no container", "ended with code 3 after 0.",
                    "recreated from busybox", "by berth up: environment.DEBUG added",
                    "ended with code 137 (killed by SIGKILL)", "to be restarted in 0.1s",
                    "started by its restart policy",
                ] { #expect(text.contains(part), "\(part):\n\(text)") }
                #expect(!text.contains("s3cret") && !text.contains("hidden"))
                let one = try await world.berth("explain", "--tail", "1", "explained-web-1").stdout
                #expect(one.contains("--tail all)") && !one.contains("created from"), "\(one)")
                let json = try await world.berth("explain", "--json", "job").stdout
                #expect(json.contains(#""exitCode":3"#) && json.contains(#""kind":"start""#), "\(json)")
                try await world.berth("container", "run", "-d", "--name", "box", "busybox", "sleep", "1009")
                let box = try await world.berth("explain", "box").stdout
                #expect(box.contains("started by berth container run"), "\(box)")
                try await world.berth("container", "rm", "-f", "box")
                #expect(try await world.attempt("explain", "nosuch").status == 1)
            }
        }

        @Test(
            "kill sends its signal and nothing else: who handles it runs on; what ends by it stays down, and ps says why"
        )
        func kill() async throws {
            try await World.with(project: "signals", Self.compose()) { world in
                try await world.berth("up", "-d", "web")
                let before = try await world.initProcess(of: "web")
                for signal in ["TERM", "USR1"] {
                    let handled = try await world.berth("logs", "web").stdout.ranges(of: "handled").count
                    try await world.berth("kill", "-s", signal, "web")
                    try await world.eventually("\(signal) is handled") {
                        try await world.berth("logs", "web").stdout.ranges(of: "handled").count > handled
                    }
                }
                #expect(try await world.initProcess(of: "web") == before)
                // It ends by itself later: still as a consequence.
                try await world.shell("kill -9 \(before)")
                try await world.eventually("web", is: .exited)
                let ps = try await world.berth("ps", "-a", "--no-trunc").stdout
                #expect(
                    ps.contains("ended after SIGTERM from berth, with code 137 (SIGKILL)")
                        || ps.contains("ended after SIGUSR1"), "\(ps)")
                try await world.killEngine()
                try await world.berth("ps")
                #expect(try await world.container("web").state == .exited)
                try await world.berth("up", "-d", "web")
                let after = try await world.initProcess(of: "web")
                try await world.shell("kill -9 \(after)")
                try await world.eventually("the policy acts again") {
                    let row = try await world.container("web")
                    return row.state == .running && row.processID != after
                }
            }
        }

        @Test("logs are what the program wrote, carriage returns and the end of a terminal's lines too")
        func bytes() async throws {
            let compose = """
                services:
                  plain: { image: busybox, command: [sh, -c, "printf 'a\\\\rb\\\\r\\\\nc\\\\r\\\\n'"] }
                  terminal: { image: busybox, command: [sh, -c, "printf 'one\\\\ntwo\\\\n'"], tty: true }
                """
            try await World.with(project: "bytes", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("plain", is: .exited)
                try await world.eventually("terminal", is: .exited)
                let plain = try await world.shell("berth logs --no-log-prefix plain | od -An -c | tr -s ' '")
                #expect(plain == " a \\r b \\r \\n c \\r \\n", "\(plain)")
                let terminal = try await world.shell("berth logs --no-log-prefix terminal | od -An -c | tr -s ' '")
                #expect(terminal == " o n e \\r \\n t w o \\r \\n", "\(terminal)")
                let api = try await world.shell(
                    "curl -sg --unix-socket \(world.run)/docker.sock 'http://d/containers/bytes-terminal-1/logs?stdout=1' | od -An -c | tr -s ' '"
                )
                #expect(api == terminal, "\(api)")
            }
        }
    }
}
