import EngineWire
import Testing

extension Stories {
    @Suite struct Handmade {
        @Test("networks and volumes that are made by hand are there for every project, until they are removed by hand")
        func madeByHand() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    networks: [proxy, plain]
                    volumes: ["shared:/data"]
                networks: { proxy: { external: true }, plain: { external: true, name: second.net } }
                volumes: { shared: { external: true } }
                """
            try await World.with(project: "byhand", compose) { world in
                try world.write(compose, of: "another")
                let missing = try await world.attempt("up", "-d")
                #expect(missing.status == 1 && missing.stderr.contains("berth network create proxy"), "\(missing)")
                #expect(missing.stderr.contains("berth volume create shared"), "\(missing)")
                let id = try await world.berth(
                    "network", "create", "-d", "bridge", "--subnet=10.9.0.0/24", "--gateway", "10.9.0.254",
                    "--ip-range", "10.9.0.64/26", "--aux-address", "router=10.9.0.64", "--label", "a=b", "--label", "c",
                    "-o", "com.docker.network.bridge.name=proxy0", "-o", "com.docker.network.driver.mtu=1450",
                    "--attachable", "proxy"
                ).trimmed
                #expect(id.utf8.count == 64)
                try await world.berth("network", "create", "second.net")
                #expect(try await world.berth("volume", "create", "--label", "x=y", "shared").trimmed == "shared")
                #expect(try await world.berth("volume", "create", "shared").trimmed == "shared")
                let again = try await world.attempt("network", "create", "proxy")
                #expect(again.status == 1 && again.stderr.contains("already exists"), "\(again)")
                #expect(try await world.shell("ip -o addr show dev proxy0").contains("10.9.0.254/24"))
                try await world.berth("up", "-d")
                try await world.berth("up", "-d", in: "another")
                let rows = try await world.containers() + world.containers(of: "another")
                let addresses = rows.flatMap(\.networks).filter { $0.name == "proxy" }.flatMap(\.addresses)
                #expect(addresses.sorted() == ["10.9.0.65", "10.9.0.66"])
                try await world.berth("exec", "-T", "web", "ping", "-c1", "-W2", "another-web-1")
                let sizes = try await world.berth("exec", "-T", "web", "sh", "-c", "cat /sys/class/net/eth*/mtu").lines
                #expect(sizes.sorted() == ["1450", "1500"])
                try await world.berth("exec", "-T", "web", "touch", "/data/there")
                try await world.berth("exec", "-T", "web", "test", "-e", "/data/there", in: "another")
                let inspect = try await world.berth("network", "inspect", String(id.prefix(12))).stdout
                for part in ["\"proxy\"", "10.9.0.0/24", "\"a\"", "proxy0", id] {
                    #expect(inspect.contains(part), "\(inspect)")
                }
                #expect(try await world.berth("volume", "inspect", "shared").stdout.contains("\"x\""))
                let used = try await world.attempt("network", "rm", "proxy")
                #expect(used.status == 1 && used.stderr.contains("another-web-1"), "\(used)")
                try await world.berth("network", "prune", "-f")
                try await world.berth("down", "-v")
                try await world.berth("down", "-v", in: "another")
                let left = try await world.berth("network", "ls", "-q").lines
                #expect(left == ["proxy", "second.net"])
                #expect(try await world.berth("volume", "ls", "-q").lines == ["shared"])
                try await world.killEngine()
                try await world.shell("ip link delete proxy0")
                try await world.berth("up", "-d")
                try await world.berth("exec", "-T", "web", "test", "-e", "/data/there")
                try await world.berth("down")
                try await world.berth("network", "rm", id)
                try await world.berth("network", "prune", "-f")
                try await world.berth("volume", "prune", "-f")
                #expect(try await world.berth("volume", "ls", "-q").lines == ["shared"])
                try await world.berth("volume", "prune", "-f", "--all")
                #expect(try await world.berth("network", "ls", "-q").stdout == "")
                #expect(try await world.berth("volume", "ls", "-q").stdout == "")
                #expect(try await world.shell("ip -o link | grep -c 'berth\\|proxy0' || true") == "0")
                for (name, label) in [("kept", "keep=yes"), ("gone", "keep=no")] {
                    try await world.berth("network", "create", "--label", label, name)
                    try await world.berth("volume", "create", "--label", label, name)
                }
                let place = try await world.berth("volume", "inspect", "-f", "{{.mountpoint}}", "kept").trimmed
                #expect(place == "\(world.root)/volumes/kept/_data")
                #expect(try await world.berth("network", "prune", "-f", "--filter", "until=1h").stdout == "")
                #expect(
                    try await world.berth("network", "prune", "-f", "--filter", "label!=keep=yes").lines.joined()
                        .contains("gone"))
                #expect(try await world.berth("network", "ls", "-q").lines == ["kept"])
                try await world.berth("volume", "prune", "-f", "--filter", "label=keep=no")
                #expect(try await world.berth("volume", "ls", "-q").lines == ["gone", "kept"], "named ones stay")
                try await world.berth("volume", "prune", "-f", "--filter", "all=true", "--filter", "label=keep=no")
                #expect(try await world.berth("volume", "ls", "-q").lines == ["kept"])
                for words in [
                    ["network", "prune", "--filter", "dangling=true"], ["volume", "prune", "--filter", "until=1h"],
                ] {
                    let outcome = try await world.attempt(words: words + ["-f"])
                    #expect(outcome.status != 0 && outcome.stderr.contains("label=KEY"), "\(outcome)")
                }
                try await world.berth("network", "rm", "kept")
                try await world.berth("volume", "rm", "kept")
                for words in [
                    ["network", "create", "../x"], ["network", "create", "host"],
                    ["network", "create", "-d", "overlay", "x"],
                    ["network", "create", "--subnet", "10.1.0.0/33", "x"],
                    ["network", "create", "--gateway", "10.1.0.1", "x"],
                    ["network", "create", "--subnet", "10.1.0.0/24", "--subnet", "10.1.0.0/25", "x"],
                    ["network", "create", "-o", "noequals", "x"], ["volume", "create", "a/b"],
                    ["volume", "create", "-d", "nfs", "x"], ["volume", "create", "-o", "size=1", "x"],
                ] {
                    let outcome = try await world.attempt(words: words)
                    #expect(outcome.status != 0 && !outcome.stderr.isEmpty, "\(outcome)")
                }
                #expect(try await world.berth("network", "ls", "-q").stdout == "")
            }
        }
    }
}
