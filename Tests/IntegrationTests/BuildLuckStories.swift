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

        /// Kills the engine as soon as one of the paths of `pattern` is there.
        private static func killEngine(_ world: World, when pattern: String) async throws {
            let engine = try await world.engineProcess()
            try await world.shell(
                "i=0; while :; do for f in \(pattern); do [ -e $f ] && break 2; done; done; kill -9 \(engine)")
            try await world.eventually("the engine is gone") { try await !world.processes().keys.contains(engine) }
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

        @Test("a RUN that starts processes without end comes to an end, and is told why")
        func fork() async throws {
            try await World.with(project: "build-fork") { world in
                try world.write(
                    "FROM busybox\nRUN mkfifo /f; while :; do read x < /f & done\n", to: "app/Dockerfile")
                let failed = try await world.attempt("--progress", "plain", "image", "build", "app")
                #expect(failed.status == 1 && failed.stderr.contains("app/Dockerfile:2:1: error:"), "\(failed)")
                #expect(failed.stderr.contains("processes that a step may have"), "\(failed)")
                #expect(try await Self.leftovers(world) == "")
            }
        }

        @Test(
            "an engine that is killed while files are copied or a layer is packed leaves nothing, and the next build goes on"
        )
        func killed() async throws {
            try await World.with(project: "build-struck") { world in
                try await world.shell("mkdir app; truncate -s 200M app/big")
                for (step, place) in [
                    ("COPY big /", "builds/work/*/upper/big"),
                    ("RUN dd if=/dev/zero of=/big bs=1M count=200", "content/ingest/new-*"),
                ] {
                    try world.write("FROM busybox\nRUN echo one > /one\n", to: "app/Dockerfile")
                    try await world.berth("image", "build", "app")
                    try world.write("FROM busybox\nRUN echo one > /one\n\(step)\n", to: "app/Dockerfile")
                    let building = try world.begin("--progress", "plain", "image", "build", "app")
                    try await Self.killEngine(world, when: "\(world.root)/\(place)")
                    let failed = try await building.outcome()
                    #expect(failed.status == 1 && failed.stderr.contains("build again"), "\(failed)")
                    // A new engine, which takes away what the old one left.
                    try await world.berth("ls")
                    try await world.eventually("nothing is left of it") { try await Self.leftovers(world) == "" }
                    try world.write("FROM busybox\nRUN echo one > /one\nRUN cat /one", to: "app/Dockerfile")
                    let built = try await world.berth("--progress", "plain", "image", "build", "app")
                    #expect(built.stderr.contains("RUN echo one > /one\n#2 CACHED"), "\(built)")
                }
            }
        }

        @Test("of two builds that share a step either can be given up, at once, and the other has its image")
        func shared() async throws {
            try await World.with(project: "build-shared") { world in
                try world.write(
                    """
                    FROM busybox
                    RUN --mount=type=cache,target=/c echo started > /b; echo x >> /c/runs; until [ -e /c/go ]; do sleep 0.05; done
                    """, to: "app/Dockerfile")
                func begin(_ name: String) throws -> RunningProgram {
                    try world.begin("--progress", "plain", "image", "build", "-t", name, "app")
                }
                func cancel(_ name: String) async throws {
                    try await world.shell("pkill -INT -f 'image build -t \(name.dropLast())[\(name.suffix(1))]'")
                }
                func runs(_ what: String) async throws {
                    try await world.eventually(what) {
                        try await world.shell("cat \(world.root)/builds/work/*/upper/b 2>/dev/null; true") == "started"
                    }
                }
                let first = try begin("first")
                try await runs("the first runs the step")
                let second = try begin("second")
                try await world.eventually("the second waits") { second.errors.contains("#1 DONE") }
                try await cancel("second")
                #expect(try await second.outcome().status == 130)
                let third = try begin("third")
                try await world.eventually("the third waits") { third.errors.contains("#1 DONE") }
                try await cancel("first")
                #expect(try await first.outcome().status == 130)
                try await runs("the step goes on for the third")
                #expect(try await world.shell("cat \(world.root)/builds/mounts/*/data/runs") == "x")
                try await world.shell("for d in \(world.root)/builds/mounts/*/data; do touch $d/go; done")
                let built = try await third.outcome()
                #expect(built.status == 0 && built.stderr.contains("as third"), "\(built)")
                try await world.eventually("nothing is left of it") { try await Self.leftovers(world) == "" }
                let again = try await world.berth("--progress", "plain", "image", "build", "app")
                #expect(again.stderr.contains("#2 CACHED"), "\(again)")
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

        @Test("a file that goes away while the context is read fails its step, and the next build has what is there")
        func changingContext() async throws {
            try await World.with(project: "build-changing") { world in
                try await world.shell("mkdir app; truncate -s 200M app/a; echo z > app/z")
                try world.write("FROM busybox\nCOPY a z /\nRUN ls /a\n", to: "app/Dockerfile")
                let building = try world.begin("--progress", "plain", "image", "build", "app")
                try await world.shell(
                    "while :; do for f in \(world.root)/builds/work/*/upper/a; do [ -e $f ] && break 2; done; done; rm app/z"
                )
                let failed = try await building.outcome()
                #expect(failed.status == 1 && failed.stderr.contains("app/Dockerfile:2:"), "\(failed)")
                #expect(
                    failed.stderr.contains("z cannot be read") && failed.stderr.contains("did it change"), "\(failed)")
                #expect(try await Self.leftovers(world) == "")
                try world.write("y", to: "app/z")
                try await world.shell("truncate -s 1M app/a")
                try await world.berth("image", "build", "-t", "made", "app")
                #expect(try await world.berth("container", "run", "--rm", "made", "cat", "/z").trimmed == "y")
            }
        }

        @Test("a base image for another platform says so: when it is asked for, and when its programs do not run here")
        func otherPlatform() async throws {
            try await World.with(project: "build-platform") { world in
                let other = try await world.shell("uname -m") == "aarch64" ? "amd64" : "arm64"
                try world.write("FROM scratch\nCOPY x /bin/sh\n", to: "base/Dockerfile")
                try await world.shell("printf '\\177ELF nonsense' > base/x; chmod 755 base/x")
                try await world.berth("image", "build", "--platform", "linux/\(other)", "-t", "foreign", "base")
                try world.write("FROM foreign\nRUN true\n", to: "app/Dockerfile")
                let failed = try await world.attempt("--progress", "plain", "image", "build", "app")
                #expect(failed.status == 1 && failed.stderr.contains("app/Dockerfile:2:1: error:"), "\(failed)")
                #expect(failed.stderr.contains("linux/\(other)"), "\(failed)")
                let here = other == "arm64" ? "amd64" : "arm64"
                let missing = try await world.attempt(
                    "--progress", "plain", "image", "build", "--platform", "linux/\(here)", "app")
                #expect(missing.status == 1 && missing.stderr.contains("app/Dockerfile:1:6: error:"), "\(missing)")
                #expect(missing.stderr.contains("the local foreign is for linux/\(other)"), "\(missing)")
            }
        }

        @Test("a name that no image can have is refused before anything is built, wherever it stands")
        func badNames() async throws {
            try await World.with(project: "build-names") { world in
                try world.write("FROM busybox\nRUN touch /x\n", to: "app/Dockerfile")
                let digest = "sha256:" + String(repeating: "0", count: 64)
                for words in [
                    ["-t", "BAD:1"], ["-t", "good", "-t", "a@\(digest)"], ["-o", "type=image,name=BAD:1"],
                ] {
                    let refused = try await world.attempt(words: ["image", "build"] + words + ["app"])
                    #expect(refused.status == 1 && refused.stderr.hasPrefix("error: "), "\(refused)")
                    #expect(!refused.stderr.contains("FROM"), "\(refused)")
                }
                for (compose, place) in [
                    ("services: { a: { image: BAD:1, build: app } }", "compose.yaml:1:25"),
                    ("services: { a: { build: { context: app, tags: [good, BAD:1] } } }", "compose.yaml:1:54"),
                ] {
                    try world.write(compose)
                    for verb in [["build"], ["up", "-d"]] {
                        let refused = try await world.attempt(words: verb)
                        #expect(refused.status == 1 && refused.stderr.contains(place), "\(refused)")
                        #expect(!refused.stderr.contains("FROM"), "\(refused)")
                    }
                }
                let answer = try await world.shell(
                    "tar -C app -c Dockerfile | curl -s --unix-socket \(world.run)/docker.sock -X POST -H 'Content-Type: application/x-tar' --data-binary @- 'http://d/build?t=BAD:1'"
                )
                #expect(answer.contains("invalid reference format") && !answer.contains("FROM"), "\(answer)")
                #expect(try await world.shell("ls \(world.root)/builds/steps 2>/dev/null; true") == "")
            }
        }

        @Test(
            "with SOURCE_DATE_EPOCH two engines make one image, by argument, by environment, and from the classic builder"
        )
        func epoch() async throws {
            try await World.with(project: "build-epoch") { world in
                try world.write(
                    """
                    FROM busybox AS made
                    ARG SOURCE_DATE_EPOCH
                    WORKDIR /app
                    COPY src /src/
                    ADD files.tar /unpacked/
                    RUN echo $SOURCE_DATE_EPOCH > stamp; ln stamp other; ln -s stamp link; rm /src/b; mkdir -p x/y; mkfifo x/p
                    RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t truncate -s 5M /hole; echo end >> /hole; touch /c/x
                    RUN rm -rf /src && mkdir /src && echo new > /src/new; chown -R 5:6 x
                    FROM busybox
                    LABEL z=1 a=2
                    COPY --from=made /app /hole /app/
                    COPY <<END /text
                    words
                    END
                    """, to: "one/Dockerfile")
                try await world.shell(
                    """
                    mkdir -p one/src/d && echo a > one/src/a && echo b > one/src/b && echo c > one/src/d/c
                    tar -cf one/files.tar -C one src && cp -r one two && touch -d '2021-01-01' two/src/a
                    """)
                try await world.berth("image", "save", "-o", "busybox.tar", "busybox")
                try await world.berth(
                    "image", "build", "-t", "made", "--build-arg", "SOURCE_DATE_EPOCH=1500000000", "one")
                try await world.berth("image", "save", "-o", "first.tar", "made")
                // Another engine, with another root, another folder and another time.
                let other = "BERTH_ROOT=\(world.folder)/other BERTH_RUN=\(world.folder)/otherrun"
                try await world.shell(
                    """
                    export \(other) && berth image load -i busybox.tar && SOURCE_DATE_EPOCH=1500000000 berth image build \
                    -t made --build-arg SOURCE_DATE_EPOCH two && berth image save -o second.tar made &&
                    berth image rm made && berth builder prune -f && tar -C two -c . | curl -s --unix-socket \
                    \(world.folder)/otherrun/docker.sock -X POST -H 'Content-Type: application/x-tar' --data-binary @- \
                    'http://d/build?t=made&buildargs=%7B%22SOURCE_DATE_EPOCH%22%3A%221500000000%22%7D' && berth image save -o third.tar made
                    """)
                let first = try await world.shell("tar -xOf first.tar index.json")
                #expect(first.contains("sha256:"))
                for name in ["second", "third"] {
                    #expect(try await world.shell("tar -xOf \(name).tar index.json") == first, "\(name)")
                }
                let wrong = try await world.attempt("image", "build", "--build-arg", "SOURCE_DATE_EPOCH=x", "one")
                #expect(wrong.status == 1 && wrong.stderr.contains("a number of seconds since 1970"), "\(wrong)")
            }
        }
    }
}
