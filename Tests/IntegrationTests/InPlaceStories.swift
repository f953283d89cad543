import EngineWire
import Testing

extension Stories {
    /// What of a container is changed while its process goes on.
    @Suite struct InPlace {
        private static func compose(_ web: String, networks: String = "{ front: , back: }") -> String {
            """
            services:
              web:
                image: busybox
                command: sh -c 'echo "I am $$HOSTNAME" > /index.html; httpd -p 80 -h /; exec sleep infinity'
                scale: 2
                \(web)
              client:
                image: busybox
                command: sleep infinity
                networks: [ front, back ]
            networks: \(networks)
            """
        }

        private func processes(_ world: World) async throws -> [Int?] {
            [try await world.container("web", 1).processID, try await world.container("web", 2).processID]
        }

        /// The page of a name, as a client in a container gets it. (The busybox of these tests cannot look names up in its wget.)
        private func fetch(_ world: World, _ name: String) async throws -> String {
            let script =
                "for word in $(nslookup -type=a \(name)); do last=$word; done; wget -q -O - http://$last/index.html"
            return try await world.berth("exec", "-T", "client", "sh", "-c", script).trimmed
        }

        @Test(
            "networks, aliases, ports, limits and care change under two replicas; kill -9 of the engine between, and nothing is made anew"
        )
        func everything() async throws {
            try await World.with(
                project: "in-place",
                Self.compose("networks: [ front ]\n    ports: [ \"8080-8081:80\" ]\n    stop_grace_period: 1s")
            ) { world in
                try await world.berth("up", "-d")
                let before = try await processes(world)
                let ids = [try await world.container("web", 1).id, try await world.container("web", 2).id]
                let changed = Self.compose(
                    """
                    networks: { back: { aliases: [ shop ] } }
                        ports: [ "8090-8091:80" ]
                        restart: always
                        stop_grace_period: 2s
                        labels: { tier: front }
                        healthcheck: { test: [ CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/index.html" ], interval: 1s }
                        pids_limit: 50
                        stop_signal: SIGKILL
                    """)
                try world.write(changed)
                let plan = try await world.berth("plan").stdout
                #expect(plan.contains("detach web.1 from network in-place_front in place"), "\(plan)")
                #expect(plan.contains("attach web.2 to network in-place_back in place"), "\(plan)")
                #expect(plan.contains("update web.1 in place"), "\(plan)")
                #expect(
                    plan.contains("# networks.back added") && plan.contains("restart changed no → always"), "\(plan)")
                #expect(!plan.contains("create") && !plan.contains("stop web"), "\(plan)")
                let json = try await world.berth("plan", "--format", "json").stdout
                #expect(json.contains("update web.1 in place"))
                try await world.berth("up", "-d")
                try await world.killEngine()
                #expect(try await world.berth("up", "-d").stderr.contains("Nothing to do"))
                #expect(try await processes(world) == before)
                var ports: Set<UInt16> = []
                for number in 1...2 {
                    let row = try await world.container("web", number)
                    #expect(row.id == ids[number - 1])
                    #expect(row.networks.map(\.name) == ["in-place_back"])
                    #expect(row.labels["tier"] == "front")
                    let port = try #require(row.ports.first?.hostPort)
                    ports.insert(port)
                    let page = try await world.shell("curl -s --max-time 5 http://127.0.0.1:\(port)/index.html")
                    #expect(page == "I am \(row.id.prefix(12))")
                    #expect(try await fetch(world, "in-place-web-\(number)") == page)
                    let limit = try await world.shell(
                        "cat $(find /sys/fs/cgroup -path '*\(row.id)/pids.max' | head -n 1)")
                    #expect(limit == "50")
                }
                #expect(ports == [8090, 8091])
                #expect(try await fetch(world, "shop").hasPrefix("I am "))
                #expect(
                    try await world.shell("curl -s --max-time 2 http://127.0.0.1:8080/ || echo refused") == "refused")
                #expect(
                    try await world.attempt("exec", "-T", "web", "sh", "-c", "ls /sys/class/net | grep -c eth").stdout
                        == "1\n")
                try await world.eventually("both are healthy by the new check") {
                    let first = try await world.container("web", 1).health
                    return try await world.container("web", 2).health == .healthy && first == .healthy
                }
                // And back, onto both networks.
                try world.write(
                    Self.compose(
                        "networks: [ front, back ]\n    ports: [ \"8080-8081:80\" ]\n    stop_grace_period: 1s"))
                try await world.berth("up", "-d")
                #expect(try await processes(world) == before)
                #expect(try await world.container("web", 2).networks.count == 2)
                #expect(try await fetch(world, "web").hasPrefix("I am "))
                #expect(
                    try await world.shell("curl -s --max-time 5 http://127.0.0.1:8081/index.html").hasPrefix("I am "))
            }
        }

        @Test("a port that another program has leaves the container as it was, and says whose it is")
        func takenPort() async throws {
            try await World.with(
                project: "in-place-port",
                "services: { web: { image: busybox, command: sleep infinity, ports: [ \"8080:80\" ] } }"
            ) { world in
                try await world.berth("up", "-d")
                let before = try await world.container("web")
                try await world.shell("busybox httpd -p 8085 -h /tmp")
                try world.write(
                    "services: { web: { image: busybox, command: sleep infinity, ports: [ \"8085:80\" ] } }")
                let outcome = try await world.attempt("up", "-d")
                #expect(outcome.status != 0 && outcome.stderr.contains("8085"), "\(outcome)")
                let after = try await world.container("web")
                #expect(after.processID == before.processID && after.ports == before.ports)
            }
        }
    }
}
