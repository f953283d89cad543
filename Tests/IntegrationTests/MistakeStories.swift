import EngineWire
import Testing

extension Stories {
    /// What goes wrong before anything runs.
    @Suite struct Mistakes {
        @Test("an unknown key is shown with its place, its line and a caret, and with what was meant")
        func unknownKey() async throws {
            let compose = "services:\n  web:\n    image: busybox\n    comand: sleep infinity\n"
            try await World.with(project: "unknown-key", compose) { world in
                let up = try await world.attempt("up", "-d")
                #expect(up.status != 0)
                #expect(up.stderr.contains("compose.yaml:4:5: error"), "\(up)")
                #expect(up.stderr.contains("4 |     comand: sleep infinity"), "\(up)")
                #expect(up.stderr.contains("  |     ^^^^^^"), "\(up)")
                #expect(up.stderr.contains("command"), "\(up)")
            }
        }

        @Test("a cycle of dependencies is refused and shown")
        func cycle() async throws {
            let compose = """
                services:
                  a: { image: busybox, depends_on: [b] }
                  b: { image: busybox, depends_on: [a] }
                """
            try await World.with(project: "cycle", compose) { world in
                let up = try await world.attempt("up", "-d")
                #expect(up.status != 0)
                #expect(up.stderr.contains("cycle") && up.stderr.contains("a -> b"), "\(up)")
            }
        }

        @Test("without a compose file up says so")
        func noFile() async throws {
            try await World.with(project: "no-file") { world in
                let up = try await world.attempt("up", "-d")
                #expect(up.status != 0)
                #expect(
                    up.stderr.contains("there is no compose.yaml in \(world.projectFolder) or any folder above it"),
                    "\(up)")
            }
        }

        @Test("a missing image is named, and nothing is made")
        func missingImage() async throws {
            let compose = "services: { web: { image: 'localhost:1/absent:1', command: sleep infinity } }"
            try await World.with(project: "missing-image", compose) { world in
                let up = try await world.attempt("up", "-d")
                #expect(up.status == 1)
                #expect(up.stderr.contains("localhost:1/absent:1"), "\(up)")
                #expect(try await world.containers().isEmpty)
                #expect(try await world.get("networks", as: [NetworkRow].self).isEmpty)
            }
        }
    }
}
