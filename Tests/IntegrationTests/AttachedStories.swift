import EngineWire
import Testing

extension Stories {
    /// An `up` in the foreground beside another terminal.
    @Suite struct Attached {
        private static let compose = """
            services:
              web:
                image: busybox
                command: [sh, -c, 'trap "exit 0" TERM; echo web starts; sleep infinity & wait']
              db:
                image: busybox
                command: [sh, -c, 'trap "exit 0" TERM; echo db starts; sleep infinity & wait']
            """

        @Test("an attached up stays, whatever another terminal does with its containers, and Ctrl-C ends it with 130")
        func otherTerminal() async throws {
            try await World.with(project: "attached", Self.compose) { world in
                let up = try world.begin("up")
                @Sendable func starts(_ name: String) -> Int { up.output.ranges(of: "\(name) starts").count }
                func reach(_ web: Int, _ db: Int, _ after: String) async throws {
                    try await world.eventually("\(web) and \(db) starts are shown after \(after)") {
                        starts("web") == web && starts("db") == db
                    }
                }
                try await reach(1, 1, "up")
                try await world.berth("up", "-d", "--force-recreate")
                try await reach(2, 2, "up --force-recreate")
                try await world.berth("restart")
                try await reach(3, 3, "restart")
                try await world.berth("stop", "web")
                try await world.berth("start", "web")
                try await reach(4, 3, "stop and start")
                try await world.berth("up", "-d", "--scale", "web=2")
                try await reach(5, 3, "scale")
                try await world.berth("restart", "db")
                try await reach(5, 4, "restart of one")
                let client = try #require(try await world.processes().first { $0.value.hasPrefix("berth up") })
                try await world.shell("kill -INT \(client.key)")
                #expect(try await up.outcome().status == 130)
                let states = try await world.containers().map(\.state)
                #expect(states == [.exited, .exited, .exited])
            }
        }
    }
}
