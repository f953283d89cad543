import EngineWire
import Testing

extension Stories {
    /// What a file asks for and this machine cannot do.
    @Suite struct Limits {
        private static let compose = """
            services:
              web:
                image: busybox
                command: sleep infinity
                oom_score_adj: -500
                security_opt:
                  - apparmor=shop
                deploy:
                  resources:
                    limits:
                      pids: 50
                networks: [front]
            networks:
              front:
                driver: overlay

            """

        private static let driver = """
            compose.yaml:15:13: error: network limits_front: there is no driver "overlay", only "bridge", "macvlan", "ipvlan"
            15 |     driver: overlay
               |             ^^^^^^^
              path: networks.front.driver
            """
        private static let profile = """
            7 |       - apparmor=shop
              |         ^^^^^^^^^^^^^
              path: services.web.security_opt[0]
            """
        private static let processes = """
            11 |           pids: 50
               |                 ^^
              path: services.web.deploy.resources.limits.pids
            """
        private static let score = """
            compose.yaml:5:20: error: service "web": oom_score_adj -500 is below what the engine may give
            5 |     oom_score_adj: -500
              |                    ^^^^
              path: services.web.oom_score_adj
            """

        /// Takes the limit on processes away from this world alone: its controller's mount, or, where one mount has all
        /// controllers, the right to write there.
        private static func takeProcessLimit(from world: World) async throws {
            try await world.shell(
                "umount /sys/fs/cgroup/pids 2>/dev/null || mount -o remount,bind,ro /sys/fs/cgroup")
        }

        /// CAP_SYS_RESOURCE has the number 24 (capabilities(7)).
        private static func canRaiseLimits(_ world: World) async throws -> Bool {
            let status = try await world.shell("grep CapEff /proc/self/status")
            let bits = status.split { $0 == "\t" || $0 == " " }.last.flatMap { UInt64($0, radix: 16) } ?? 0
            return bits >> 24 & 1 == 1
        }

        @Test("what this machine cannot do is told at its place in the file, all of it at once, and nothing is made")
        func places() async throws {
            try await World.with(project: "limits", Self.compose) { world in
                try await Self.takeProcessLimit(from: world)
                var expected = [Self.profile, Self.processes, Self.driver]
                if try await !Self.canRaiseLimits(world) { expected.insert(Self.score, at: 0) }

                let config = try await world.berth("config", "--quiet")
                #expect(config.stderr.isEmpty && config.stdout.isEmpty, "\(config)")

                let outcomes = [
                    (try await world.attempt("up", "-d"), showsPlan: false),
                    (try await world.attempt("up"), showsPlan: false),
                    (try await world.attempt("up", "--dry-run"), showsPlan: true),
                    (try await world.attempt("plan"), showsPlan: true),
                ]
                for (outcome, showsPlan) in outcomes {
                    #expect(outcome.status == 1, "\(outcome)")
                    let places = expected.compactMap { outcome.stderr.firstRange(of: $0)?.lowerBound }
                    #expect(places.count == expected.count && places == places.sorted(), "\(outcome)")
                    #expect(outcome.stdout.contains("create web.1") == showsPlan, "\(outcome)")
                }

                let lines = try await world.attempt("--progress", "json", "up", "-d").stderr
                let place = #""line":15,"column":13,"length":7,"path":"networks.front.driver""#
                #expect(lines.contains(place) && lines.contains(#""code":"unsupported""#), "\(lines)")

                #expect(try await world.containers().isEmpty)
                #expect(try await world.get("networks", as: [NetworkRow].self).isEmpty)
                try await world.shell("! ip -o link show type bridge | grep -q .")
            }
        }

        @Test("a warning of the engine has its place too, and holds nothing up")
        func warning() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    volumes: [./made:/made]
                """
            try await World.with(project: "warned", compose) { world in
                let up = try await world.berth("up", "-d")
                #expect(up.stderr.contains("compose.yaml:5:15: warning: service \"web\": "), "\(up)")
                #expect(up.stderr.contains("5 |     volumes: [./made:/made]\n  |               ^^^^^^^^^^^^"), "\(up)")
                #expect(up.stderr.contains("path: services.web.volumes[0]"), "\(up)")
            }
        }
    }
}
