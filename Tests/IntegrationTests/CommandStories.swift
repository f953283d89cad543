import EngineWire
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
