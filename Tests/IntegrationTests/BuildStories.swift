import EngineWire
import Testing

extension Stories {
    /// Images made from Dockerfiles.
    @Suite struct BuildsOfImages {
        private static let compose = """
            services:
              web:
                build: .
                command: sleep infinity
                stop_grace_period: 0s
            """

        @Test("up builds what is missing, takes it from the cache the next time, and recreates what has another image")
        func up() async throws {
            try await World.with(project: "build-up", Self.compose) { world in
                try world.write(
                    "FROM busybox\nWORKDIR /app\nCOPY site site/\nRUN cat site/page > made && id -u >> made",
                    to: "Dockerfile")
                try await world.shell("mkdir site")
                try world.write("one", to: "site/page")
                let plan = try await world.berth("plan")
                #expect(plan.stdout.contains("build web") && plan.stdout.contains("there is no image build-up-web"))
                let first = try await world.berth("--progress", "plain", "up", "-d")
                #expect(first.stderr.contains("RUN cat site/page > made") && first.stderr.contains("DONE"))
                #expect(try await world.berth("exec", "-T", "web", "cat", "made").trimmed == "one\n0")
                let second = try await world.berth("--progress", "plain", "up", "-d", "--build")
                #expect(second.stderr.contains("RUN cat site/page > made && id -u >> made\n#4 CACHED"))
                #expect(second.stderr.contains("Nothing to do"))
                try world.write("two", to: "site/page")
                let third = try await world.berth("--progress", "plain", "up", "-d", "--build")
                #expect(third.stderr.contains("because app/site/page has changed"))
                #expect(try await world.berth("exec", "-T", "web", "cat", "made").trimmed == "two\n0")
                let labels = try await world.berth("image", "inspect", "build-up-web").stdout
                #expect(labels.contains("\"com.docker.compose.project\": \"build-up\""))
                try await world.berth("down", "--rmi", "local")
                #expect(try await world.attempt("image", "inspect", "build-up-web").status != 0)
                #expect(try await world.shell("ls \(world.root)/builds/work; ls \(world.root)/containers") == "")
            }
        }

        @Test(
            "a step that fails shows its line and its last words, leaves nothing, and the next build goes on from before it"
        )
        func failure() async throws {
            try await World.with(project: "build-fails", Self.compose) { world in
                try world.write("FROM busybox\nRUN echo first > /first\nRUN echo to be seen; exit 7", to: "Dockerfile")
                let failed = try await world.attempt("--progress", "plain", "up", "-d")
                #expect(failed.status == 1)
                #expect(failed.stderr.contains("Dockerfile:3:1: error: the command ended with exit code 7"))
                #expect(failed.stderr.contains("3 | RUN echo to be seen; exit 7"))
                #expect(failed.stderr.contains("its last lines:\n  | to be seen"))
                #expect(try await world.shell("ls \(world.root)/builds/work; ls \(world.root)/containers") == "")
                try world.write("FROM busybox\nRUN echo first > /first\nRUN cat /first", to: "Dockerfile")
                let built = try await world.berth("--progress", "plain", "build")
                #expect(built.stderr.contains("RUN echo first > /first\n#2 CACHED"))
            }
        }

        @Test("stages, mounts, secrets and arguments")
        func language() async throws {
            let compose = """
                services:
                  web:
                    build:
                      context: .
                      target: last
                      args: { GREETING: hello }
                      secrets: [key]
                      labels: { a: b }
                      tags: [other:1]
                    command: sleep infinity
                    stop_grace_period: 0s
                secrets: { key: { file: ./key } }
                """
            try await World.with(project: "build-words", compose) { world in
                try world.write("very secret", to: "key")
                try world.write("context file", to: "file")
                // What is mounted from the context is kept with it.
                try world.write("key", to: ".dockerignore")
                try world.write(
                    """
                    FROM busybox AS tools
                    RUN --mount=type=cache,target=/cache date +%N >> /cache/runs && wc -l < /cache/runs > /count
                    FROM tools AS unused
                    RUN exit 1
                    FROM busybox AS last
                    ARG GREETING
                    ENV WORD=$GREETING
                    COPY --from=tools --chown=65534 /count /got/
                    RUN --mount=type=secret,id=key wc -c < /run/secrets/key > /size && ls /run/secrets
                    RUN --mount=target=/src --mount=type=tmpfs,target=/fast cp /src/file /copied && touch /fast/x && mount | grep -q ' /fast type tmpfs'
                    RUN --network=none test "$(ip -o link | wc -l)" = 1
                    RUN <<END
                    echo $WORD > /word
                    hostname > /host
                    END
                    USER nobody
                    RUN id -un > /tmp/who
                    RUN <<END
                    #!/bin/sh
                    echo "by a program of $(id -un)" > /tmp/program
                    END
                    EXPOSE 80
                    """, to: "Dockerfile")
                try await world.berth("build")
                try await world.berth("up", "-d")
                let files = try await world.berth(
                    "exec", "-T", "web", "sh", "-c",
                    "cat /got/count /size /copied /word /tmp/who /tmp/program; stat -c %u /got/count; ls /run /src /fast /cache 2>&1 || true"
                )
                #expect(
                    files.trimmed.split(separator: "\n").prefix(7)
                        == ["1", "12", "context file", "hello", "nobody", "by a program of nobody", "65534"])
                #expect(!files.stdout.contains("secrets"))
                #expect(try await world.attempt("image", "inspect", "other:1").status == 0)
                let held = try await world.shell("grep -rl 'very secret' \(world.root) || true")
                #expect(held == "", "a secret lies on the disk")
            }
        }

        @Test("a build on its own, from a folder or standard input; its id in a file")
        func alone() async throws {
            try await World.with(project: "build-alone") { world in
                try await world.shell("mkdir app bad")
                try world.write("FROM busybox\nARG V=1\nRUN echo $V > /v\nCMD [\"cat\", \"/v\"]", to: "app/Dockerfile")
                let quiet = try await world.berth(
                    "image", "build", "-q", "-t", "alone", "--build-arg", "V=2", "--iidfile", "id", "app")
                #expect(quiet.trimmed.hasPrefix("sha256:") && quiet.stderr == "")
                #expect(try await world.shell("cat id") == quiet.trimmed)
                let piped = try await world.berth("image", "build", "-q", "-", input: "FROM busybox\nRUN true\n")
                #expect(piped.trimmed.hasPrefix("sha256:"))
                for (text, message) in [
                    ("FROM busybox\nCOPY ../x /\n", "there is no '../x' in the build context"),
                    ("FROM busybox\nCOPY Dockerfle /\n", "did you mean 'Dockerfile'?"),
                    ("FROM nothing-here\n", "the base image nothing-here"),
                    ("FROM busybox\nRNU x\n", "did you mean RUN?"),
                    ("FROM a AS b\nCOPY --from=b x y\n", "takes files from itself"),
                    ("FROM busybox\nRUN --mount=type=secret,id=k,required=true x\n", "the secret 'k' is missing"),
                ] {
                    try world.write(text, to: "bad/Dockerfile")
                    let failed = try await world.attempt("image", "build", "bad")
                    #expect(failed.status == 1 && failed.stderr.contains(message), "\(text): \(failed.stderr)")
                    #expect(failed.stderr.contains("bad/Dockerfile:"))
                }
                let checked = try await world.attempt("image", "build", "--check", "app")
                #expect(checked.status == 0 && checked.stdout == "Check complete, no warnings found.\n")
            }
        }

        @Test(
            "services are built as one graph: equal steps once, one takes the image of another, and a failure takes only who needs it"
        )
        func graph() async throws {
            let compose = """
                services:
                  one: { build: { context: ., dockerfile_inline: "FROM busybox\\nRUN sleep 1; date +%N > /made\\nRUN echo one" } }
                  two: { build: { context: ., dockerfile_inline: "FROM busybox\\nRUN sleep 1; date +%N > /made\\nRUN echo two" } }
                  last:
                    build:
                      context: .
                      additional_contexts: { first: "service:one" }
                      dockerfile_inline: "FROM first\\nCOPY --from=first /made /copied\\nRUN --mount=from=first,target=/m cmp /m/made /copied"
                  bad: { build: { context: ., dockerfile_inline: "FROM busybox\\nRUN exit 3" } }
                  needy: { build: { context: ., additional_contexts: { x: "service:bad" }, dockerfile_inline: "FROM x\\nRUN true" } }
                """
            try await World.with(project: "build-graph", compose) { world in
                let built = try await world.attempt("--progress", "plain", "build")
                #expect(built.status == 1)
                let lines = built.stderr.split(separator: "\n").map(String.init)
                let shared = lines.filter { $0.contains("RUN sleep 1") }
                #expect(shared.count == 2, "\(built.stderr)")
                #expect(
                    lines.count { $0.hasSuffix(" CACHED") } == 1, "the step that both have ran twice: \(built.stderr)")
                #expect(built.stderr.contains("[needy]\nerror: bad was not built, but this build needs its image"))
                #expect(built.stderr.contains("bad.dockerfile_inline:2:1: error: the command ended with exit code 3"))
                for name in ["one", "two", "last"] {
                    #expect(try await world.attempt("image", "inspect", "build-graph-\(name)").status == 0)
                }
                #expect(try await world.attempt("image", "inspect", "build-graph-needy").status != 0)
            }
        }

        @Test("an engine that is killed in the middle leaves nothing behind, and the next build goes on")
        func killed() async throws {
            try await World.with(project: "build-killed", Self.compose) { world in
                try world.write("FROM busybox\nRUN echo a > /a\nRUN echo started > /b; sleep 60", to: "Dockerfile")
                let building = try world.begin("--progress", "plain", "build")
                try await world.eventually("the step runs") {
                    try await world.shell("cat \(world.root)/builds/work/*/upper/b 2>/dev/null || true") == "started"
                }
                try await world.killEngine()
                _ = try await building.outcome()
                try world.write("FROM busybox\nRUN echo a > /a\nRUN echo c > /c", to: "Dockerfile")
                let built = try await world.berth("--progress", "plain", "build")
                #expect(built.stderr.contains("RUN echo a > /a\n#2 CACHED"))
                try await world.eventually("nothing is left of it") {
                    try await world.shell(
                        "ls \(world.root)/builds/work; ls \(world.root)/containers; pgrep -fx 'sleep 60' || true")
                        == ""
                }
            }
        }

        @Test("many files go over and come from the cache, and a signal in the middle ends the build")
        func manyFiles() async throws {
            try await World.with(project: "build-many") { world in
                try await world.shell(
                    "mkdir -p app/many && cd app && for i in $(seq 1500); do echo $i > many/file-with-a-long-name-$i; done; dd if=/dev/zero of=big bs=1M count=24 2>/dev/null"
                )
                try world.write("FROM busybox\nCOPY many big /all/\nRUN ls /all | wc -l", to: "app/Dockerfile")
                let first = try await world.berth("--progress", "plain", "image", "build", "app")
                #expect(first.stderr.contains(" 1501\n"))
                let second = try await world.berth("--progress", "plain", "image", "build", "app")
                #expect(second.stderr.contains("COPY many big /all/\n#2 CACHED"))
                try world.write("FROM busybox\nRUN echo started > /b; sleep 61", to: "app/Dockerfile")
                let building = try world.begin("--progress", "plain", "image", "build", "app")
                try await world.eventually("the step runs") {
                    try await world.shell("cat \(world.root)/builds/work/*/upper/b 2>/dev/null || true") == "started"
                }
                try await world.shell("pkill -INT -f 'image build ap[p]'")
                #expect(try await building.outcome().status == 130)
                try await world.eventually("nothing is left of it") {
                    try await world.shell(
                        "ls \(world.root)/builds/work; ls \(world.root)/containers; pgrep -fx 'sleep 61' || true")
                        == ""
                }
            }
        }

        @Test("a result goes where it is asked for, and only there")
        func outputs() async throws {
            try await World.with(project: "build-outputs") { world in
                try await world.shell("mkdir app")
                try world.write(
                    "FROM busybox\nRUN mkdir /d && echo made > /d/f && chown 1234 /d/f && ln -s f /d/l && mknod /d/n c 1 3",
                    to: "app/Dockerfile")
                try await world.berth("image", "build", "-t", "unseen", "-o", "out", "app")
                #expect(
                    try await world.shell("cat out/d/l; stat -c %u out/d/f; ls out/d; ls -d out/bin")
                        == "made\n0\nf\nl\nout/bin")
                #expect(try await world.attempt("image", "inspect", "unseen").status != 0)
                try await world.berth(
                    "image", "build", "-o", "type=tar,dest=all.tar", "-o", "type=oci,dest=image.tar", "--iidfile", "id",
                    "--metadata-file", "facts.json", "-t", "seen:1", "--annotation", "a=b", "app")
                #expect(try await world.shell("tar --numeric-owner -tvf all.tar | grep -c '^crw.* 1,3.*d/n$'") == "1")
                #expect(
                    try await world.shell("tar -xOf image.tar index.json").contains(
                        "\"org.opencontainers.image.ref.name\":\"1\""))
                let facts = try await world.shell("cat facts.json")
                let id = try await world.shell("cat id")
                #expect(
                    facts.contains("\"containerimage.config.digest\":\"\(id)\"")
                        && facts.contains("\"image.name\":\"seen:1\""))
                try await world.berth("image", "build", "-o", "type=docker,dest=docker.tar", "-t", "seen:1", "app")
                try await world.berth("image", "load", "-i", "docker.tar")
                #expect(try await world.berth("image", "inspect", "seen:1").stdout.contains(id))
                for flags in [["--push"], ["-o", "type=registry"], ["-o", "type=image,push=true"]] {
                    let refused = try await world.attempt(words: ["image", "build"] + flags + ["app"])
                    #expect(refused.status != 0 && refused.stderr.contains("needs a name"), "\(refused)")
                }
                let unknown = try await world.attempt("image", "build", "-o", "type=bogus", "app")
                #expect(unknown.status != 0 && unknown.stderr.contains("--output"), "\(unknown)")
                let attested = try await world.berth("image", "build", "--provenance", "true", "app")
                #expect(attested.stderr.contains("berth does not create attestations"))
            }
        }

        @Test("builder du tells what is kept, and prune takes it away")
        func prune() async throws {
            try await World.with(project: "build-prune", Self.compose) { world in
                try world.write("FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=3", to: "Dockerfile")
                try await world.berth("build")
                let usage = try await world.berth("builder", "du")
                #expect(usage.stdout.contains("RUN dd if=/dev/zero") && usage.stdout.contains("6.29MB"))
                let pruned = try await world.berth("builder", "prune", "-f")
                #expect(pruned.stdout.contains("Total reclaimed space: 6.29MB"))
                let again = try await world.berth("--progress", "plain", "build")
                #expect(!again.stderr.contains("CACHED"))
            }
        }
    }
}
