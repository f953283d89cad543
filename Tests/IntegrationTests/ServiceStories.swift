import EngineWire
import Testing

extension Stories {
    /// Services that need one another.
    @Suite struct Services {
        @Test("a service starts only after its dependency is healthy")
        func healthyOrder() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sh -c 'ls /shared; exec sleep infinity'
                    volumes: [shared:/shared]
                    depends_on: { db: { condition: service_healthy } }
                  db:
                    image: busybox
                    command: sh -c 'sleep 0.5; touch /shared/ready; exec sleep infinity'
                    volumes: [shared:/shared]
                    healthcheck: { test: test -f /shared/ready, interval: 5s }
                volumes: { shared: {} }
                """
            try await World.with(project: "healthy-order", compose) { world in
                try await world.berth("up", "-d", "--wait")
                #expect(try await world.container("db").health == .healthy)
                #expect(try await world.berth("logs", "--no-log-prefix", "web").stdout == "ready\n")
            }
        }

        @Test("what its health check said is told of what does not become healthy")
        func unhealthy() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, depends_on: { db: { condition: service_healthy } } }
                  db:
                    image: busybox
                    command: sh -c 'echo starting; exec sleep infinity'
                    healthcheck: { test: "echo no table yet >&2; exit 3", interval: 100ms, retries: 2 }
                  slow:
                    image: busybox
                    command: sleep infinity
                    healthcheck: { test: sleep 20, interval: 100ms, timeout: 100ms, retries: 1 }
                """
            try await World.with(project: "unhealthy", compose) { world in
                let answer = "its last health check ended with code 3:\n  | no table yet\n"
                let outcomes = [
                    try await world.attempt("up", "-d", "web"), try await world.attempt("up", "-d", "--wait", "db"),
                    try await world.attempt("run", "--rm", "web", "true"),
                ]
                for outcome in outcomes {
                    #expect(outcome.status == 1 && outcome.stderr.contains(answer), "\(outcome)")
                    #expect(outcome.stderr.contains("its last lines:\n  | starting\n"), "\(outcome)")
                }
                try await world.berth("down", "-t", "0")
                let slow = try await world.attempt("up", "-d", "--wait", "slow")
                #expect(slow.status == 1 && slow.stderr.contains("its last health check took too long\n"), "\(slow)")
            }
        }

        @Test("who brings up one service is not held up by what others wait for, and those are started all the same")
        func othersWaits() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, depends_on: { db: { condition: service_healthy } } }
                  db:
                    image: busybox
                    command: sleep infinity
                    healthcheck: { test: test -e /ready, interval: 100ms, retries: 2 }
                  other: { image: busybox, command: sleep infinity }
                """
            try await World.with(project: "others-waits", compose) { world in
                #expect(try await world.attempt("up", "-d", "web").status == 1)
                try await world.berth("up", "-d", "other")
                try await world.eventually("other", is: .running)
                #expect(try await world.container("web").state == .created)
                try await world.berth("exec", "db", "touch", "/ready")
                try await world.eventually("web", is: .running)
            }
        }

        @Test("a service that waits for another's success does not start when that fails")
        func completedOrder() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    depends_on: { job: { condition: service_completed_successfully } }
                  job: { image: busybox, command: sh -c 'echo no luck; exit 3' }
                """
            try await World.with(project: "completed-order", compose) { world in
                let up = try await world.attempt("up", "-d")
                #expect(up.status == 1, "\(up)")
                #expect(up.stderr.contains("job"), "\(up)")
                #expect(try await !world.containers().contains { $0.service == "web" && $0.state == .running })
            }
        }

        @Test("COMPOSE variables of .env say what becomes of orphans, and how many steps are done at once")
        func composeVariables() async throws {
            let one = "services: { a: { image: busybox, command: sleep infinity } }"
            let two = "services: { a: &a { image: busybox, command: sleep infinity }, b: *a }"
            try await World.with(project: "variables", two) { world in
                try world.write("COMPOSE_PARALLEL_LIMIT=1\nCOMPOSE_IGNORE_ORPHANS=true", to: ".env")
                let lines = try await world.berth("up", "-d").stderr.split(separator: "\n").map(String.init)
                let containers = lines.filter { $0.contains("Container") }
                #expect(containers.count == 8, "\(lines)")
                // One after the other: each step is done before another begins.
                for (begun, done) in zip(containers.indices, containers.indices.dropFirst()) where begun % 2 == 0 {
                    let name = { (line: String) in line.split(separator: " ").dropFirst().first }
                    #expect(name(containers[begun]) == name(containers[done]), "\(lines)")
                }
                try world.write(one)
                #expect(try await !world.berth("up", "-d").stderr.contains("orphan"))
                let both = try await world.attempt("up", "-d", "--remove-orphans")
                #expect(both.status == 2 && both.stderr.contains("COMPOSE_IGNORE_ORPHANS"), "\(both)")
                try world.write("COMPOSE_PARALLEL_LIMIT=x", to: ".env")
                #expect(try await world.attempt("up", "-d").status == 2)
                try world.write("", to: ".env")
                #expect(try await world.berth("up", "-d").stderr.contains("orphan"))
                try world.write("COMPOSE_REMOVE_ORPHANS=1", to: ".env")
                try await world.berth("up", "-d")
                #expect(try await world.containers().map(\.service) == ["a"])
            }
        }

        @Test("scale adds replicas and takes them away again")
        func scale() async throws {
            let compose = "services: { web: { image: busybox, command: sleep infinity } }"
            try await World.with(project: "scale", compose) { world in
                try await world.berth("up", "-d")
                let first = try await world.container("web")
                try await world.berth("up", "-d", "--scale", "web=3")
                #expect(try await world.containers().compactMap(\.number).sorted() == [1, 2, 3])
                try await world.berth("scale", "web=1")
                #expect(try await world.containers() == [first])
            }
        }

        @Test("containers of a service that left the file are reported, and removed when that is asked for")
        func orphans() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity }
                  old: { image: busybox, command: sleep infinity }
                """
            try await World.with(project: "orphans", compose) { world in
                try await world.berth("up", "-d")
                try world.write("services: { web: { image: busybox, command: sleep infinity } }")
                let up = try await world.berth("up", "-d")
                #expect(up.stderr.contains("orphan") && up.stderr.contains("orphans-old-1"), "\(up)")
                #expect(try await world.containers().count == 2)
                try await world.berth("up", "-d", "--remove-orphans")
                #expect(try await world.containers().map(\.service) == ["web"])
            }
        }

        @Test("two up at once both succeed and make each container once")
        func twoAtOnce() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity }
                  api: { image: busybox, command: sleep infinity }
                """
            try await World.with(project: "two-at-once", compose) { world in
                let first = try world.begin("up", "-d")
                let second = try world.begin("up", "-d")
                let outcomes = [try await first.outcome(), try await second.outcome()]
                #expect(outcomes.map(\.status) == [0, 0], "\(outcomes)")
                #expect(
                    try await world.containers().map(\.name).sorted() == ["two-at-once-api-1", "two-at-once-web-1"])
            }
        }
    }
}
