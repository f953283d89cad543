import EngineWire
import Linux
import NameService
import Networking
import Testing

extension Stories {
    /// What an engine leaves behind when it is killed: the next one goes on with what it knows, and lets go of the rest.
    @Suite struct TakeOver {
        @Test(
            "ports, names, proxies, namespaces, links, commands and monitors of nobody are gone with the next engine; the others stay"
        )
        func everyKind() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, ports: ["8080:80", "[::1]:8081:80"], scale: 1 }
                  probed:
                    image: busybox
                    command: sleep infinity
                    healthcheck: { test: ["CMD", "true"], interval: 200ms, start_interval: 200ms }
                """
            try await World.with(project: "takeover", compose) { world in
                try await world.berth("up", "-d")
                let web = try await world.container("web").id
                let names = InstanceName(rootFolder: world.root)
                let before = try await world.kernel()
                for round in 0..<6 {
                    // Commands under way when the engine is killed: one of them goes on.
                    let live = try world.begin("exec", "-T", "web", "sleep", "\(1000 + round)")
                    try await world.berth("exec", "-d", "web", "sleep", "\(2000 + round)")
                    try await world.killEngine()
                    _ = try await live.outcome()
                    let service = try await NameServiceClient.start(program: "/bin/false", folder: "\(world.run)/net")
                    let wish = PortWish(addresses: [.anyV4, .anyV6], ports: 9090...9091, transport: .tcp)
                    _ = try await service.hold([wish, wish], for: "ghost")
                    let target = SocketEndpoint(.v4(0xac11_0002), 80)
                    let rule = ProxyRule(owner: "ghost", listen: SocketEndpoint(.anyV6, 9090), target: target)
                    _ = try await service.request(.proxy(rule))
                    _ = try await service.serve(id: "ghost", namespacePath: "\(world.run)/netns/\(web)")
                    _ = try await service.request(.directory(id: "ghost", directory: Directory()))
                    service.disconnect()
                    try await world.shell(
                        """
                        ip link add \(names.vethPrefix)ghost type veth peer name ghost0
                        ip link add \(names.bridgePrefix)ghost type bridge
                        touch \(world.run)/netns/ghost && mount --bind /proc/self/ns/net \(world.run)/netns/ghost
                        mkdir \(world.run)/execs/ghost
                        for hierarchy in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/self/mounts); do
                            mkdir -p $hierarchy/\(world.cgroup)/\(String(repeating: "ab", count: 32))/below || true
                        done
                        """)
                    try await world.berth("ps")
                    let sleeper = try await world.processes().first { $0.value == "sleep \(2000 + round)" }
                    try await world.killProcess(try #require(sleeper?.key, "the detached command was ended"))
                    for (pid, line) in try await world.processes() where line == "sleep \(1000 + round)" {
                        try await world.killProcess(pid)
                    }
                }
                try await world.eventually("nothing is left of all that") { try await world.kernel() == before }
                let last = try await NameServiceClient.start(program: "/bin/false", folder: "\(world.run)/net")
                let state = try await last.currentState()
                #expect(Set(state.held.map(\.owner)) == [web] && state.held.count == 2)
                #expect(Set(state.proxies.map(\.owner)) == [web] && state.proxies.count == 2)
                #expect(state.served.count == 2 && state.directories == ["takeover_default"])
                last.disconnect()
                try await world.eventually("probed", is: .running)
                try await world.berth("exec", "-T", "probed", "ping", "-c1", "-W2", "web")
                try await world.berth("down")
                let end = try await world.kernel()
                #expect(end.ports == "" && end.links == "" && end.namespaces == "" && end.mounts == "", "\(end)")
                #expect(end.execs == "" && end.processes.isEmpty && end.containers == "", "\(end)")
                #expect(end.cgroups == "", "\(end)")
            }
        }

        @Test("a container whose monitor was killed leaves no cgroup behind, with and without an engine")
        func cgroups() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity }
                  own: { image: busybox, command: sleep infinity, cgroup_parent: berth-test-parent }
                """
            try await World.with(project: "cgroups", compose) { world in
                for killsEngine in [false, true] {
                    try await world.berth("up", "-d")
                    let ids = [try await world.container("web").id, try await world.container("own").id]
                    let find = "find /sys/fs/cgroup -type d \\( -name \(ids[0]) -o -name \(ids[1]) \\)"
                    #expect(try await world.shell(find) != "")
                    if killsEngine { try await world.killEngine() }
                    for (pid, line) in try await world.processes() where line.contains("berth-monitor") {
                        try await world.killProcess(pid)
                    }
                    try await world.berth("down")
                    #expect(try await world.shell(find) == "")
                }
            }
        }

        @Test("a name service that is stopped goes on, for a new engine and for one that runs")
        func stoppedNameService() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, ports: ["8080:80"] }
                  other: { image: busybox, command: sleep infinity, ports: ["8081:80"] }
                """
            try await World.with(project: "stopped", compose) { world in
                for killsEngine in [true, false] {
                    try await world.berth("up", "-d", "web")
                    let service = try await world.processes().first { $0.value.hasPrefix("berth-net") }
                    let pid = try #require(service?.key)
                    try await world.shell("kill -STOP \(pid)")
                    if killsEngine { try await world.killEngine() }
                    try await world.berth("up", "-d")
                    try await world.berth("exec", "-T", "other", "ping", "-c1", "-W2", "web")
                    #expect(try await world.processes()[pid] != nil, "it was not even stopped for good")
                    #expect(try await world.shell("ss -Htln | grep -c ':808[01] '") != "0")
                    try await world.berth("down")
                }
            }
        }

        @Test("an engine that is killed while containers come and go leaves nothing that the next one does not end")
        func killedOnTheWay() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, scale: 4, ports: ["8080-8089:80"], stop_grace_period: 0s }
                  other: { image: busybox, command: sleep infinity, scale: 2, ports: ["8080-8089:80/udp"], stop_grace_period: 0s }
                """
            try await World.with(project: "midway", compose) { world in
                try await world.berth("up", "-d")
                for round in 0..<12 {
                    let verb = round.isMultiple(of: 2) ? ["down"] : ["up", "-d", "--force-recreate"]
                    let running = try world.begin(words: verb)
                    try await Task.sleep(for: .milliseconds(20 + 45 * (round / 2)))
                    try await world.killEngine()
                    _ = try await running.outcome()
                    _ = try await world.attempt("ps")
                }
                try await world.berth("up", "-d")
                try await world.berth("down")
                let end = try await world.kernel()
                #expect(end.ports == "" && end.links == "" && end.namespaces == "" && end.mounts == "", "\(end)")
                #expect(end.execs == "" && end.processes.isEmpty && end.containers == "", "\(end)")
                #expect(end.cgroups == "", "\(end)")
                if try FileLock.isHeld("\(world.run)/net/net.lock") {
                    let last = try await NameServiceClient.start(program: "/bin/false", folder: "\(world.run)/net")
                    #expect(try await last.currentState() == NetState())
                    last.disconnect()
                }
            }
        }
    }
}

/// What an engine and its helpers have in the kernel and in the run folder.
struct KernelState: Equatable {
    var ports: String
    var links: String
    var namespaces: String
    var mounts: String
    var execs: String
    var containers: String
    var cgroups: String
    /// Locks on files (flock(2)), whoever holds them.
    var locks: String
    /// Monitors, by number.
    var processes: [String: Int]
}

extension World {
    /// Where the cgroups of this engine's containers are, below every hierarchy.
    var cgroup: String { "berth-\(InstanceName(rootFolder: root).suffix)" }

    func kernel() async throws -> KernelState {
        let names = InstanceName(rootFolder: root)
        let monitors = try await processes().values.filter { $0.contains("berth-monitor") && !$0.contains("/execs/") }
        return KernelState(
            ports: try await shell("ss -Htuan | grep -v -e TIME-WAIT -e ESTAB | awk '{print $1, $5}' | sort"),
            links: try await shell(
                "ip -o link | awk -F': ' '{print $2}' | grep -e '^\(names.vethPrefix)' -e '^\(names.bridgePrefix)' | sort || true"
            ),
            namespaces: try await shell("ls \(run)/netns"),
            mounts: try await shell("grep -c '\(run)/netns' /proc/self/mounts | grep -v '^0$' || true"),
            execs: try await shell("ls \(run)/execs | grep ghost || true"),
            containers: try await shell("ls \(run)/containers"),
            cgroups: try await shell("find /sys/fs/cgroup -path '*/\(cgroup)/*' -type d | sort"),
            locks: try await shell("grep -c FLOCK /proc/locks || true"),
            processes: Dictionary(monitors.map { ($0, 1) }, uniquingKeysWith: +))
    }
}
