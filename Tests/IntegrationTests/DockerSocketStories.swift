import Testing

extension Stories {
    /// Containers that have the socket for Docker's clients.
    @Suite struct DockerSockets {
        private static let compose = """
            services:
              proxy: &proxy
                image: busybox
                command: sleep infinity
                stop_grace_period: 0s
                volumes: ["/var/run/docker.sock:/var/run/docker.sock"]
              board: *proxy
            """

        /// The names of the containers that a service's container is told of, through its own file.
        private func asked(by service: String, _ world: World) async throws -> Set<String> {
            let pid = try await world.initProcess(of: service)
            let answer = try await world.shell(
                "curl -sg --max-time 20 --unix-socket /proc/\(pid)/root/var/run/docker.sock http://d/containers/json | "
                    + "grep -o '\"Names\":\\[\"[^\"]*'")
            return Set(answer.split(separator: "\n").compactMap { $0.split(separator: "/").last.map(String.init) })
        }

        @Test("they reach the next engine after kill -9, berth-net's end and another kill -9")
        func nextEngine() async throws {
            try await World.with(project: "sockets", Self.compose) { world in
                let both: Set<String> = ["sockets-proxy-1", "sockets-board-1"]
                try await world.berth("up", "-d")
                let inode = try await world.shell("stat -c %i \(world.run)/docker.sock")
                for _ in 0..<2 {
                    for service in ["proxy", "board"] { #expect(try await asked(by: service, world) == both) }
                    try await world.killEngine()
                    try await world.berth("ps")
                    #expect(try await world.shell("stat -c %i \(world.run)/docker.sock") == inode)
                }
                let net = try #require(try await world.processes().first { $0.value.hasPrefix("berth-net") }).key
                try await world.killProcess(net)
                try await world.eventually("another one is there") {
                    try await world.processes().contains { $0.value.hasPrefix("berth-net") && $0.key != net }
                }
                try await world.killEngine()
                try await world.berth("ps")
                for service in ["proxy", "board"] { #expect(try await asked(by: service, world) == both) }
                // An engine that is told to leave takes its socket along only when nobody has it.
                let engine = try await world.engineProcess()
                try await world.shell("kill -TERM \(engine)")
                try await world.eventually("it is gone") { try await !world.processes().keys.contains(engine) }
                #expect(try await world.shell("stat -c %i \(world.run)/docker.sock") == inode)
                try await world.berth("ps")
                #expect(try await asked(by: "board", world) == both)
                try await world.berth("down")
                let last = try await world.engineProcess()
                try await world.shell("kill -TERM \(last)")
                try await world.eventually("it is gone") { try await !world.processes().keys.contains(last) }
                #expect(try await world.shell("test -e \(world.run)/docker.sock || echo gone") == "gone")
            }
        }

        @Test("a socket that somebody took away is made anew, and containers that have the old one are served too")
        func takenAway() async throws {
            try await World.with(project: "taken", Self.compose) { world in
                try await world.berth("up", "-d", "proxy")
                try await world.killEngine()
                try await world.shell("rm \(world.run)/docker.sock")
                try await world.berth("up", "-d")
                let both: Set<String> = ["taken-proxy-1", "taken-board-1"]
                for service in ["proxy", "board"] { #expect(try await asked(by: service, world) == both) }
                let own = try await world.shell(
                    "curl -sg --unix-socket \(world.run)/docker.sock http://d/_ping")
                #expect(own == "OK")
            }
        }
    }
}
