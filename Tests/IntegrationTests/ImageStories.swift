import EngineWire
import Testing

extension Stories {
    /// What stays in the image store, and what leaves it.
    @Suite struct ImagesOfAStore {
        /// Makes `v1.tar` and `v2.tar`: busybox with a file that says which it is.
        private func makeVersions(_ world: World) async throws {
            let busybox = try BusyboxImage.archive
            try await world.shell(
                """
                for v in 1 2; do mkdir r$v && tar -C r$v -xf \(busybox) && echo $v > r$v/version && tar -C r$v -cf v$v.tar .; done
                """)
        }

        private func isTidy(_ world: World, images: Int, layers: Int) async throws -> Bool {
            let rows = try await world.get("images", as: [ImageRow].self)
            let folders = try await world.shell("ls \(world.root)/snapshots | grep -c -v '^\\.\\|^empty$' || true")
            return rows.count == images && rows.allSatisfy { $0.reference != nil } && folders == "\(layers)"
        }

        @Test(
            "an import says what it does from the first moment, also when nobody looks at a terminal",
            arguments: ["import - x:1", "load"])
        func firstWord(verb: String) async throws {
            try await World.with(project: "first-word") { world in
                let said = try await world.shell("(sleep 3) | timeout -s INT 1 berth image \(verb) 2>&1; true")
                #expect(said.contains("Reading"), "\(said)")
            }
        }

        @Test(
            "an image whose name went to another stays as long as a container or a rollback needs it, then goes with its layers"
        )
        func replaced() async throws {
            let compose = "services: { web: { image: app, command: sleep infinity, stop_grace_period: 0s } }"
            try await World.with(project: "replaced", compose) { world in
                try await makeVersions(world)
                try await world.berth("image", "import", "v1.tar", "app")
                try await world.berth("up", "-d")
                try await world.berth("image", "import", "v2.tar", "app")
                let pruned = try await world.berth("image", "prune", "-f")
                #expect(pruned.stdout == "Total reclaimed space: 0B\n")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/version").trimmed == "1")
                #expect(try await world.get("images", as: [ImageRow].self).count == 3)
                try await world.berth("up", "-d")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/version").trimmed == "2")
                try await world.berth("rollback", "web")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/version").trimmed == "1")
                try await world.berth("up", "-d")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/version").trimmed == "2")
                try await world.berth("down", "-t", "0")
                try await world.eventually("the old image is gone") { try await isTidy(world, images: 2, layers: 2) }
                #expect(try await world.shell("ls \(world.root)/content/ingest") == "")
            }
        }

        @Test("what is mounted from an image stays what it was, whatever its name means meanwhile")
        func mounted() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    stop_grace_period: 0s
                    volumes: [{ type: image, source: app, target: /app }]
                """
            try await World.with(project: "image-mount", compose) { world in
                try await makeVersions(world)
                try await world.berth("image", "import", "v1.tar", "app")
                try await world.berth("up", "-d")
                try await world.berth("image", "import", "v2.tar", "app")
                try await world.berth("image", "prune", "-af")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/app/version").trimmed == "1")
                try await world.killEngine()
                try await world.berth("restart", "web")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/app/version").trimmed == "1")
                try await world.berth("down")
                try await world.eventually("the old image is gone") {
                    try await world.get("images", as: [ImageRow].self).allSatisfy { $0.reference != nil }
                }
            }
        }

        @Test("down --rmi and prune -a take images, and say which stay because they are used")
        func taken() async throws {
            let compose = """
                services:
                  web: { image: app, command: sleep infinity, stop_grace_period: 0s }
                  keeper: { image: busybox, command: sleep infinity, stop_grace_period: 0s }
                """
            try await World.with(project: "taken", compose) { world in
                try await makeVersions(world)
                try await world.berth("image", "import", "v1.tar", "app")
                try world.write(
                    "services: { other: { image: busybox, command: sleep infinity, stop_grace_period: 0s } }",
                    of: "other")
                try await world.berth("up", "-d")
                try await world.berth("up", "-d", in: "other")
                let dry = try await world.berth("--dry-run", "down", "--rmi", "all")
                #expect(dry.stdout.contains("remove image app") && dry.stdout.contains("remove image busybox"))
                #expect(try await world.containers().count == 2)
                let down = try await world.berth("down", "--rmi", "all")
                #expect(down.stderr.contains(" Image app  Removing\n Image app  Removed\n"))
                #expect(down.stderr.contains(" Image busybox  Resource is still in use\n"))
                #expect(try await isTidy(world, images: 1, layers: 1))
                #expect(try await world.berth("image", "prune", "-af").stdout == "Total reclaimed space: 0B\n")
                try await world.berth("down", in: "other")
                let prune = try await world.berth("image", "prune", "-a", input: "y\n")
                #expect(prune.stdout.hasPrefix("Deleted Images:\nuntagged: busybox:latest\ndeleted: sha256:"))
                #expect(prune.stderr.contains("WARNING! This will remove all images"))
                #expect(try await isTidy(world, images: 0, layers: 0))
                #expect(try await world.shell("find \(world.root)/content -type f") == "")
            }
        }

        @Test("imports, replacements, collections and containers side by side lose nothing that is needed")
        func sideBySide() async throws {
            try await World.with(project: "side-by-side") { world in
                try await makeVersions(world)
                for name in ["a", "b", "c"] {
                    try world.write(
                        "services: { web: { image: app-\(name), command: sleep infinity, stop_grace_period: 0s } }",
                        of: name)
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in ["a", "b", "c"] {
                        group.addTask {
                            for round in 0..<6 {
                                let version = round % 2 + 1
                                try await world.berth("image", "import", "v\(version).tar", "app-\(name)")
                                try await world.berth("up", "-d", in: name)
                                let seen = try await world.berth("exec", "-T", "web", "cat", "/version", in: name)
                                #expect(seen.trimmed == "\(version)")
                            }
                            try await world.berth("down", in: name)
                        }
                    }
                    group.addTask { for _ in 0..<15 { try await world.berth("image", "prune", "-f") } }
                    try await group.waitForAll()
                }
                try await world.eventually("nothing nameless is left") {
                    try await world.get("images", as: [ImageRow].self).allSatisfy { $0.reference != nil }
                }
            }
        }
    }
}
