import EngineWire
import Linux
import Testing

extension Stories {
    /// Attributes of a service, seen from inside its container.
    @Suite struct Attributes {
        @Test("an init collects what nobody waits for, passes signals on, and ends as its command does")
        func initProcess() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    init: true
                    command: sh -c 'trap "sleep 0.3; exit 7" TERM; while :; do sleep 0.05; done'
                    stop_grace_period: 20s
                """
            try await World.with(project: "init", compose) { world in
                try await world.berth("up", "-d")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/proc/1/comm").trimmed == "docker-init")
                // A shell that leaves its child behind: the child's end is for the first process to take notice of.
                try await world.berth("exec", "-T", "web", "sh", "-c", "sh -c 'sleep 0.1 & exec true'; exec true")
                try await world.eventually("no process is left unburied") {
                    let states = try await world.berth("exec", "-T", "web", "sh", "-c", "cat /proc/[0-9]*/stat; true")
                    return !states.stdout.contains(") Z ") && !states.stdout.contains("(sleep) S 1 0 0")
                }
                // From its second second on, a process that cannot hear the signal is killed at once: an init can hear it.
                try await world.eventually("a second has passed") {
                    let started = try await world.container("web").startedAt ?? .infinity
                    return CallingProcess.now - started > 1.1
                }
                try await world.berth("stop")
                let code = try await world.container("web").exitCode
                #expect(code == 7)
            }
        }

        @Test("a command that an init cannot find ends with 127 and says why")
        func initWithoutCommand() async throws {
            let compose = "services: { web: { image: busybox, init: true, command: [nosuch, x] } }"
            try await World.with(project: "init-nothing", compose) { world in
                _ = try await world.attempt("up", "-d")
                try await world.eventually("web", is: .exited)
                #expect(try await world.container("web").exitCode == 127)
                #expect(try await world.berth("logs").stdout.contains("exec \"nosuch\": No such file"))
            }
        }

        @Test("who shares a service's namespaces has its names, its addresses and its shared memory")
        func sharedNamespaces() async throws {
            let compose = """
                services:
                  owner: { image: busybox, command: sleep infinity, container_name: the-owner, hostname: own, ipc: shareable }
                  guest:
                    image: busybox
                    command: sleep infinity
                    network_mode: container:the-owner
                    ipc: service:owner
                """
            try await World.with(project: "sharers", compose) { world in
                try await world.berth("up", "-d")
                #expect(try await world.berth("exec", "-T", "guest", "hostname").trimmed == "own")
                #expect(try await world.berth("exec", "-T", "guest", "ip", "-o", "addr").stdout.contains("eth0"))
                try await world.berth("exec", "-T", "guest", "sh", "-c", "echo shared > /dev/shm/word")
                #expect(try await world.berth("exec", "-T", "owner", "cat", "/dev/shm/word").trimmed == "shared")
            }
        }

        @Test("a container in the host's network has the host's name and hosts, and those that were added")
        func hostNetwork() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, network_mode: host, extra_hosts: ["added:192.0.2.7"] }
                """
            try await World.with(project: "host-network", compose) { world in
                try await world.berth("up", "-d")
                #expect(try await world.berth("exec", "-T", "web", "hostname").trimmed == world.shell("hostname"))
                let hosts = try await world.berth("exec", "-T", "web", "cat", "/etc/hosts").stdout
                #expect(try await hosts.hasPrefix(world.shell("head -n 1 /etc/hosts")))
                #expect(hosts.hasSuffix("192.0.2.7\tadded\n"))
            }
        }

        @Test("volumes_from brings the other's volumes, and a new container of the other brings a new one here")
        func volumesFrom() async throws {
            func compose(_ value: String) -> String {
                """
                services:
                  owner:
                    image: busybox
                    command: sleep infinity
                    environment: { N: '\(value)' }
                    volumes: [/data, ./shown:/shown]
                    tmpfs: /memory
                  guest: { image: busybox, command: sleep infinity, volumes_from: ["owner:ro"] }
                """
            }
            try await World.with(project: "volumes-from", compose("1")) { world in
                try await world.shell("mkdir shown && echo seen > shown/file")
                try await world.berth("up", "-d")
                try await world.berth("exec", "-T", "owner", "sh", "-c", "echo one > /data/file")
                let read = try await world.berth("exec", "-T", "guest", "cat", "/data/file", "/shown/file")
                #expect(read.lines == ["one", "seen"])
                #expect(try await world.attempt("exec", "-T", "guest", "touch", "/data/x").stderr.contains("Read-only"))
                #expect(try await world.attempt("exec", "-T", "guest", "ls", "/memory").status != 0)
                let before = try await world.container("guest").id
                try world.write(compose("2"))
                try await world.berth("up", "-d", "-V")
                #expect(try await world.container("guest").id != before)
                #expect(try await world.attempt("exec", "-T", "guest", "cat", "/data/file").status != 0)
            }
        }

        @Test("a subpath of a volume is mounted, and a link in it that leads out of the volume is not followed")
        func subpath() async throws {
            let compose = """
                services:
                  writer: { image: busybox, command: sleep infinity, volumes: [data:/data] }
                  good:
                    image: busybox
                    command: sleep infinity
                    profiles: [later]
                    volumes: [{ type: volume, source: data, target: /in, volume: { subpath: a/b } }]
                  bad:
                    image: busybox
                    command: sleep infinity
                    profiles: [later]
                    volumes: [{ type: volume, source: data, target: /in, volume: { subpath: out/etc } }]
                volumes: { data: {} }
                """
            try await World.with(project: "subpath", compose) { world in
                try await world.berth("up", "-d")
                let prepare = "mkdir -p /data/a/b; echo deep > /data/a/b/file; ln -s / /data/out"
                try await world.berth("exec", "-T", "writer", "sh", "-c", prepare)
                try await world.berth("up", "-d", "good")
                #expect(try await world.berth("exec", "-T", "good", "cat", "/in/file").trimmed == "deep")
                let up = try await world.attempt("up", "-d", "bad")
                #expect(up.status == 1 && up.stderr.contains("out/etc"), "\(up)")
            }
        }

        @Test("an image's files can be mounted, read-only, whole or a part")
        func imageMount() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    volumes:
                      - { type: image, source: busybox, target: /whole }
                      - { type: image, source: busybox, target: /part, image: { subpath: seeded } }
                """
            try await World.with(project: "image-mount", compose) { world in
                try await world.berth("up", "-d")
                let cat = try await world.berth("exec", "-T", "web", "cat", "/whole/seeded/file", "/part/file")
                #expect(cat.lines == ["from the image", "from the image"])
                #expect(try await world.attempt("exec", "-T", "web", "touch", "/part/x").stderr.contains("Read-only"))
            }
        }

        @Test("binds and memory file systems have the options that the file gives them")
        func mountOptions() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    volumes:
                      - { type: bind, source: ./deep, target: /all, read_only: true }
                      - { type: bind, source: ./deep, target: /top, read_only: true, bind: { recursive: writable } }
                      - { type: bind, source: ./deep, target: /flat, bind: { recursive: disabled } }
                      - { type: tmpfs, target: /sized, tmpfs: { size: 1m, mode: 0700 } }
                    tmpfs: [/plain, "/run:exec,size=2m"]
                """
            try await World.with(project: "mount-options", compose) { world in
                try await world.shell("mkdir -p deep/below && mount -t tmpfs none deep/below && touch deep/below/file")
                try await world.berth("up", "-d")
                let script = """
                    for f in /all/x /all/below/x /top/x /top/below/x; do touch $f 2>/dev/null && echo $f; done
                    ls /flat/below; stat -c %a /sized; grep -E ' /(plain|run|sized) ' /proc/mounts | cut -d' ' -f2,4
                    """
                let lines = try await world.berth("exec", "-T", "web", "sh", "-c", script).lines
                #expect(lines.prefix(2) == ["/top/below/x", "700"])
                #expect(
                    lines.dropFirst(2).sorted() == [
                        "/plain rw,nosuid,nodev,noexec,relatime", "/run rw,nosuid,nodev,relatime,size=2048k",
                        "/sized rw,nosuid,nodev,noexec,relatime,size=1024k,mode=700",
                    ], "\(lines)")
            }
        }

        @Test("a seccomp profile of the project's own is what holds")
        func seccompProfile() async throws {
            let compose = """
                services: { web: { image: busybox, command: sleep infinity, security_opt: ["seccomp=./profile.json"] } }
                """
            let profile = """
                { "defaultAction": "SCMP_ACT_ALLOW",
                  "syscalls": [
                    { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "excludes": { "caps": ["CAP_SYS_BOOT"] } },
                    { "names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "includes": { "caps": ["CAP_SYS_BOOT"] } }] }
                """
            try await World.with(project: "seccomp", compose) { world in
                try world.write(profile, to: "profile.json")
                try await world.berth("up", "-d")
                #expect(try await world.attempt("exec", "-T", "web", "mkdir", "/x").stderr.contains("not permitted"))
                try await world.berth("exec", "-T", "web", "chmod", "755", "/tmp")
            }
        }

        @Test("a privileged container has what the engine has, and every device of the host")
        func privileged() async throws {
            let compose = "services: { web: { image: busybox, command: sleep infinity, privileged: true } }"
            try await World.with(project: "privileged", compose) { world in
                try await world.berth("up", "-d")
                let mine = try await world.shell("grep CapEff /proc/self/status")
                #expect(try await world.berth("exec", "-T", "web", "grep", "CapEff", "/proc/1/status").trimmed == mine)
                let devices = "find /dev -maxdepth 1 -type c | grep -v -E '/(console|ptmx)$' | sort"
                let all = try await world.shell(devices)
                #expect(try await world.berth("exec", "-T", "web", "sh", "-c", devices).trimmed == all)
            }
        }

        @Test("what the host or the image cannot give is said by name")
        func missing() async throws {
            let cases = [
                ("devices: [/dev/nosuch]", "device /dev/nosuch does not exist"),
                ("device_cgroup_rules: [c]", "'c' is not a device rule"),
                ("platform: linux/s390x\n    pull_policy: never", "its platform is linux/s390x"),
                ("runtime: runsc", "runtime 'runsc' is not available"),
                ("volumes: [v:/v]", "driver option \"colour\" is unknown"),
            ]
            try await World.with(project: "missing") { world in
                for (attribute, message) in cases {
                    try world.write(
                        """
                        services:
                          web:
                            image: busybox
                            command: sleep infinity
                            \(attribute)
                        volumes: { v: { driver_opts: { type: tmpfs, device: tmpfs, colour: red } } }
                        """)
                    let up = try await world.attempt("up", "-d")
                    #expect(up.status == 1 && up.stderr.contains(message), "\(up)")
                }
            }
        }

        @Test("a container outside is reached by its alias, a link-local address is there, a bridge has its name")
        func network() async throws {
            let outside = """
                services: { o: { image: busybox, command: sleep infinity, container_name: outside, networks: [outer] } }
                networks: { outer: { name: outer } }
                """
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    external_links: ["outside:db"]
                    networks: { own: { link_local_ips: [169.254.9.9] }, outer: {} }
                networks:
                  outer: { external: true }
                  own: { driver_opts: { com.docker.network.bridge.name: shop0 } }
                """
            try await World.with(project: "network", compose) { world in
                try world.write(outside, of: "outside")
                try await world.berth("up", "-d", in: "outside")
                try await world.berth("up", "-d")
                try await world.berth("exec", "-T", "web", "ping", "-c", "1", "-W", "2", "db")
                #expect(
                    try await world.berth("exec", "-T", "web", "ip", "-o", "addr").stdout.contains("169.254.9.9/16"))
                try await world.shell("ip link show shop0")
                try await world.berth("down")
                #expect(try await world.shell("ip -o link").contains("shop0") == false)
            }
        }
    }
}
