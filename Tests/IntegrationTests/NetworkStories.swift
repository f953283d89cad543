import EngineWire
import Testing

extension Stories {
    @Suite struct Networks {
        static let web = """
            services:
              web:
                image: busybox
                command: sh -c 'echo "the page" > /tmp/index.html; exec httpd -f -p 80 -h /tmp'
                ports: ["8080:80"]
            """

        @Test("a published port answers on the loopback, on the host's address and on the container's own")
        func publishedPort() async throws {
            try await World.with(project: "published", Self.web) { world in
                try await world.berth("up", "-d")
                let row = try await world.container("web")
                let address = try #require(row.networks.first?.addresses.first)
                for place in ["127.0.0.1:8080", "198.51.100.1:8080", address] {
                    try await world.eventually("\(place) answers") {
                        try await world.shell("curl -s --max-time 5 http://\(place)/") == "the page"
                    }
                }
                #expect(try await world.berth("port", "web", "80").trimmed == "0.0.0.0:8080")
                try await world.berth("down")
                let refused = try await world.shell("curl -s --max-time 5 http://127.0.0.1:8080/ || echo refused")
                #expect(refused == "refused")
            }
        }

        @Test("services and all their replicas are found by name, and only from networks they share")
        func names() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, scale: 2, networks: [front] }
                  client: { image: busybox, command: sleep infinity, networks: { front: { aliases: [shop] } } }
                  hermit: { image: busybox, command: sleep infinity, networks: [back] }
                networks: { front: {}, back: {} }
                """
            try await World.with(project: "names", compose) { world in
                try await world.berth("up", "-d")
                let addresses = try await world.containers().filter { $0.service == "web" }
                    .flatMap { $0.networks.flatMap(\.addresses) }
                let found = try await world.berth("exec", "-T", "client", "nslookup", "web").stdout
                #expect(addresses.count == 2)
                for address in addresses { #expect(found.contains(address), "\(found)") }
                try await world.berth("exec", "-T", "web", "ping", "-c", "1", "-W", "2", "shop")
                try await world.berth("exec", "-T", "client", "ping", "-c", "1", "-W", "2", "names-web-2")
                let hermit = try await world.attempt("exec", "-T", "hermit", "nslookup", "web")
                #expect(hermit.status != 0, "\(hermit)")
            }
        }

        @Test("a deleted bridge comes back, and containers reach one another again")
        func bridge() async throws {
            try await World.with(project: "bridge", Self.web) { world in
                try await world.berth("up", "-d")
                let bridge = try #require(try await world.get("networks", as: [NetworkRow].self).first?.bridge)
                let before = try await world.initProcess(of: "web")
                try await world.shell("ip link delete \(bridge)")
                try await world.eventually("the page answers again") {
                    try await world.shell("curl -s --max-time 2 http://127.0.0.1:8080/ || true") == "the page"
                }
                #expect(try await world.initProcess(of: "web") == before)
            }
        }

        @Test("a flushed firewall comes back")
        func flushedFirewall() async throws {
            try await World.with(project: "flushed", Self.web) { world in
                try await world.berth("up", "-d")
                let before = try await world.shell("nft -s list ruleset")
                try await world.shell("nft flush ruleset")
                try await world.eventually("the rules are as they were") {
                    try await world.shell("nft -s list ruleset") == before
                }
                #expect(try await world.shell("curl -s --max-time 5 http://127.0.0.1:8080/") == "the page")
            }
        }

        @Test("a killed berth-net comes back, and names are answered again")
        func nameServiceKilled() async throws {
            try await World.with(project: "dns-killed", Self.web) { world in
                try await world.berth("up", "-d")
                let process = try await world.processes().first { $0.value.hasPrefix("berth-net") }
                try await world.killProcess(try #require(process?.key))
                try await world.eventually("web is found again") {
                    try await world.attempt("exec", "-T", "web", "nslookup", "web").status == 0
                }
            }
        }

        @Test("a port that another process holds is refused before anything changes, and the process is named")
        func portTaken() async throws {
            try await World.with(project: "port-taken", Self.web) { world in
                try await world.shell("busybox httpd -p 8080 -h /tmp")
                let up = try await world.attempt("up", "-d")
                #expect(up.status == 1)
                #expect(up.stderr.contains("8080") && up.stderr.contains("busybox"), "\(up)")
                #expect(try await world.containers().isEmpty)
            }
        }
    }
}
