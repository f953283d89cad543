import EngineWire
import Linux
import Testing

extension Stories {
    /// What a container cannot reach, as whoever writes a Compose file may try it.
    @Suite struct Confinement {
        @Test("a container with the right to trace sees its health checks and commands as their programs only")
        func healthChecksUnderATracer() async throws {
            let compose = """
                services:
                  p:
                    image: busybox
                    cap_add: [SYS_PTRACE]
                    healthcheck: {test: [CMD, "true"], interval: 100ms}
                    command:
                      - sh
                      - -c
                      - |
                        n=2
                        while :; do
                          for p in $$n $$((n + 1)) $$((n + 2)); do
                            [ -e /proc/$$p ] || continue
                            n=$$p
                            host=; read host 2>/dev/null < /proc/$$p/root/etc/hostname
                            case "$$host" in ""|box) ;; *) echo "host $$host" ;; esac
                            exe=$$(readlink /proc/$$p/exe)
                            case "$$exe" in ""|/bin/busybox) ;; *) echo "exe $$exe" ;; esac
                          done
                        done
                    hostname: box
                """
            try await World.with(project: "traced", compose) { world in
                try await world.berth("up", "-d")
                for _ in 0..<10 { try await world.berth("exec", "-T", "p", "true") }
                #expect(try await world.berth("logs", "--no-log-prefix", "p").stdout == "")
            }
        }

        @Test("a user's first group is among its groups, also in commands")
        func groups() async throws {
            let compose = """
                services:
                  web: { image: busybox, user: "1000:1001", group_add: ["1002"], command: sh -c 'id -G; sleep infinity' }
                """
            try await World.with(project: "groups", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("it has told its groups") {
                    try await world.berth("logs", "--no-log-prefix", "web").stdout == "1001 1002\n"
                }
                let groups = try await world.berth("exec", "-T", "web", "grep", "Groups", "/proc/self/status").stdout
                #expect(groups == "Groups:\t1001 1002 \n")
            }
        }

        @Test(
            "a parameter or a volume whose name leads elsewhere is refused before anything is changed",
            arguments: [
                (
                    "sysctls: {net/../kernel/printk_ratelimit_burst: \"77\"}", "",
                    "is not the name of a kernel parameter"
                ),
                (
                    "sysctls: {net.//.kernel.printk_ratelimit_burst: \"77\"}", "",
                    "is not the name of a kernel parameter"
                ),
                ("volumes: [\"v:/v\"]", "volumes: {v: {name: ../../../outside}}", "is not a volume name"),
                ("cgroup_parent: ../../outside", "", "leads out of the cgroups"),
            ])
        func names(attribute: String, rest: String, message: String) async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    \(attribute)
                \(rest)
                """
            try await World.with(project: "names", compose) { world in
                let result = try await world.attempt("up", "-d")
                #expect(result.stderr.contains(message), "\(result.stderr)")
                #expect(try await world.berth("ls", "-aq").stdout == "")
                #expect(try readText("/proc/sys/kernel/printk_ratelimit_burst") != "77\n")
            }
        }

        @Test("a bind on /dev leaves the host's folder as it is", arguments: ["", ":ro"])
        func devices(mode: String) async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, volumes: ["/dev:/dev\(mode)"], devices: ["/dev/null"] }
                """
            let before = try folderEntries("/dev").sorted()
            try await World.with(project: "dev", compose) { world in
                try await world.berth("up", "-d")
                try await world.berth("exec", "-T", "web", "sh", "-c", "echo x > /dev/null")
                #expect(try folderEntries("/dev").sorted() == before)
            }
        }
    }
}
