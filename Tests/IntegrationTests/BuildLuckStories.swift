import EngineWire
import Linux
import Networking
import Testing

extension Stories {
    /// Builds to which something happens.
    @Suite struct BadLuckOfBuilds {
        /// What a build leaves on the disk beside results; nothing.
        private static func leftovers(_ world: World) async throws -> String {
            try await world.shell(
                """
                cd \(world.root) && ls builds/work containers content/ingest; ls -A snapshots | grep '^\\.' ;
                find /sys/fs/cgroup/*/berth-* -mindepth 1 -maxdepth 1 -type d -path '*\(InstanceName(rootFolder: world.root).suffix)*' ;
                grep -c ' overlay ' /proc/self/mounts | grep -v '^0$' ; true
                """
            ).split(separator: "\n").filter { !$0.hasSuffix(":") && !$0.isEmpty }.joined(separator: "\n")
        }

        @Test(
            "a full disk is told as one, with the line of the step, and the next build goes on from what was finished")
        func fullDisk() async throws {
            try await World.with(project: "build-full", disk: 40) { world in
                try await world.shell("mkdir app; dd if=/dev/urandom of=app/big bs=1M count=50 2>/dev/null")
                for step in [
                    "RUN dd if=/dev/zero of=/big bs=1M count=100", "RUN dd if=/dev/urandom of=/big bs=1M count=25",
                    "COPY big /",
                ] {
                    try world.write("FROM busybox\nRUN echo one > /one\n\(step)", to: "app/Dockerfile")
                    let failed = try await world.attempt("--progress", "plain", "image", "build", "app")
                    #expect(failed.status == 1 && failed.stderr.contains("app/Dockerfile:3:1: error:"), "\(failed)")
                    #expect(
                        failed.stderr.contains("no space left on the disk that holds \(world.root)")
                            || failed.stderr.contains("the disk that holds \(world.root)/builds is full"), "\(failed)")
                    #expect(failed.stderr.contains("hint: free some room: `berth builder prune`"), "\(failed)")
                    #expect(try await Self.leftovers(world) == "")
                }
                try await world.shell(
                    "truncate -s 25M app/big; dd if=/dev/urandom of=app/big bs=1M count=25 2>/dev/null")
                let copied = try await world.attempt("--progress", "plain", "image", "build", "app")
                #expect(copied.stderr.contains("no space left on the disk that holds \(world.root)"), "\(copied)")
                #expect(try await Self.leftovers(world) == "")
                try await world.berth(
                    "container", "run", "--name", "c", "busybox", "dd", "if=/dev/urandom", "of=/big", "bs=1M",
                    "count=20")
                let commit = try await world.attempt("commit", "c", "made")
                #expect(
                    commit.status == 1 && commit.stderr.contains("no space left on the disk that holds \(world.root)"),
                    "\(commit)")
                try await world.berth("container", "rm", "c")
                #expect(try await Self.leftovers(world) == "")
                try world.write("FROM busybox\nRUN echo one > /one\nRUN cat /one", to: "app/Dockerfile")
                let built = try await world.berth("--progress", "plain", "image", "build", "app")
                #expect(built.stderr.contains("RUN echo one > /one\n#2 CACHED"), "\(built)")
            }
        }

        @Test("caches that are locked in another order, and twice by one step, do not wait for each other for ever")
        func lockedCaches() async throws {
            try await World.with(project: "build-locks") { world in
                let compose = """
                    services:
                      one: { build: { context: ., dockerfile_inline: "FROM busybox\\nRUN --mount=type=cache,id=a,target=/a,sharing=locked --mount=type=cache,id=b,target=/b,sharing=locked sleep 0.3; touch /a/x" } }
                      two: { build: { context: ., dockerfile_inline: "FROM busybox\\nRUN --mount=type=cache,id=b,target=/b,sharing=locked --mount=type=cache,id=a,target=/a,sharing=locked sleep 0.3; touch /b/y" } }
                      twice: { build: { context: ., dockerfile_inline: "FROM busybox\\nRUN --mount=type=cache,id=a,target=/a,sharing=locked --mount=type=cache,id=a,target=/c,sharing=locked touch /a/z && ls /c/z" } }
                    """
                try world.write(compose)
                let built = try await world.berth("--progress", "plain", "build")
                #expect(built.stderr.contains("/c/z"), "\(built)")
            }
        }
    }
}
