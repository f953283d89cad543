import EngineWire
import Testing

extension Stories {
    /// Published ports: who gets which, who keeps which, and when they are free again.
    @Suite struct Ports {
        /// A service whose every replica answers with the first digits of its id.
        static func server(_ attributes: String) -> String {
            "{ image: busybox, command: sh -c 'hostname > /tmp/index.html; exec httpd -f -p 80 -h /tmp', \(attributes) }"
        }

        @Test("replicas, services and projects share a range of ports, through scaling, restarts and a new engine")
        func range() async throws {
            let compose = """
                services:
                  web: \(Self.server(#"scale: 3, ports: ["8080-8089:80"]"#))
                  other: \(Self.server(#"scale: 2, ports: ["8080-8089:80"]"#))
                  local: \(Self.server(#"scale: 2, ports: ["127.0.0.1:9000-9002:80", "[::1]:9000-9002:80"]"#))
                  names: \(Self.server(#"scale: 2, ports: ["8080-8083:53/udp"]"#))
                  just: { image: busybox, command: sleep infinity, ports: ["8081:80/udp"], depends_on: [names] }
                """
            try await World.with(project: "ranges", compose) { world in
                try world.write(
                    "services: { web: \(Self.server(#"scale: 3, ports: ["8080-8089:80"]"#)) }", of: "second")
                async let first = world.berth("up", "-d")
                async let second = world.berth("up", "-d", in: "second")
                _ = try await (first, second)
                try await world.everyPortLeadsToItsContainer(["ranges", "second"], pages: 20)
                #expect(try await world.shell("ss -Hulnp | grep -c ':808[0-3] .*berth-net'") == "6")
                #expect(try await world.container("just").ports.allSatisfy { $0.hostPort == 8081 })

                try await world.berth("up", "-d", "--scale", "web=1", "--scale", "local=3")
                try await world.berth("up", "-d", "--scale", "web=4", "--scale", "names=3")
                try await world.everyPortLeadsToItsContainer(["ranges", "second"], pages: 22)

                try await world.killEngine()
                try await world.berth("up", "-d", "--scale", "web=5", "--scale", "local=3", "--scale", "names=3")
                try await world.everyPortLeadsToItsContainer(["ranges", "second"], pages: 26)
                try await world.berth("restart")
                try await world.berth("up", "-d", "--force-recreate", in: "second")
                try await world.everyPortLeadsToItsContainer(["ranges", "second"], pages: 26)

                let crowded = try await world.attempt("up", "-d", "--scale", "web=6", "--scale", "other=3")
                #expect(crowded.status == 1 && crowded.stderr.contains("8080-8089/tcp"), "\(crowded)")
                #expect(try await world.containers().count == 14, "something was made although it cannot all be")
                async let down = world.berth("down")
                async let downToo = world.berth("down", in: "second")
                _ = try await (down, downToo)
                #expect(try await world.shell("ss -Htuln") == "")
            }
        }

        @Test(
            "a port of a range that another program has is passed over, and more replicas than are left are refused at once"
        )
        func rangeWithAStranger() async throws {
            let compose = "services: { web: \(Self.server(#"scale: 2, ports: ["8080-8082:80"]"#)) }"
            try await World.with(project: "range-taken", compose) { world in
                try await world.shell("busybox httpd -p 8081 -h /tmp")
                try await world.berth("up", "-d")
                #expect(
                    try await world.containers().flatMap(\.ports).map(\.hostPort).sorted() == [8080, 8080, 8082, 8082])
                let up = try await world.attempt("up", "-d", "--scale", "web=3")
                #expect(up.status == 1 && up.stderr.contains("only 2 of the ports 8080-8082/tcp"), "\(up)")
                #expect(up.stderr.contains("busybox"), "\(up)")
                #expect(try await world.containers().count == 2)
                try await world.everyPortLeadsToItsContainer(["range-taken"], pages: 4)
                // The one that it had is gone when it comes back: another of the range will do.
                let port = try #require(try await world.container("web", 1).ports.first?.hostPort)
                try await world.berth("stop")
                let stranger = try await world.processes().first { $0.value.hasPrefix("busybox httpd -p 8081") }
                try await world.killProcess(try #require(stranger?.key))
                try await world.shell("busybox httpd -p \(port) -h /tmp")
                try await world.berth("start")
                try await world.everyPortLeadsToItsContainer(["range-taken"], pages: 4)
            }
        }

        @Test(
            "every form of host address works on networks with and without IPv6, and for UDP, and containers share one number on several"
        )
        func hostAddresses() async throws {
            let compose = """
                services:
                  v6only: \(Self.server(#"ports: ["[::1]:8092:80"]"#))
                  v4only: \(Self.server(#"ports: ["127.0.0.1:8092:80", "198.51.100.1:8092:80"]"#))
                  both: \(Self.server(#"ports: ["8093:80", "8093:80/udp"], networks: [six]"#))
                  fixed:
                    image: busybox
                    command: sh -c 'hostname > /tmp/index.html; exec httpd -f -p 80 -h /tmp'
                    ports: ["[::1]:8094:80", "[::1]:8094:80/udp", "[::]:8095:80"]
                    networks: { six: { ipv4_address: 10.77.0.20, ipv6_address: "fd77::20" } }
                  silent: { image: busybox, command: sleep infinity, networks: { six: { ipv4_address: 10.77.0.21 } } }
                  six_to_six: \(Self.server(#"ports: ["127.0.0.1:8096:80", "[::1]:8096:80"], networks: [sixonly]"#))
                networks:
                  six: { enable_ipv6: true, ipam: { config: [{ subnet: 10.77.0.0/24 }, { subnet: "fd77::/64" }] } }
                  sixonly: { enable_ipv4: false, enable_ipv6: true }
                """
            try await World.with(project: "addresses", compose) { world in
                try await world.shell("ip -6 addr add 2001:db8::1/64 dev lan nodad")
                for _ in 0..<2 {
                    try await world.berth("up", "-d")
                    let places: [(String, String)] = [
                        ("[::1]:8092", "v6only"), ("127.0.0.1:8092", "v4only"), ("198.51.100.1:8092", "v4only"),
                        ("127.0.0.1:8093", "both"), ("198.51.100.1:8093", "both"), ("[::1]:8093", "both"),
                        ("[2001:db8::1]:8093", "both"), ("[::1]:8094", "fixed"), ("[::1]:8095", "fixed"),
                        ("[2001:db8::1]:8095", "fixed"), ("127.0.0.1:8096", "six_to_six"), ("[::1]:8096", "six_to_six"),
                    ]
                    for (place, service) in places {
                        let page = String(try await world.container(service).id.prefix(12))
                        try await world.eventually("\(place) answers \(service)") {
                            try await world.shell("curl -s --max-time 2 http://\(place)/ || true") == page
                        }
                    }
                    // Every verb of every other service goes on, whatever is published beside it.
                    for verb in [["pause", "silent"], ["unpause", "silent"], ["restart", "v4only"]] {
                        let outcome = try await world.attempt(verb[0], verb[1])
                        #expect(outcome.status == 0, "\(outcome)")
                    }
                    // The same again with a new engine.
                    try await world.killEngine()
                }
            }
        }

        @Test(
            "a port that cannot be had is its own container's fault: others start, and a second attempt fails as well")
        func oneFaultIsOnes() async throws {
            let compose = """
                services:
                  good: \(Self.server(#"ports: ["8080:80"]"#))
                  bad: \(Self.server(#"ports: ["192.0.2.9:8081:80", "8082:80"]"#))
                  worse: \(Self.server(#"ports: ["[2001:db8::9]:8083:80"]"#))
                """
            try await World.with(project: "faulty", compose) { world in
                for _ in 0..<2 {
                    let up = try await world.attempt("up", "-d")
                    #expect(up.status == 1 && up.stderr.contains("192.0.2.9"), "\(up)")
                    try await world.berth("up", "-d", "good")
                    try await world.berth("pause", "good")
                    try await world.berth("unpause", "good")
                    try await world.berth("restart", "good")
                }
                try await world.everyPortLeadsToItsContainer(["faulty"], pages: 2)
                try world.write("services: { other: \(Self.server(#"ports: ["8082:80"]"#)) }", of: "neighbour")
                try await world.berth("up", "-d", in: "neighbour")
                try await world.everyPortLeadsToItsContainer(["faulty", "neighbour"], pages: 4)
                // A proxy that failed is tried again once there is the address.
                try await world.shell("ip -6 addr add 2001:db8::9/64 dev lan nodad")
                try await world.berth("up", "-d", "worse")
                let page = String(try await world.container("worse").id.prefix(12))
                #expect(try await world.shell("curl -s --max-time 5 'http://[2001:db8::9]:8083/'") == page)
            }
        }

        @Test(
            "ports of containers that a new engine took over are free when they stop, move, are removed or had ended meanwhile"
        )
        func adoptedPorts() async throws {
            func compose(_ third: Int) -> String {
                """
                services:
                  stops: \(Self.server(#"ports: ["127.0.0.1:8101:80", "[::1]:8101:80"]"#))
                  ends: \(Self.server(#"ports: ["127.0.0.1:8102:80", "8102:80/udp"]"#))
                  moves: \(Self.server(#"ports: ["\#(third):80"]"#))
                  removed: \(Self.server(#"ports: ["8104:80"]"#))
                  stays: \(Self.server(#"ports: ["8105:80"]"#))
                """
            }
            try await World.with(project: "adopted", compose(8103)) { world in
                try await world.berth("up", "-d")
                let ending = try await world.initProcess(of: "ends")
                try await world.killEngine()
                try await world.shell("kill -9 \(ending)")
                try world.write(compose(8106))
                try await world.berth("stop", "stops")
                try await world.berth("rm", "-sf", "removed")
                try await world.berth("up", "-d", "moves", "stays")
                for port in [8101, 8102, 8103, 8104] {
                    try await world.eventually("\(port) is free") {
                        try await world.shell("ss -Htuln 'sport = :\(port)'") == ""
                    }
                }
                #expect(try await world.shell("ss -Htln 'sport = :8105'; ss -Htan 'sport = :8105'") != "")
                let pages = try await world.containers().filter { ["moves", "stays"].contains($0.service) }
                for row in pages {
                    let port = try #require(row.ports.first?.hostPort)
                    #expect(try await world.shell("curl -s --max-time 5 127.0.0.1:\(port)") == row.id.prefix(12))
                }
                try await world.berth("down")
                #expect(try await world.shell("ss -Htuna | grep -v TIME-WAIT || true") == "")
            }
        }
    }
}

extension World {
    /// Every TCP port that a running container publishes answers with the container's own name, on the loopbacks that it names.
    func everyPortLeadsToItsContainer(_ projects: [String], pages count: Int) async throws {
        var pages: [String: String] = [:]
        for project in projects {
            for row in try await containers(of: project) where row.state == .running {
                for port in row.ports where port.transport == "tcp" {
                    let host = ["0.0.0.0": "127.0.0.1", "::": "[::1]"][port.hostIP] ?? port.hostIP
                    let place = "\(host.hasPrefix("[") || !host.contains(":") ? host : "[\(host)]"):\(port.hostPort)"
                    #expect(pages.updateValue(String(row.id.prefix(12)), forKey: place) == nil, "\(place) twice")
                }
            }
        }
        #expect(pages.count == count, "\(pages)")
        for (place, page) in pages {
            try await eventually("\(place) answers \(page)") {
                try await self.shell("curl -s --max-time 2 http://\(place)/ || true") == page
            }
        }
    }
}
