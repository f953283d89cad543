import EngineWire
import Testing

extension Stories {
    /// `--debug`: a shell in the state in which a step failed.
    @Suite struct ShellsOfBuilds {
        private static let dockerfile = """
            FROM busybox
            RUN mkdir /home/me && chown 7:8 /home/me
            ENV COLOUR=green
            USER 7:8
            WORKDIR /home/me
            RUN --mount=type=cache,target=/cache,uid=7 --mount=target=/context \
                echo written > half; echo kept > /cache/note; exit 9

            """

        private static func leftovers(_ world: World) async throws -> String {
            try await world.shell(
                "cd \(world.root) && ls builds/work containers; grep -c ' overlay ' /proc/self/mounts | grep -v '^0$'; true"
            ).split(separator: "\n").filter { !$0.hasSuffix(":") && !$0.isEmpty }.joined(separator: "\n")
        }

        @Test(
            "the shell has what the step had; leaving it ends the build with the step's error, and nothing of it is kept"
        )
        func state() async throws {
            try await World.with(project: "build-debug", "services: { app: { build: . } }") { world in
                try world.write(Self.dockerfile, to: "Dockerfile")
                let build = try world.atTerminal("build", "--debug")
                try await world.eventually("the shell is open") {
                    build.output.contains("in the state in which the step failed")
                }
                #expect(build.output.contains("the command ended with exit code 9"), "\(build.output)")
                try build.type(
                    "echo \"<\"$(id -u):$(id -g) $(pwd) $COLOUR $(cat half /cache/note) $(ls /context)\">\"\n")
                try await world.eventually("it has the files, mounts, variables, user and folder of the step") {
                    build.output.contains("<7:8 /home/me green written kept Dockerfile compose.yaml>")
                }
                try build.type("touch left-behind; sleep 1009\n")
                try await world.eventually("the shell's program runs") {
                    try await world.processes().contains { $0.value.hasPrefix("sleep 1009") }
                }
                try build.type("\u{3}")
                try await world.eventually("Ctrl-C ends it") {
                    try await !world.processes().contains { $0.value.hasPrefix("sleep 1009") }
                }
                try build.type("echo alive\n")
                try await world.eventually("Ctrl-C is the shell's own") { build.output.contains("\r\nalive") }
                try build.type("exit\n")
                #expect(try await build.status() == 1)
                #expect(build.output.contains("Dockerfile:6:1:"))
                #expect(try await Self.leftovers(world) == "")
                #expect(try await world.attempt("image", "inspect", "build-debug-app").status != 0)
                // The next build starts from before the failed step.
                try await world.shell("sed -i 's/; exit 9/; ls/' Dockerfile")
                let fixed = try await world.berth("--progress", "plain", "build")
                #expect(fixed.stderr.contains("half\n") && !fixed.stderr.contains("left-behind"), "\(fixed)")
            }
        }

        @Test("a single build uses the stage's shell; a build that succeeds opens none")
        func ownShell() async throws {
            try await World.with(project: "build-debug-one") { world in
                try world.write(
                    """
                    FROM busybox
                    COPY --chmod=755 <<EOF /bin/mine
                    #!/bin/sh
                    MINE=yes exec sh "\\$@"
                    EOF
                    SHELL ["/bin/mine", "-c"]
                    RUN false
                    """, to: "app/Dockerfile")
                let build = try world.atTerminal("image", "build", "--debug", "app")
                try await world.eventually("the shell is open") { build.output.contains("/bin/mine in the state") }
                try build.type("echo is:$MINE\n")
                try await world.eventually("it is the stage's") { build.output.contains("is:yes") }
                try build.type("exit 0\n")
                #expect(try await build.status() == 1)
                try world.write("FROM busybox\nRUN true\n", to: "app/Dockerfile")
                #expect(try await world.atTerminal("image", "build", "--debug", "app").status() == 0)
            }
        }

        @Test("without a terminal it is refused before anything runs")
        func refused() async throws {
            try await World.with(project: "build-debug-plain", "services: { app: { build: . } }") { world in
                try world.write("FROM busybox\nRUN false\n", to: "Dockerfile")
                for words in [["build", "--debug"], ["image", "build", "--debug", "."]] {
                    let refused = try await world.attempt(words: words)
                    #expect(refused.status == 2 && refused.stderr.contains("a shell needs a terminal"), "\(refused)")
                }
                #expect(try await world.shell("ls \(world.root)/builds/steps 2>/dev/null; true") == "")
            }
        }

        @Test("a client or an engine that is killed meanwhile leaves nothing")
        func killed() async throws {
            try await World.with(project: "build-debug-killed") { world in
                try world.write("FROM busybox\nRUN sleep 0.1; false\n", to: "app/Dockerfile")
                func open() async throws -> TerminalProgram {
                    let build = try world.atTerminal("image", "build", "--debug", "app")
                    try await world.eventually("the shell is open") { build.output.contains("in the state") }
                    return build
                }
                let first = try await open()
                let client = try #require(
                    try await world.processes().first { $0.value.hasPrefix("berth image build") }?.key)
                try await world.shell("kill -9 \(client)")
                _ = try? await first.status()
                try await world.eventually("the build is gone") { try await Self.leftovers(world) == "" }
                let second = try await open()
                let engine = try await world.engineProcess()
                try await world.shell("kill -9 \(engine)")
                #expect(try await second.status() == 1)
                #expect(second.output.contains("the engine ended, and the shell with it"), "\(second.output)")
                try await world.berth("container", "ls", "-a")
                try await world.eventually("the next engine has cleaned up") { try await Self.leftovers(world) == "" }
            }
        }
    }
}
