import EngineWire
import Testing

extension Stories {
    /// Shells as the first process, which do not handle their stop signal.
    @Suite struct Shells {
        private static let server = """
            configs:
              server: { content: "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 1 & wait $$!; done" }
            x-server: &server
              image: busybox
              stop_grace_period: 1m
              configs: [{ source: server, target: /server }]
            """

        @Test("the program that a shell runs is told to stop, and ends in its own way")
        func graceful() async throws {
            let compose = """
                \(Self.server)
                services:
                  line: { <<: *server, command: sh -c 'sh /server; true' }
                  loop: { <<: *server, command: "sh -c 'while :; do sh /server; done'" }
                  both: { <<: *server, command: sh -c 'sh /server & sh /server & wait' }
                  init: { <<: *server, init: true, command: sh -c 'sh /server; echo bye bye' }
                """
            try await World.with(project: "graceful", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("the servers are up") {
                    try await world.berth("logs").stdout.split(separator: "\n").count { $0.hasSuffix("up") } == 5
                }
                try await world.berth("stop")
                let logs = try await world.berth("logs").stdout.split(separator: "\n").filter { $0.hasSuffix("bye") }
                #expect(logs.count == 5, "\(logs)")
                let rows = try await world.containers()
                #expect(rows.first { $0.service == "line" }?.exitCode == 0, "\(rows)")
                #expect(rows.first { $0.service == "loop" }?.exitCode == 137, "\(rows)")
                #expect(rows.first { $0.service == "init" }?.exitCode == 143, "\(rows)")
                for row in rows { #expect(row.reason?.contains("its programs got SIGTERM") == true, "\(row)") }
            }
        }

        @Test("`x-berth: {stop_programs_of_shell: false}` leaves the shell's programs alone")
        func switchedOff() async throws {
            let compose = """
                \(Self.server)
                services:
                  off:
                    <<: *server
                    x-berth: { stop_programs_of_shell: false }
                    stop_grace_period: 1s
                    command: sh -c 'sh /server; true'
                """
            try await World.with(project: "switched-off", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("the servers are up") { try await world.berth("logs").stdout.contains("up") }
                try await world.berth("stop")
                #expect(try await world.containers().first?.exitCode == 137)
                #expect(!(try await world.berth("logs").stdout.contains("bye")))
            }
        }
    }
}
