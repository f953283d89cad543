import EngineWire
import Testing

extension Stories {
    /// The engine as a service of a service manager.
    @Suite struct Engines {
        /// Hands over a listening socket as systemd does, and writes what the engine says of itself to `told`.
        static let manager = """
            use Socket; use POSIX ();
            $^F = 9; my $run = $ENV{BERTH_RUN};
            socket(my $listener, AF_UNIX, SOCK_STREAM, 0) or die; bind($listener, sockaddr_un("$run/berthd.sock")) or die; listen($listener, 9);
            socket(my $notices, AF_UNIX, SOCK_DGRAM, 0) or die; bind($notices, sockaddr_un("$run/notices")) or die;
            if (!fork) {
                $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; $ENV{NOTIFY_SOCKET} = "$run/notices";
                POSIX::dup2(fileno $listener, 3) if fileno $listener != 3;
                exec "berthd";
            }
            recv($notices, my $word, 99, 0); open(my $told, ">", "$run/told"); print $told $word; close $told;
            wait; sleep 1000;
            """

        @Test("a socket that is handed over is served, readiness is told, and the socket stays when the engine leaves")
        func handedOver() async throws {
            try await World.with(project: "handed-over", "services: { web: { image: busybox } }") { world in
                try await world.shell("kill \(try await world.engineProcess()); mkdir -p \(world.run)")
                try await world.eventually("the first engine is gone") {
                    try await !world.processes().values.contains { $0.contains("berthd") }
                }
                try world.write(Self.manager, to: "manager.pl")
                try await world.shell("perl manager.pl >/dev/null 2>&1 </dev/null &")
                try await world.eventually("it is ready") {
                    try await world.shell("cat \(world.run)/told || true") == "READY=1"
                }
                let inode = try await world.shell("stat -c %i \(world.run)/berthd.sock")
                let engine = try await world.engineProcess()
                try await world.berth("ps")
                #expect(try await world.engineProcess() == engine, "berth must not start an engine of its own")
                try await world.shell("kill \(engine)")
                try await world.eventually("it has left") { try await !world.processes().keys.contains(engine) }
                #expect(try await world.shell("stat -c %i \(world.run)/berthd.sock") == inode)
            }
        }

        @Test("commands that come together when no engine runs, or while one leaves, are all answered by one engine")
        func together() async throws {
            try await World.with(project: "together", "services: { web: { image: busybox } }") { world in
                for round in 0..<8 {
                    let engine = try await world.engineProcess()
                    // An even one is killed, an odd one leaves by itself.
                    if round % 2 == 0 {
                        try await world.killEngine()
                    } else {
                        try await world.shell("kill \(engine)")
                    }
                    let commands = try (0..<4).map { _ in try world.begin("ls") }
                    for command in commands {
                        let outcome = try await command.outcome()
                        #expect(outcome.status == 0, "\(outcome)")
                    }
                    try await world.eventually("one engine is left") {
                        try await world.processes().values.count { $0.hasSuffix("berthd") } == 1
                    }
                }
            }
        }

        @Test("an engine of the same root with another socket is named")
        func otherSocket() async throws {
            try await World.with(project: "other-socket", "services: { web: { image: busybox } }") { world in
                try await world.shell("mkdir -p \(world.root)/other")
                let said = try await world.shell("BERTH_RUN=\(world.root)/other berth ls 2>&1 || true")
                #expect(said.contains("with the socket \(world.run)/berthd.sock"), "\(said)")
            }
        }

        @Test(
            "an engine ends when nothing is left to look after, even if streams of ended commands are open"
        )
        func leaving() async throws {
            let compose = "services: { web: { image: busybox, command: sleep infinity } }"
            try await World.with(project: "leaving", compose) { world in
                try await world.killEngine()
                try await world.shell("BERTH_IDLE_EXIT=1 berth up -d")
                try await world.berth("exec", "-T", "web", "true")
                let engine = try await world.engineProcess()
                try await world.berth("down", "-t", "0")
                try await world.eventually("it has left") { try await !world.processes().keys.contains(engine) }
                try await world.eventually("nothing of it is left") {
                    try await !world.processes().values.contains { $0.hasPrefix("berth") }
                }
            }
        }

        @Test("a monitor that was stopped keeps no new engine from its work, and is taken over when it goes on")
        func stoppedMonitor() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity }
                  other: { image: busybox, command: sleep infinity }
                """
            try await World.with(project: "stopped-monitor", compose) { world in
                try await world.berth("up", "-d")
                let id = try await world.container("web").id
                let process = try await world.initProcess(of: "web")
                let monitor = try #require(
                    try await world.processes().first { $0.value.hasPrefix("berth-monitor") && $0.value.contains(id) }?
                        .key)
                try await world.shell("kill -STOP \(monitor)")
                try await world.killEngine()
                #expect(try await world.berth("ps", "--services").lines.sorted() == ["other", "web"])
                #expect(try await world.initProcess(of: "web") == process)
                try await world.berth("restart", "-t", "0", "other")
                try await world.berth("up", "-d")
                #expect(try await world.initProcess(of: "web") == process)
                try await world.shell("kill -9 \(process); kill -CONT \(monitor)")
                try await world.eventually("web", is: .exited)
                #expect(try await world.container("web").exitCode == 137)
                try await world.berth("up", "-d")
                #expect(try await world.container("web").state == .running)
            }
        }

        @Test("probes, execs, many an up and down and killed engines leave nothing behind")
        func endurance() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    healthcheck: { test: [ CMD, "true" ], interval: 200ms }
                  api: { image: busybox, command: sleep infinity, depends_on: [ web ] }
                """
            let cycle = """
                services:
                  a: { image: busybox, command: sleep infinity, volumes: [ "data:/data" ], ports: [ "80" ] }
                volumes: { data: }
                """
            try await World.with(project: "endurance", compose) { world in
                try world.write(cycle, of: "cycle")
                func round(_ count: Int) async throws {
                    for _ in 0..<count {
                        try await world.berth("up", "-d", in: "cycle")
                        try await world.berth("exec", "-T", "a", "true", in: "cycle")
                        try await world.berth("down", "-v", "-t", "0", in: "cycle")
                    }
                    for _ in 0..<count {
                        try await world.killEngine()
                        try await world.berth("exec", "-T", "web", "true")
                    }
                }
                /// Links, mounts, files, cgroups and processes, each on a line. What a probe makes for its moment is left out.
                @Sendable func things() async throws -> String {
                    try await world.shell(
                        """
                        ls /sys/class/net | sed 's/^/link /'
                        awk '{ print "mount", $5 }' /proc/self/mountinfo | sort
                        find \(world.run) \(world.root)/containers \(world.root)/volumes -mindepth 1 -maxdepth 4 | grep -v -e /execs/ -e /upper/ -e /secrets/ | sort
                        find /sys/fs/cgroup -type d -name "*berth-*" | sort
                        ps -e -o args= | grep -e '^berth-monitor .*/containers/' -e '^berth-net' -e '^berthd' -e '^sleep' | sort
                        """)
                }
                try await world.berth("up", "-d", "--wait")
                try await round(1)
                let before = try await things()
                try await round(4)
                try await world.eventually("everything is as it was") { try await things() == before }
                try await world.eventually("what execs left is gone") {
                    try await Int(world.shell("ls \(world.run)/execs | wc -l")) ?? 99 <= 2
                }
            }
        }
    }
}
