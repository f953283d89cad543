import EngineWire
import Testing

extension Stories {
    @Suite struct Storage {
        static let keeper = """
            services:
              keeper: { image: busybox, command: sleep infinity, volumes: [data:/data] }
            volumes: { data: {} }
            """

        @Test("a named volume survives down and goes with down -v")
        func namedVolume() async throws {
            try await World.with(project: "named-volume", Self.keeper) { world in
                try await world.berth("up", "-d")
                try await world.berth("exec", "-T", "keeper", "sh", "-c", "echo precious > /data/file")
                try await world.berth("down")
                #expect(try await world.get("volumes", as: [VolumeRow].self).map(\.name) == ["named-volume_data"])
                try await world.berth("up", "-d")
                #expect(try await world.berth("exec", "-T", "keeper", "cat", "/data/file").trimmed == "precious")
                try await world.berth("down", "-v")
                #expect(try await world.get("volumes", as: [VolumeRow].self).isEmpty)
                #expect(try await world.shell("ls \(world.root)/volumes") == "")
            }
        }

        @Test("down -v never takes a volume that another project made")
        func foreignVolume() async throws {
            try await World.with(project: "maker", Self.keeper) { world in
                try await world.berth("up", "-d")
                try await world.berth("exec", "-T", "keeper", "sh", "-c", "echo precious > /data/file")
                try world.write(
                    """
                    services:
                      guest: { image: busybox, command: sleep infinity, volumes: [data:/data] }
                    volumes: { data: { name: maker_data, external: true } }
                    """, of: "guest")
                try world.write(
                    """
                    services:
                      rude: { image: busybox, command: sleep infinity, volumes: [data:/data] }
                    volumes: { data: { name: maker_data } }
                    """, of: "rude")
                for project in ["guest", "rude"] {
                    _ = try await world.attempt("up", "-d", in: project)
                    _ = try await world.attempt("down", "-v", in: project)
                }
                try await world.berth("down")
                #expect(try await world.get("volumes", as: [VolumeRow].self).map(\.name) == ["maker_data"])
                #expect(try await world.shell("cat \(world.root)/volumes/maker_data/_data/file") == "precious")
            }
        }

        @Test("an anonymous volume is carried over when its container is recreated, and goes with it at down")
        func anonymousVolume() async throws {
            func compose(_ value: String) -> String {
                "services: { web: { image: busybox, command: sleep infinity, volumes: [/data], environment: { N: '\(value)' } } }"
            }
            try await World.with(project: "anonymous", compose("1")) { world in
                try await world.berth("up", "-d")
                let before = try await world.container("web").id
                try await world.berth("exec", "-T", "web", "sh", "-c", "echo carried > /data/file")
                try world.write(compose("2"))
                try await world.berth("up", "-d")
                #expect(try await world.container("web").id != before)
                #expect(try await world.berth("exec", "-T", "web", "cat", "/data/file").trimmed == "carried")
                try await world.berth("down")
                #expect(try await world.get("volumes", as: [VolumeRow].self).isEmpty)
            }
        }

        @Test("a new volume holds what the image has at its place")
        func copyUp() async throws {
            let compose = """
                services: { web: { image: busybox, command: sleep infinity, volumes: [data:/seeded] } }
                volumes: { data: {} }
                """
            try await World.with(project: "copy-up", compose) { world in
                try await world.berth("up", "-d")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/seeded/file").trimmed == "from the image")
            }
        }

        @Test("secrets come from files and from the environment, and no other user can read them")
        func secrets() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, secrets: [written, given] }
                secrets:
                  written: { file: ./written.txt }
                  given: { environment: GIVEN }
                """
            try await World.with(project: "secrets", compose) { world in
                try world.write("from a file", to: "written.txt")
                try world.write("GIVEN=from the environment", to: ".env")
                try await world.berth("up", "-d")
                #expect(
                    try await world.berth("exec", "-T", "web", "cat", "/run/secrets/written").trimmed == "from a file")
                #expect(
                    try await world.berth("exec", "-T", "web", "cat", "/run/secrets/given").trimmed
                        == "from the environment")
                let readable = "find \(world.root) -type f -perm /077 -exec grep -l 'from the environment' {} +"
                #expect(try await world.shell("\(readable) || true") == "")
                #expect(try await world.shell("stat -c %a \(world.run)/containers") == "700")
            }
        }
    }
}
