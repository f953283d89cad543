import EngineWire
import Testing

extension Stories {
    /// Somebody at a terminal: attach, and keys that let go.
    @Suite struct Terminals {
        private static let compose = """
            services:
              shell: { image: busybox, command: sh, tty: true, stdin_open: true, init: true }
              plain:
                image: busybox
                command: [sh, -c, 'trap "echo got INT" INT; trap "exit 7" USR1; while :; do echo tick; sleep 0.2; done']
                scale: 2
              reader: { image: busybox, command: [sh, -c, 'while read line; do echo "<$$line>"; done'], stdin_open: true }
            """

        @Test("attach reaches the process itself; detach keys leave it running, and the next attach finds it as it was")
        func attach() async throws {
            try await World.with(project: "attach", Self.compose) { world in
                try await world.berth("up", "-d")
                let before = try await world.container("shell")
                let first = try world.atTerminal("attach", "shell")
                try first.type("mark=kept; echo is:$mark\n")
                try await world.eventually("the shell answers") { first.output.contains("is:kept") }
                try first.type(TerminalProgram.detachKeys)
                #expect(try await first.status() == 0)
                #expect(first.output.contains("detached: attach-shell-1 keeps running"), "\(first.output)")
                let second = try world.atTerminal("attach", "--detach-keys", "ctrl-x,d", "attach-shell-1")
                try second.type("echo still:$mark\n")
                try await world.eventually("the same shell answers") { second.output.contains("still:kept") }
                // These are now keys like any other.
                try second.type(TerminalProgram.detachKeys)
                try second.type([24])
                try second.type("d")
                #expect(try await second.status() == 0)
                let after = try await world.container("shell")
                #expect(after.processID == before.processID && after.state == .running)
                let last = try world.atTerminal("attach", "shell")
                // Ctrl-P was a key of the shell's: it has put the command before into the line.
                try last.type("\n")
                try await world.eventually("that command runs again") { last.output.contains("still:kept") }
                try last.type("exit 5\n")
                #expect(try await last.status() == 5)
            }
        }

        @Test("without a terminal attach passes signals, takes --index and --no-stdin, and its own end ends nothing")
        func plain() async throws {
            try await World.with(project: "attach-plain", Self.compose) { world in
                try await world.berth("up", "-d")
                let attached = try world.begin("attach", "--index", "2", "plain")
                try await world.eventually("it shows the output") { attached.output.contains("tick") }
                @Sendable func client() async throws -> Int? {
                    try await world.processes().first { $0.value.hasPrefix("berth attach") }?.key
                }
                try await world.shell("kill -INT \(try #require(try await client()))")
                try await world.eventually("the signal arrives") { attached.output.contains("got INT") }
                try await world.shell("kill -HUP \(try #require(try await client()))")
                #expect(try await attached.outcome().status == 130)
                #expect(try await world.container("plain", 2).state == .running)

                let aside = try world.begin("attach", "--sig-proxy=false", "plain")
                try await world.eventually("it shows the output") { aside.output.contains("tick") }
                try await world.shell("kill -INT \(try #require(try await client()))")
                #expect(try await aside.outcome().status == 130 && !aside.output.contains("got INT"))

                let ended = try world.begin("attach", "--index", "1", "plain")
                try await world.eventually("it shows the output") { ended.output.contains("tick") }
                try await world.berth("exec", "-T", "--index", "1", "plain", "kill", "-USR1", "1")
                #expect(try await ended.outcome().status == 7)
                #expect(try await world.attempt("attach", "--index", "1", "plain").stderr.contains("is not running"))

                // The end of one client's input is not the end of the container's.
                for word in ["one", "two"] {
                    try await world.shell("echo \(word) | timeout -s HUP 1 berth attach reader || true")
                    #expect(try await world.berth("logs", "reader").stdout.contains("<\(word)>"))
                }
                #expect(try await world.container("reader").state == .running)
                try await world.shell("echo three | timeout -s HUP 1 berth attach --no-stdin reader || true")
                #expect(try await world.berth("logs", "reader").stdout.contains("three") == false)
                let wrong = try await world.attempt("attach", "--detach-keys", "nokey", "reader")
                #expect(
                    wrong.status == 2 && wrong.stderr.contains("\"nokey\" is not a list of detach keys"), "\(wrong)")
            }
        }

        @Test("a command of exec and a container of run go on after the keys; run --rm is removed when it ends")
        func execAndRun() async throws {
            try await World.with(project: "detach", Self.compose) { world in
                try await world.berth("up", "-d", "plain")
                let exec = try world.atTerminal("exec", "plain", "sh", "-c", "echo here; sleep 1007; echo over")
                try await world.eventually("it runs") { exec.output.contains("here") }
                try exec.type(TerminalProgram.detachKeys)
                #expect(try await exec.status() == 0 && exec.output.contains("the command keeps running"))
                try await Task.sleep(for: .milliseconds(300))
                #expect(try await world.processes().values.contains { $0 == "sleep 1007" })
                // A closed terminal is something else: it hangs up.
                let closed = try world.atTerminal("exec", "plain", "sh", "-c", "echo here; sleep 1008; echo over")
                try await world.eventually("it runs") { closed.output.contains("here") }
                let client = try #require(
                    try await world.processes().first { $0.value.hasPrefix("berth exec") && $0.value.contains("1008") })
                try await world.shell("kill -HUP \(client.key)")
                #expect(try await closed.status() == 130)
                try await world.eventually("it is gone") {
                    try await !world.processes().values.contains { $0 == "sleep 1008" }
                }

                let run = try world.atTerminal("run", "--rm", "--name", "job", "plain", "sh", "-c", "echo up; sleep 3")
                try await world.eventually("it runs") { run.output.contains("up\r\n") }
                try run.type(TerminalProgram.detachKeys)
                #expect(try await run.status() == 0 && run.output.contains("detached: job keeps running"))
                #expect(try await world.containers().contains { $0.name == "job" && $0.state == .running })
                try await world.eventually("it is removed") {
                    try await !world.containers().contains { $0.name == "job" }
                }
            }
        }
    }
}
