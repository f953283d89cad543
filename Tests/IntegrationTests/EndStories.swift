import EngineWire
import Testing

extension Stories {
    /// How containers end, and what becomes of them then.
    @Suite struct Ends {
        @Test("an exit code is kept, and ps says why a container with restart: no stays down")
        func exitCode() async throws {
            let compose = """
                services:
                  job: { image: busybox, command: sh -c 'exit 7' }
                  good: { image: busybox, command: "true" }
                """
            try await World.with(project: "exit-code", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("job", is: .exited)
                try await world.eventually("good", is: .exited)
                let job = try await world.container("job")
                #expect(job.exitCode == 7)
                #expect(job.reason?.contains("restart: no") == true, "\(job.reason ?? "no reason")")
                #expect(try await world.container("good").exitCode == 0)
                #expect(try await world.berth("ps", "-a").stdout.contains("Exited (7)"))
            }
        }

        @Test("a container that restarts always comes back after it ends, with the same name and another process")
        func restartAlways() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    restart: always
                    command: sh -c 'echo started; exec sleep infinity'
                """
            try await World.with(project: "restart-always", compose) { world in
                try await world.berth("up", "-d")
                for round in 1...2 {
                    let before = try await world.container("web")
                    try await world.shell("kill -9 \(before.processID ?? 0)")
                    try await world.eventually("it runs again") {
                        let now = try await world.container("web")
                        return now.state == .running && now.processID != before.processID
                    }
                    #expect(try await world.container("web").id == before.id)
                    try await world.eventually("it says so") {
                        try await world.berth("logs", "--no-log-prefix").lines.count == round + 1
                    }
                }
            }
        }

        @Test("a container killed from outside stays down without a restart policy, and the next up starts it")
        func killedFromOutside() async throws {
            let compose = "services: { web: { image: busybox, command: sleep infinity } }"
            try await World.with(project: "killed-outside", compose) { world in
                try await world.berth("up", "-d")
                let before = try await world.container("web")
                try await world.shell("kill -9 \(before.processID ?? 0)")
                try await world.eventually("web", is: .exited)
                #expect(try await world.container("web").exitCode == 137)
                try await world.berth("up", "-d")
                let after = try await world.container("web")
                #expect(after.state == .running)
                #expect(after.id == before.id)
            }
        }

        @Test("what stop stopped stays down when the engine is killed and started again")
        func stopHolds() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, restart: always }
                  api: { image: busybox, command: sleep infinity, restart: always }
                """
            try await World.with(project: "stop-holds", compose) { world in
                try await world.berth("up", "-d")
                try await world.berth("stop", "web")
                try await world.killEngine()
                try await world.berth("ps")
                #expect(try await world.container("web").state == .exited)
                #expect(try await world.container("api").state == .running)
            }
        }

        @Test("a lost monitor is reported as lost, never as success")
        func lostMonitor() async throws {
            let compose = "services: { web: { image: busybox, command: sleep infinity } }"
            try await World.with(project: "lost-monitor", compose) { world in
                try await world.berth("up", "-d")
                let id = try await world.container("web").id
                let monitor = try await world.processes().first {
                    $0.value.hasPrefix("berth-monitor") && $0.value.contains(id)
                }
                try await world.killProcess(try #require(monitor?.key))
                try await world.eventually("it is down") { try await world.container("web").state != .running }
                let row = try await world.container("web")
                #expect(row.exitCode != 0)
                #expect(row.reason?.contains("lost") == true, "\(row)")
                try await world.eventually("its process is ended") {
                    try await !world.processes().values.contains { $0.hasPrefix("sleep") }
                }
            }
        }

        @Test("who was killed is told why: no memory, no end within the grace period, no ear for the signal")
        func causes() async throws {
            let compose = """
                services:
                  hungry:
                    image: busybox
                    mem_limit: 16m
                    command: sh -c 'x=0123456789; while :; do x=$$x$$x; done'
                  stubborn: { image: busybox, command: "sh -c 'trap : TERM; while :; do sleep 0.1; done'" }
                  deaf: { image: busybox, command: sleep infinity }
                """
            try await World.with(project: "causes", compose) { world in
                let up = try await world.attempt("up", "--abort-on-container-exit", "-t", "1")
                #expect(up.status == 137)
                for words in [
                    "hungry-1 exited with code 137 (out of memory: its limit is 16 MiB)",
                    "stubborn-1 exited with code 137 (killed: it did not stop within 1.0s)",
                    "deaf-1 exited with code 137 (killed: it does not handle SIGTERM)",
                ] { #expect(up.stdout.contains(words), "\(up.stdout)") }
                let reason = try await world.container("hungry").reason
                #expect(reason?.hasPrefix("out of memory") == true, "\(reason ?? "none")")
            }
        }

        @Test("pause holds processes still, unpause lets them go on")
        func pause() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sh -c 'while true; do date +%s%N; sleep 0.05; done' }
                """
            try await World.with(project: "pause", compose) { world in
                try await world.berth("up", "-d")
                let said = try await world.berth("pause").stderr
                #expect(said.contains("Paused") && !said.contains("#"), "\(said)")
                #expect(try await world.container("web").state == .paused)
                let quiet = try await world.berth("logs").stdout
                let failed = try await world.attempt("exec", "-T", "web", "true")
                #expect(failed.status != 0)
                #expect(try await world.berth("logs").stdout == quiet)
                try await world.berth("unpause")
                #expect(try await world.container("web").state == .running)
                try await world.eventually("it goes on") { try await world.berth("logs").stdout != quiet }
            }
        }
    }
}
