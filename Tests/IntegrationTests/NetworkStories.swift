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

        @Test("what a service wants of its place on a network shows in the kernel")
        func endpoints() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    networks:
                      front:
                        priority: 10
                        mac_address: "02:42:0a:4d:00:14"
                        ipv4_address: 10.77.0.20
                        link_local_ips: [169.254.8.8]
                        driver_opts:
                          com.docker.network.endpoint.sysctls: >-
                            net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.neigh.IFNAME.gc_stale_time=77
                      back: { gw_priority: 5, interface_name: back0 }
                      third: { priority: 20, driver_opts: { com.docker.network.endpoint.ifname: third9 } }
                  peer: { image: busybox, command: sleep infinity, networks: [third] }
                networks:
                  front: { ipam: { config: [{ subnet: 10.77.0.0/24 }] }, driver_opts: { com.docker.network.driver.mtu: 1400 } }
                  back: {}
                  third: { driver_opts: { com.docker.network.bridge.enable_icc: "false" } }
                """
            try await World.with(project: "endpoints", compose) { world in
                for round in 1...2 {
                    if round == 2 {
                        try await world.killEngine()
                        try await world.berth("restart", "web")
                    } else {
                        try await world.berth("up", "-d")
                    }
                    let id = try await world.container("web").id
                    func inside(_ command: String) async throws -> String {
                        try await world.shell("nsenter --net=\(world.run)/netns/\(id) \(command)")
                    }
                    let links = try await inside("ip -o link")
                    // In the order of their priorities: third, front, back.
                    #expect(
                        links.contains(" third9@") && links.contains(" eth1@") && links.contains(" back0@"), "\(links)")
                    let front = try await inside("ip -d addr show eth1")
                    for text in ["mtu 1400", "02:42:0a:4d:00:14", "10.77.0.20/24", "169.254.8.8/16"] {
                        #expect(front.contains(text), "\(text): \(front)")
                    }
                    #expect(try await inside("ip route show default").contains("dev back0"))
                    for (name, value) in [("conf/eth1/log_martians", "1"), ("neigh/eth1/gc_stale_time", "77")] {
                        #expect(
                            try await world.berth("exec", "-T", "web", "cat", "/proc/sys/net/ipv4/\(name)").trimmed
                                == value)
                    }
                    #expect(
                        try await world.berth("exec", "-T", "web", "cat", "/proc/sys/net/ipv4/conf/back0/log_martians")
                            .trimmed == "0")
                    let third = try await world.get("networks/endpoints_third", as: NetworkRow.self).bridge
                    let ports = try await world.shell("bridge -d link show | grep -A1 'master \(third)'")
                    #expect(
                        ports.split(separator: "isolated on", omittingEmptySubsequences: false).count == 3, "\(ports)")
                }
                try world.write(
                    """
                    services:
                      web:
                        image: busybox
                        networks:
                          front: { driver_opts: { com.docker.network.endpoint.sysctls: "net.ipv4.conf.eth0.x=1" } }
                    networks: { front: {} }
                    """)
                let up = try await world.attempt("up", "-d")
                #expect(up.status != 0 && up.stderr.contains("IFNAME"), "\(up)")
            }
        }

        @Test(
            "a macvlan network makes containers machines of the host's network, and its parent is looked for before anything is made"
        )
        func macvlan() async throws {
            let compose = """
                services:
                  one: { image: busybox, command: sleep infinity, networks: { lan: { ipv4_address: 198.51.100.10 } }, ports: ["8080:80"] }
                  two: { image: busybox, command: sleep infinity, networks: [lan] }
                  three: { image: busybox, command: sleep infinity, networks: [alone] }
                  four: { image: busybox, command: sleep infinity, networks: [alone, default] }
                networks:
                  lan:
                    driver: macvlan
                    driver_opts: { parent: lan, macvlan_mode: bridge, com.docker.network.driver.mtu: 1300 }
                    ipam: { config: [{ subnet: 198.51.100.0/24, ip_range: 198.51.100.64/26, gateway: 198.51.100.1 }] }
                  alone: { driver: macvlan }
                """
            try await World.with(project: "macvlan", compose) { world in
                let before = try await world.shell("ip -o link | awk -F': ' '{print $2}' | sort")
                for round in 1...2 {
                    let up = try await world.berth("up", "-d")
                    #expect(round == 2 || up.stderr.contains("the ports are not published"), "\(up)")
                    let one = try await world.container("one").id
                    let link = try await world.shell("nsenter --net=\(world.run)/netns/\(one) ip -d addr show eth0")
                    for text in ["macvlan mode bridge", "mtu 1300", "198.51.100.10/24"] {
                        #expect(link.contains(text), "\(link)")
                    }
                    let two = try #require(try await world.container("two").networks.first?.addresses.first)
                    #expect(two.hasPrefix("198.51.100.") && two != "198.51.100.10")
                    try await world.berth("exec", "-T", "one", "ping", "-c1", "-W2", "two")
                    try await world.berth("exec", "-T", "three", "ping", "-c1", "-W2", "four")
                    #expect(try await world.berth("exec", "-T", "four", "ip", "route").stdout.contains("default via"))
                    #expect(try await !world.berth("exec", "-T", "three", "ip", "route").stdout.contains("default"))
                    #expect(try await world.container("one").ports.isEmpty)
                    #expect(try await world.shell("ss -Htln") == "")
                    try await world.killEngine()
                    try await world.berth("restart", "one", "three")
                }
                let row = try await world.get("networks/macvlan_lan", as: NetworkRow.self)
                #expect(row.driver == "macvlan" && row.bridge == "lan" && row.subnets == ["198.51.100.0/24"])
                try await world.berth("down")
                #expect(try await world.shell("ip -o link | awk -F': ' '{print $2}' | sort") == before)

                try await world.berth(
                    "network", "create", "-d", "macvlan", "-o", "parent=lan", "-o", "macvlan_mode=private", "--subnet",
                    "198.51.100.0/24", "byhand")
                #expect(try await world.berth("network", "ls").stdout.contains("macvlan"))
                try await world.berth("network", "rm", "byhand")
                for (attributes, words) in [
                    ("driver: macvlan, driver_opts: { parent: nosuch0 }", "nosuch0"),
                    ("driver: macvlan, driver_opts: { macvlan_mode: fast }", "private"),
                    ("driver: macvlan, driver_opts: { parent: \"a b\" }", "a b"),
                    ("driver: ipvlan, driver_opts: { ipvlan_mode: l4 }", "l3s"),
                    ("driver: overlay", "overlay"),
                ] {
                    try world.write(
                        """
                        services: { one: { image: busybox, networks: [bad] } }
                        networks: { bad: { \(attributes) } }
                        """)
                    let up = try await world.attempt("up", "-d")
                    #expect(up.status != 0 && up.stderr.contains(words), "\(attributes): \(up)")
                    #expect(try await world.containers().isEmpty)
                }
            }
        }

        @Test("each driver option of a network shows in the kernel")
        func driverOptions() async throws {
            let serve = "busybox, command: sh -c 'echo page > /tmp/index.html; exec httpd -f -p 80 -h /tmp'"
            let compose = """
                services:
                  one: { image: \(serve), networks: [apart], ports: ["8081:80"] }
                  two: { image: busybox, command: sleep infinity, networks: [apart] }
                  three: { image: \(serve), networks: [together] }
                  four: { image: busybox, command: sleep infinity, networks: [together, large] }
                  five: { image: \(serve), networks: [bound], ports: ["8085:80", "198.51.100.1:8086:80"] }
                networks:
                  apart: { driver_opts: { com.docker.network.bridge.enable_icc: "false" } }
                  together:
                    driver_opts:
                      com.docker.network.driver.mtu: 1400
                      com.docker.network.bridge.enable_icc: "1"
                      com.docker.network.bridge.name: together0
                      com.docker.network.bridge.enable_ip_masquerade: "false"
                  large: { driver_opts: { com.docker.network.driver.mtu: "9000" } }
                  bound:
                    driver_opts:
                      com.docker.network.bridge.host_binding_ipv4: 127.0.0.1
                      com.docker.network.container_iface_prefix: lan
                """
            try await World.with(project: "options", compose) { world in
                // As on most hosts. Where it is on, a rewritten packet stays inside the bridge, whose isolated port does not let it in.
                let filter = "/proc/sys/net/bridge/bridge-nf-call-iptables"
                try await world.shell("[ ! -e \(filter) ] || echo 0 > \(filter)")
                for round in 1...2 {
                    try await world.berth("up", "-d")
                    let address = try #require(try await world.container("one").networks.first?.addresses.first)
                    func page(_ place: String, from service: String) async throws -> Bool {
                        let ask = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 \(place)"
                        return try await world.attempt("exec", "-T", service, "sh", "-c", ask).stdout.contains("page")
                    }
                    #expect(try await !page("\(address) 80", from: "two"), "round \(round): peers reach each other")
                    #expect(try await page("198.51.100.1 8081", from: "two"))
                    let third = try #require(try await world.container("three").networks.first?.addresses.first)
                    #expect(try await page("\(third) 80", from: "four"))
                    let sizes = try await world.berth(
                        "exec", "-T", "four", "cat", "/sys/class/net/eth0/mtu", "/sys/class/net/eth1/mtu")
                    #expect(Set(sizes.lines) == ["1400", "9000"])
                    #expect(
                        try await world.berth("exec", "-T", "three", "cat", "/sys/class/net/eth0/mtu").trimmed == "1400"
                    )
                    #expect(try await world.shell("ip -o link show together0").contains("mtu 1400"))
                    let table = try await world.shell("nft list ruleset")
                    let subnet = try #require(
                        try await world.get("networks/options_together", as: NetworkRow.self).subnets.first)
                    let masquerading = table.components(between: "set masquerade4", and: "}\n\t}")
                    #expect(!masquerading.contains(subnet), "\(masquerading)")
                    #expect(try await world.berth("port", "five", "80").stdout.contains("127.0.0.1:8085"))
                    #expect(try await world.shell("curl -s --max-time 5 127.0.0.1:8085") == "page")
                    #expect(try await world.shell("curl -s --max-time 2 198.51.100.1:8085 || echo closed") == "closed")
                    #expect(try await world.shell("curl -s --max-time 5 198.51.100.1:8086") == "page")
                    try await world.berth("exec", "-T", "five", "test", "-e", "/sys/class/net/lan0")
                    try await world.killEngine()
                    try await world.berth("restart", "one", "two")
                }
                for (option, value) in [
                    ("bridge.enable_icc", "off"), ("bridge.enable_ip_masquerade", ""), ("driver.mtu", "big"),
                    ("bridge.host_binding_ipv4", "::1"), ("container_iface_prefix", "a/b"), ("bridge.name", "a*"),
                    ("bridge.name", "a\"b"),
                ] {
                    try world.write(
                        """
                        services: { web: { image: busybox, networks: [odd] } }
                        networks:
                          odd: { driver_opts: { com.docker.network.\(option): '\(value)' } }
                        """, of: "odd")
                    let up = try await world.attempt("up", "-d", in: "odd")
                    #expect(up.status == 1 && up.stderr.contains("network.\(option)"), "\(up)")
                }
            }
        }

        @Test("a firewall that drops what containers send and get is told by up and ps, with the rules to type")
        func droppingFirewall() async throws {
            try await World.with(project: "dropped", Self.web) { world in
                try await world.shell(
                    "nft 'table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; }; }'"
                )
                let up = try await world.berth("up", "-d")
                #expect(up.stderr.contains("ip filter FORWARD drops packets of container networks"), "\(up)")
                let ps = try await world.berth("ps")
                let commands = ps.stderr.split(separator: "\n").first { $0.contains("nft 'add rule") } ?? ""
                #expect(!commands.isEmpty, "\(ps)")
                #expect(try await world.berth("ps", "-q").stderr == "")
                let typed = commands.drop { $0 != "'" }
                try await world.shell("nft \(typed)")
                try await world.eventually("the warning is gone") {
                    try await !world.berth("ps").stderr.contains("drops packets")
                }
                try await world.shell("nft flush chain ip filter FORWARD")
                try await world.eventually("it is told again") {
                    try await world.berth("ps").stderr.contains("drops packets")
                }
                let again = try await world.berth("up", "-d")
                #expect(again.stderr.contains("drops packets"), "\(again)")
            }
        }

        @Test("names with the network behind them are answered, for that network alone")
        func qualifiedNames() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, networks: [front, back] }
                  client: { image: busybox, command: sleep infinity, networks: [front] }
                networks: { front: {}, back: { name: "inner.net" } }
                """
            try await World.with(project: "qualified", compose) { world in
                try await world.berth("up", "-d")
                let networks = try await world.container("web").networks
                let front = try #require(networks.first { $0.name == "qualified_front" }?.addresses.first)
                let back = try #require(networks.first { $0.name == "inner.net" }?.addresses.first)
                for name in ["web.qualified_front", "qualified-web-1.qualified_front"] {
                    let found = try await world.berth("exec", "-T", "client", "nslookup", "-type=a", name).stdout
                    #expect(found.contains(front) && !found.contains(back), "\(found)")
                }
                let inner = try await world.berth("exec", "-T", "web", "nslookup", "-type=a", "web.inner.net").stdout
                #expect(inner.contains(back) && !inner.contains(front), "\(inner)")
                let other = try await world.attempt("exec", "-T", "client", "nslookup", "-type=a", "web.inner.net")
                #expect(!other.stdout.contains(back), "\(other)")
                let reverse = try await world.berth("exec", "-T", "client", "nslookup", front).stdout
                #expect(reverse.contains("qualified-web-1.qualified_front"), "\(reverse)")
            }
        }

        @Test(
            "a freed address goes to another container as late as possible, and to the one that takes its place at once"
        )
        func addressesReturnLate() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, scale: 2 }
                  other: { image: busybox, command: sleep infinity, scale: 0 }
                """
            try await World.with(project: "late", compose) { world in
                try await world.berth("up", "-d")
                func addresses(_ service: String) async throws -> [String] {
                    try await world.containers().filter { $0.service == service }.sorted { $0.name < $1.name }
                        .flatMap { $0.networks.flatMap(\.addresses) }
                }
                let before = try await addresses("web")
                try await world.berth("up", "-d", "--force-recreate")
                #expect(try await addresses("web") == before)
                try await world.berth("rm", "-sf", "web")
                try await world.berth("up", "-d", "--scale", "other=2", "other")
                let others = try await addresses("other")
                #expect(Set(others).isDisjoint(with: before), "\(others)")
                try await world.berth("up", "-d", "--scale", "other=2")
                #expect(try await addresses("web") == before)
                try await world.killEngine()
                try await world.berth("up", "-d", "--scale", "other=3")
                #expect(try await addresses("other").count == 3)
                #expect(Set(try await addresses("web") + addresses("other")).count == 5)
            }
        }
    }
}

extension String {
    /// What stands between the first `start` and the next `end`.
    fileprivate func components(between start: String, and end: String) -> String {
        guard let from = firstRange(of: start)?.upperBound else { return "" }
        let rest = self[from...]
        return String(rest[..<(rest.firstRange(of: end)?.lowerBound ?? rest.endIndex)])
    }
}
