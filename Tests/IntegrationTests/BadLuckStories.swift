import EngineWire
import Testing

extension Stories {
    @Suite struct BadLuck {
        @Test("Ctrl-C ends an up that waits, and nothing of it goes on by itself")
        func interruptedWait() async throws {
            let compose = """
                services:
                  db:
                    image: busybox
                    command: sleep infinity
                    healthcheck: { test: [ CMD, "false" ], retries: 100000 }
                  web: { image: busybox, command: sleep infinity, depends_on: { db: { condition: service_healthy } } }
                """
            try await World.with(project: "interrupted-wait", compose) { world in
                let said = try await world.shell("timeout --preserve-status -s INT 3 berth up -d 2>&1; echo status $?")
                #expect(said.hasSuffix("status 130"), "\(said)")
                #expect(try await world.container("db").state == .running)
                #expect(try await world.container("web").state == .created)
                try await world.berth("down", "-t", "0")
                #expect(try await world.containers().isEmpty)
            }
        }

        @Test("Ctrl-C of an attached up stops its containers; a second one kills what does not listen")
        func interruptedAttached() async throws {
            let compose = """
                services:
                  polite: { image: busybox, command: "sh -c 'trap \\"echo bye; exit 0\\" TERM; while :; do sleep 0.1; done'" }
                  deaf:
                    image: busybox
                    command: "sh -c 'trap \\"\\" TERM; while :; do sleep 0.1; done'"
                    stop_grace_period: 10m
                """
            try await World.with(project: "interrupted-attached", compose) { world in
                let press =
                    "perl -e '$pid = fork; exec qw(berth up) unless $pid; for (3, 2) { sleep $_; kill INT, $pid } waitpid $pid, 0'"
                let said = try await world.shell("\(press) 2>&1")
                #expect(said.contains("bye"), "\(said)")
                try await world.eventually("deaf", is: .exited)
                #expect(try await world.container("polite").exitCode == 0)
                #expect(try await world.container("deaf").exitCode == 137)
            }
        }

        @Test("a full disk is said, costs nothing that was there, and stop and down work on it")
        func fullDisk() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, volumes: [ "data:/data" ] }
                  more: { image: busybox, command: sleep infinity, profiles: [ more ] }
                volumes: { data: }
                """
            try await World.with(project: "full-disk", compose) { world in
                try await world.killEngine()
                let copy = "\(world.folder)/copy"
                try await world.shell(
                    "cp -a \(world.root) \(copy); mount -t tmpfs -o size=32m tmpfs \(world.root); mv \(copy)/* \(world.root)/"
                )
                try await world.berth("up", "-d")
                try await world.berth("exec", "-T", "web", "sh", "-c", "echo kept > /data/file")
                let fill =
                    "for size in 64k 4k 512; do dd if=/dev/zero of=\(world.root)/ballast-$size bs=$size 2>/dev/null || true; done"
                for _ in 0..<2 {
                    try await world.shell(fill)
                    let failed = try await world.attempt("--profile", "more", "up", "-d", "--force-recreate")
                    #expect(failed.status != 0)
                    #expect(failed.stderr.lowercased().contains("no space"), "\(failed)")
                    #expect(try await world.berth("exec", "-T", "web", "cat", "/data/file").stdout == "kept\n")
                    try await world.berth("stop", "-t", "0")
                    #expect(try await world.container("web").state == .exited)
                    try await world.shell("rm \(world.root)/ballast-*")
                    try await world.berth("up", "-d")
                    #expect(try await world.berth("exec", "-T", "web", "cat", "/data/file").stdout == "kept\n")
                }
                try await world.shell(fill)
                try await world.berth("--profile", "more", "down", "-t", "0", "-v")
                #expect(try await world.containers().isEmpty)
                try await world.killEngine()
                try await world.shell("umount -l \(world.root)")
            }
        }

        @Test("a subnet that the host routes already is refused, and what has it is named")
        func subnetClash() async throws {
            let compose = """
                services: { web: { image: busybox, command: sleep infinity } }
                networks: { default: { ipam: { config: [ { subnet: 10.77.0.0/16 } ] } } }
                """
            try await World.with(project: "subnet", compose) { world in
                try await world.shell(
                    "ip link add other0 type bridge; ip address add 10.77.3.1/24 dev other0; ip link set other0 up")
                let failed = try await world.attempt("up", "-d")
                #expect(failed.status != 0)
                #expect(failed.stderr.contains("10.77.3.0/24"), "\(failed)")
                #expect(try await world.containers().isEmpty)
                #expect(try await !world.shell("ip -o link").contains("berth"))
            }
        }

        @Test("who may not use the engine is told how to get the right")
        func noRights() async throws {
            try await World.with(project: "rights", "services: { web: { image: busybox } }") { world in
                try await world.berth("version")
                let said = try await world.shell(
                    "setpriv --reuid 65534 --regid 65534 --clear-groups berth ps 2>&1; echo status $?")
                #expect(!said.hasSuffix("status 0"), "\(said)")
                #expect(said.contains("usermod") && said.contains("sudo"), "\(said)")
            }
        }
    }
}
