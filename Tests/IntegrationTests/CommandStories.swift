import EngineWire
import JSON
import Testing

extension Stories {
    /// Commands inside containers.
    @Suite struct Commands {
        static let web = "services: { web: { image: busybox, command: sleep infinity } }"

        @Test("exec passes on input, output, environment, user, folder and exit code")
        func exec() async throws {
            try await World.with(project: "exec", Self.web) { world in
                try await world.berth("up", "-d")
                #expect(try await world.attempt("exec", "-T", "web", "sh", "-c", "exit 7").status == 7)
                #expect(try await world.attempt("exec", "-T", "web", "nonsense").status == 127)
                #expect(try await world.berth("exec", "-T", "web", "cat", input: "one\ntwo\n").stdout == "one\ntwo\n")
                let split = try await world.berth("exec", "-T", "web", "sh", "-c", "echo out; echo err >&2")
                #expect(split.stdout == "out\n")
                #expect(split.stderr == "err\n")
                #expect(
                    try await world.berth("exec", "-T", "-e", "NAME=value", "web", "sh", "-c", "echo $NAME").trimmed
                        == "value")
                #expect(try await world.berth("exec", "-T", "-u", "nobody", "web", "id", "-u").trimmed == "65534")
                #expect(try await world.berth("exec", "-T", "-w", "/etc", "web", "pwd").trimmed == "/etc")
            }
        }

        @Test(
            "events tells what happens to a project's containers: as it happens, from before, up to a time, of a service"
        )
        func events() async throws {
            let compose = """
                services:
                  web: {image: busybox, command: sleep infinity, labels: {role: front}}
                  job: {image: busybox, command: "sh -c 'exit 3'"}
                """
            try await World.with(project: "happens", compose) { world in
                let following = try world.begin("events", "web")
                try await world.berth("up", "-d")
                try await world.eventually("the job has ended") { try await world.container("job").state == .exited }
                try await world.berth("stop", "-t", "0", "web")
                let id = try await world.container("web").id
                let lines = try await world.berth("events", "--since", "10m", "--until", "0s").stdout.split(
                    separator: "\n")
                let actions = lines.map { $0.split(separator: " ").dropFirst(2).prefix(2).joined(separator: " ") }
                for wanted in ["container create", "container start", "container die"] {
                    #expect(actions.filter { $0 == wanted }.count == 2, "\(wanted): \(lines)")
                }
                #expect(lines.contains { $0.contains("exitCode=3") && $0.contains("name=happens-job-1") }, "\(lines)")
                let web = try await world.berth("events", "--json", "--since", "10m", "--until", "0s", "web").stdout
                let objects = try web.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                #expect(objects.first?["action"] == "create" && objects.allSatisfy { $0["service"] == "web" })
                #expect(objects.allSatisfy { $0["id"]?.string == id && $0["attributes"]?["role"] == "front" })
                #expect(objects.allSatisfy { $0["type"] == "container" && $0["time"]?.string?.hasSuffix("Z") == true })
                let refused = try await world.attempt("events", "--since", "1m", "--until", "2m")
                #expect(refused.status != 0)
                #expect(try await world.attempt("events", "nosuch").status != 0)
                try await world.eventually("the one that follows has told of the end") {
                    following.output.contains("container die \(id)")
                }
                #expect(!following.output.contains("happens-job-1"))
                try await world.shell("pkill -INT -f 'berth event[s] web'")
                #expect(try await following.outcome().status == 130)
            }
        }

        @Test("no exit code of a short command is lost")
        func shortCommands() async throws {
            try await World.with(project: "short", Self.web) { world in
                try await world.berth("up", "-d")
                for code: Int32 in 0..<40 {
                    #expect(try await world.attempt("exec", "-T", "web", "sh", "-c", "exit \(code)").status == code)
                }
            }
        }

        @Test("run --rm passes on input and exit code, and leaves nothing")
        func run() async throws {
            try await World.with(project: "run", Self.web) { world in
                for _ in 0..<8 {
                    let run = try await world.attempt(
                        "run", "--rm", "-T", "web", "sh", "-c", "cat; exit 5", input: "given\n")
                    #expect(run.status == 5, "\(run)")
                    #expect(run.stdout == "given\n", "\(run)")
                }
                try await world.eventually("it is gone") { try await world.containers().isEmpty }
            }
        }

        @Test("run --rm returns when nothing of its container is left, with the command's code")
        func runAndRemove() async throws {
            let compose = "services: { web: { image: busybox, command: sleep infinity, volumes: [/data] } }"
            try await World.with(project: "run-rm", compose) { world in
                for code in 0...4 {
                    let run = try await world.attempt("run", "--rm", "-T", "web", "sh", "-c", "exit \(code)")
                    #expect(run.status == code, "\(run)")
                    #expect(try await world.containers().isEmpty)
                    #expect(try await world.get("volumes", as: [VolumeRow].self).isEmpty)
                }
            }
        }

        @Test(
            "what ends a program also ends a command of run, and --rm removes its container",
            arguments: ["HUP", "INT", "QUIT", "TERM"])
        func signalsToRun(signal: String) async throws {
            try await World.with(project: "run-\(signal.lowercased())", Self.web) { world in
                // One cannot hear the signal as the first process, one does, one is a shell that waits for its child.
                let commands = [
                    ("sleep 1001", 128...255), ("sh -c 'trap \"exit 7\" \(signal); sleep 1001 & wait'", 7...7),
                    ("sh -c 'sleep 1001; true'", 0...255),
                ]
                for (command, codes) in commands {
                    async let ended = world.shell("berth run --rm -T web \(command) || echo $?")
                    try await world.eventually("it runs") {
                        try await world.processes().values.contains { $0.hasPrefix("sleep 1001") }
                    }
                    let client = try #require(try await world.processes().first { $0.value.hasPrefix("berth run ") })
                    try await world.shell("kill -\(signal) \(client.key)")
                    let code = Int(try await ended.split(separator: "\n").last ?? "0") ?? 0
                    #expect(codes.contains(code), "\(command): \(code)")
                    #expect(try await world.containers().isEmpty, "\(command)")
                }
            }
        }

        @Test("a signal before the command has begun leaves no container behind")
        func signalBeforeRun() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, depends_on: { db: { condition: service_healthy } } }
                  db: { image: busybox, command: sleep infinity, healthcheck: { test: ["CMD", "false"], retries: 1000 } }
                """
            try await World.with(project: "run-early", compose) { world in
                for signal in ["HUP", "TERM"] {
                    async let ended = world.shell("berth run --rm -T web true || echo $?")
                    try await world.eventually("db runs") {
                        try await world.containers().contains { $0.service == "db" && $0.state == .running }
                    }
                    try await world.eventually("run waits") {
                        try await world.processes().values.contains { $0.hasPrefix("berth run ") }
                    }
                    let client = try #require(try await world.processes().first { $0.value.hasPrefix("berth run ") })
                    try await world.shell("kill -\(signal) \(client.key)")
                    #expect(try await ended.split(separator: "\n").last == "130")
                    #expect(try await world.containers().allSatisfy { !$0.isOneOff })
                }
            }
        }

        @Test("logs, up and exec end with 130 by each of these signals, and the service runs on")
        func signalsToOthers() async throws {
            try await World.with(project: "signals", Self.web) { world in
                try await world.berth("up", "-d")
                for verb in ["logs -f", "exec -T web sleep 1002"] {
                    for signal in ["HUP", "INT", "QUIT", "TERM"] {
                        async let ended = world.shell("berth \(verb) || echo $?")
                        let program = verb.hasPrefix("logs") ? "berth logs" : "sleep 1002"
                        try await world.eventually("it runs") {
                            try await world.processes().values.contains { $0.hasPrefix(program) }
                        }
                        let client = try #require(
                            try await world.processes().first { $0.value.hasPrefix("berth \(verb)") })
                        try await world.shell("kill -\(signal) \(client.key)")
                        let code = Int(try await ended.split(separator: "\n").last ?? "0") ?? 0
                        #expect(code > 128, "\(verb) \(signal): \(code)")
                        try await world.eventually("its command is gone") {
                            try await !world.processes().values.contains { $0.hasPrefix("sleep 1002") }
                        }
                    }
                }
                for signal in ["HUP", "QUIT"] {
                    async let ended = world.shell("berth up || echo $?")
                    try await world.eventually("it is attached") {
                        try await world.processes().values.contains { $0.hasPrefix("berth up") }
                    }
                    let client = try #require(try await world.processes().first { $0.value.hasPrefix("berth up") })
                    try await Task.sleep(for: .milliseconds(300))
                    try await world.shell("kill -\(signal) \(client.key)")
                    #expect(try await ended.split(separator: "\n").last == "130")
                    #expect(try await world.container("web").state == .running)
                }
            }
        }

        @Test("a terminal of exec has TERM, as that of run has; -e and the image's own win")
        func terminalType() async throws {
            try await World.with(project: "term", Self.web) { world in
                try await world.berth("up", "-d")
                // The words before the service, in a terminal; what it echoes of its own input is cut off.
                func term(_ verb: String) async throws -> String {
                    let echo = "sh -c \"echo is:\\$TERM\""
                    let said = try await world.shell(
                        "script -qec 'berth \(verb) web \(echo)' /dev/null </dev/null | tr -d '\\r\\000'")
                    guard let start = said.firstRange(of: "is:")?.upperBound else { return said }
                    // What the terminal makes of the end of its input may stand on the next line.
                    return String(said[start...].prefix { !$0.isNewline && $0 != "^" })
                }
                #expect(try await term("exec") == "xterm")
                #expect(try await term("exec -it") == "xterm")
                #expect(try await term("exec -e TERM=vt100") == "vt100")
                #expect(try await term("run --rm --quiet") == "xterm")
                #expect(try await term("exec -T") == "")
            }
        }

        @Test("a container's name does where its service's does, from any folder")
        func containerNames() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sh -c 'echo hello; exec sleep infinity', scale: 2, ports: ["80"] }
                  db: { image: busybox, command: sh -c 'echo data; exec sleep infinity' }
                """
            try await World.with(project: "names", compose) { world in
                try await world.berth("up", "-d")
                let second = try await world.container("web", 2)
                for folder in ["names", "elsewhere"] {
                    let hostname = try await world.berth("exec", "-T", "names-web-2", "hostname", in: folder).trimmed
                    #expect(second.id.hasPrefix(hostname))
                    let logs = try await world.berth("logs", "names-web-2", in: folder).stdout
                    #expect(logs.contains("web-2") && !logs.contains("web-1") && !logs.contains("db"), "\(logs)")
                    let ps = try await world.berth("ps", "-q", "names-web-2", in: folder).trimmed
                    #expect(ps == second.id)
                    #expect(try await world.berth("top", "names-db-1", in: folder).stdout.contains("sleep"))
                    let port = try await world.berth("port", "names-web-2", "80", in: folder).trimmed
                    #expect(port.hasSuffix(":\(second.ports[0].hostPort)"))
                }
                #expect(try await world.berth("exec", "-T", "web-2", "true").status == 0)
                #expect(try await world.berth("exec", "-T", String(second.id.prefix(12)), "true").status == 0)
                try await world.berth("restart", "-t0", "names-db-1")
                try await world.berth("stop", "-t0", "names-db-1")
                #expect(try await world.container("db").state == .exited)
                #expect(try await world.container("web").state == .running)
                try await world.berth("start", "names-db-1", in: "elsewhere")
                try await world.berth("kill", "names-db-1")
                try await world.berth("rm", "-f", "names-db-1")
                #expect(try await world.containers().count == 2)
                let part = try await world.attempt("down", "names-web-1")
                #expect(part.status == 1)
                #expect(part.stderr.contains("is one of 2 containers of the service \"web\""), "\(part)")
                try await world.berth("stop", "-t0", "names-web-1", "names-web-2")
                #expect(try await world.containers().allSatisfy { $0.state == .exited })
                let up = try await world.attempt("up", "-d", "names-web-1")
                #expect(up.stderr.contains("its service is web"), "\(up)")
            }
        }

        @Test("a one-off is reached by its name, and rm removes it by that")
        func oneOffNames() async throws {
            try await World.with(project: "one-offs", Self.web) { world in
                try await world.berth("run", "-d", "--name", "job", "web", "sh", "-c", "echo from job; exec sleep 1003")
                #expect(try await world.berth("exec", "-T", "job", "pidof", "sleep").status == 0)
                #expect(try await world.berth("logs", "--no-log-prefix", "job").trimmed == "from job")
                let down = try await world.attempt("down", "job")
                #expect(down.stderr.contains("berth rm -sf job"), "\(down)")
                try await world.berth("stop", "-t0", "job")
                #expect(try await world.containers().map(\.state) == [.exited])
                try await world.berth("start", "job")
                #expect(try await world.containers().map(\.state) == [.running])
                try await world.berth("rm", "-sf", "job")
                #expect(try await world.containers().isEmpty)
            }
        }

        @Test("a service that is not there has one text, whatever the verb")
        func unknownService() async throws {
            try await World.with(project: "unknown", Self.web) { world in
                let lines = [
                    "up -d wbe", "create wbe", "run wbe true", "pull wbe", "scale wbe=2", "plan wbe", "config wbe",
                    "up -d --scale wbe=2", "up --attach wbe", "stop wbe", "start wbe", "restart wbe", "kill wbe",
                    "pause wbe", "unpause wbe", "rm wbe", "logs wbe", "top wbe", "ps wbe", "images wbe", "volumes wbe",
                    "down wbe", "exec wbe true", "port wbe 80", "wait wbe",
                ]
                for line in lines {
                    let said = try await world.shell("berth \(line) 2>&1; echo $?")
                    #expect(
                        said == """
                            error: no such service: wbe; did you mean "web"?
                            hint: services: web
                            1
                            """, "\(line)")
                }
            }
        }

        @Test("confinement reaches the kernel: read-only root, dropped capabilities, user, memory limit")
        func confinement() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    read_only: true
                    cap_drop: [ALL]
                    user: "65534:65534"
                    mem_limit: 64m
                """
            try await World.with(project: "confined", compose) { world in
                try await world.berth("up", "-d")
                let row = try await world.container("web")
                #expect(
                    try await world.attempt("exec", "-T", "-u", "0", "web", "touch", "/file").stderr.contains(
                        "Read-only"))
                let status = try await world.shell("cat /proc/\(row.processID ?? 0)/status")
                #expect(status.contains("CapBnd:\t0000000000000000"), "\(status)")
                #expect(status.contains("Uid:\t65534\t65534\t65534\t65534"))
                #expect(status.contains("NoNewPrivs:"))
                #expect(status.contains("Seccomp:\t2"))
                let limit = try await world.shell(
                    "cat $(find /sys/fs/cgroup -path '*\(row.id)/memory.limit_in_bytes' -o -path '*\(row.id)/memory.max')"
                )
                #expect(limit == "67108864")
            }
        }
    }
}
