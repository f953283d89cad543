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
                #expect(try await world.shell("stat -c %a \(world.run)/secrets \(world.root)/secrets") == "700\n700")

                #expect(try await world.shell("grep -l 'from the environment' \(world.root)/engine.db* || true") == "")
                let types = "stat -f -c %T \(world.run)/secrets"
                #expect(try await world.shell(types) == "tmpfs")
                #expect(
                    try await world.berth(
                        "exec", "-T", "web", "grep", "-c", "^tmpfs /run/secrets/given", "/proc/mounts"
                    )
                    .trimmed == "1")
            }
        }

        @Test("a secret is kept while something refers to it, and a new value makes its users anew")
        func secretLife() async throws {
            let compose = """
                services: { web: { image: busybox, command: sleep infinity, secrets: [given] } }
                secrets: { given: { environment: GIVEN } }
                """
            try await World.with(project: "secret-life", compose) { world in
                let kept = "grep -l -r -E 'first value|second value' \(world.root)/secrets | wc -l"
                try world.write("GIVEN=first value", to: ".env")
                try await world.berth("up", "-d")
                let first = try await world.container("web").id
                try await world.berth("up", "-d")
                #expect(try await world.container("web").id == first)
                #expect(try await world.shell(kept) == "1")
                try world.write("GIVEN=second value", to: ".env")
                let up = try await world.berth("up", "-d")
                #expect(up.stderr.contains("secrets.given changed") && !up.stderr.contains("value"), "\(up)")
                #expect(
                    try await world.berth("exec", "-T", "web", "cat", "/run/secrets/given").trimmed == "second value")
                try await world.eventually("the first value is gone") { try await world.shell(kept) == "1" }
                try await world.killEngine()
                try await world.berth("restart")
                #expect(
                    try await world.berth("exec", "-T", "web", "cat", "/run/secrets/given").trimmed == "second value")
                try await world.berth("down")
                try await world.eventually("the second value is gone") { try await world.shell(kept) == "0" }
            }
        }

        @Test("a file secret has the owner and mode asked for, in a copy; without them it is the file itself")
        func fileSecretModes() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    command: sleep infinity
                    user: nobody
                    secrets: [plain, { source: plain, target: owned, uid: "65534", gid: "65534", mode: 0400 }]
                    configs: [{ source: plain, target: /etc/shown, mode: 0444 }]
                secrets: { plain: { file: ./secret.txt } }
                configs: { plain: { file: ./secret.txt } }
                """
            try await World.with(project: "file-secret", compose) { world in
                try world.write("hush", to: "secret.txt")
                try await world.shell("chmod 600 secret.txt")
                try await world.berth("up", "-d")
                let stat = ["stat", "-c", "%n %a %u", "/run/secrets/plain", "/run/secrets/owned", "/etc/shown"]
                let lines = try await world.shell("berth exec -T web \(stat.map { "'\($0)'" }.joined(separator: " "))")
                #expect(
                    lines.split(separator: "\n") == [
                        "/run/secrets/plain 600 0", "/run/secrets/owned 400 65534", "/etc/shown 444 0",
                    ])
                #expect(try await world.berth("exec", "-T", "web", "cat", "/run/secrets/owned").trimmed == "hush")
                #expect(try await world.attempt("exec", "-T", "web", "cat", "/run/secrets/plain").status != 0)
                #expect(try await world.shell("stat -c %a secret.txt") == "600")
            }
        }

        @Test(
            "a volume that is mounted from elsewhere is mounted again by the next engine, and before a container starts"
        )
        func mountedVolume() async throws {
            try await World.with(project: "mounted-volume") { world in
                try await world.shell("mkdir elsewhere && echo there > elsewhere/file")
                try world.write(
                    """
                    services: { web: { image: busybox, command: sleep infinity, volumes: [data:/data] } }
                    volumes: { data: { driver_opts: { type: none, o: bind, device: \(world.projectFolder)/elsewhere } } }
                    """)
                try await world.berth("up", "-d")
                let folder = "\(world.root)/volumes/mounted-volume_data/_data"
                try await world.berth("stop")
                try await world.shell("umount \(folder)")
                try await world.berth("start")
                #expect(try await world.berth("exec", "-T", "web", "cat", "/data/file").trimmed == "there")
                try await world.killEngine()
                try await world.shell("umount \(folder)")
                try await world.berth("ps")
                try await world.eventually("it is mounted again") {
                    try await world.shell("cat \(folder)/file 2>/dev/null || true") == "there"
                }
                try await world.berth("down", "-v")
                #expect(try await world.shell("cat elsewhere/file") == "there")
            }
        }
    }
}
