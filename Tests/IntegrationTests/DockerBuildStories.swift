import Linux
import Testing

extension Stories {
    /// The classic builder, as the docker command and others drive it over the engine's socket.
    @Suite(.enabled(if: DockerCommand.path != nil, "there is no docker command on PATH"))
    struct DockerBuilds {
        private static let dockerfile = """
            ARG BASE=busybox
            FROM $BASE AS tool
            COPY tool.sh /tool.sh
            RUN sh /tool.sh > /made
            FROM busybox
            ARG WHO=nobody
            LABEL role=web
            WORKDIR /srv
            COPY --from=tool /made /srv/made
            COPY . /src
            RUN echo "for $WHO" >> /srv/made
            CMD ["cat", "/srv/made"]
            """

        private static func prepare(_ world: World) async throws {
            try world.write(dockerfile, to: "Dockerfile")
            try world.write("echo by a tool", to: "tool.sh")
            try world.write("secret\nid\n", to: ".dockerignore")
            try world.write("no", to: "secret")
        }

        @Test(
            "docker build: what it prints, build arguments, names, labels, the cache, quiet, files of ids, from a pipe")
        func build() async throws {
            try await World.with(project: "dockerbuild") { world in
                let docker = DockerCommand(world)
                try await Self.prepare(world)
                let build = "\(docker.classic) build"
                let said = try await world.shell(
                    "\(build) -t made:1 -t made:also --build-arg WHO=me --label extra=yes --iidfile id . 2>/dev/null")
                #expect(said.contains("Step 1/12 : ARG BASE=busybox"), "\(said)")
                #expect(said.contains("Step 11/12 : RUN echo \"for $WHO\" >> /srv/made"), "\(said)")
                let id = try await world.shell("cat id")
                #expect(said.contains("Successfully built \(id.dropFirst(7).prefix(12))\n"), "\(said) \(id)")
                #expect(said.hasSuffix("Successfully tagged made:1\nSuccessfully tagged made:also"), "\(said)")
                #expect(try await docker("run --rm made:1") == "by a tool\nfor me")
                #expect(try await docker("run --rm made:also ls -A /src") == ".dockerignore\nDockerfile\ntool.sh")
                #expect(
                    try await docker("inspect -f '{{.Config.Labels.role}} {{.Config.Labels.extra}}' made:1")
                        == "web yes")

                let again = try await world.shell("\(build) --build-arg WHO=me --label extra=yes -q . 2>/dev/null")
                #expect(again.hasPrefix("sha256:"), "\(again)")
                let cached = try await world.shell("\(build) --target tool . 2>/dev/null")
                #expect(cached.contains(" ---> Using cache") && cached.contains("Step 4/4 : RUN sh"), "\(cached)")
                let fresh = try await world.shell("\(build) --no-cache --target tool . 2>/dev/null")
                #expect(!fresh.contains("Using cache"), "\(fresh)")

                try await world.berth("builder", "prune", "-f")
                let taken = try await world.shell(
                    "\(build) --cache-from made:1 --build-arg WHO=me --label extra=yes . 2>/dev/null")
                #expect(taken.contains("RUN echo \"for $WHO\" >> /srv/made\n ---> Using cache"), "\(taken)")
                #expect(!taken.contains("[Warning]"), "\(taken)")

                // From a pipe: a Dockerfile alone, and archives; a Dockerfile of another name, and of another folder.
                #expect(
                    try await world.shell(
                        "printf 'FROM busybox\\nRUN echo piped > /p\\nCMD cat /p' | \(build) -q -t piped - 2>/dev/null; "
                            + "\(docker.words) run --rm piped"
                    ).hasSuffix("piped"))
                for packing in ["c", "cz", "cj", "cJ"] {
                    let id = try await world.shell("tar \(packing) . | \(build) -q - 2>/dev/null")
                    #expect(id.hasPrefix("sha256:"), "\(packing) \(id)")
                }
                try await world.shell(
                    "mkdir sub && cp Dockerfile sub/Other && cp Dockerfile \(world.folder)/Outside")
                for place in ["sub/Other", "\(world.folder)/Outside"] {
                    #expect(try await world.shell("\(build) -q -f \(place) . 2>/dev/null").hasPrefix("sha256:"))
                }
            }
        }

        @Test("a build that fails says where and why, and docker ends with the command's code")
        func failures() async throws {
            try await World.with(project: "dockerbuildfails") { world in
                let docker = DockerCommand(world)
                func fail(_ dockerfile: String) async throws -> String {
                    try world.write(dockerfile, to: "Dockerfile")
                    return try await world.shell("\(docker.classic) build . 2>&1; echo code $?")
                }
                let command = try await fail("FROM busybox\nRUN echo so far; exit 7")
                #expect(command.contains("Step 2/2 : RUN echo so far; exit 7\nso far\n"), "\(command)")
                #expect(
                    command.contains("The command '/bin/sh -c echo so far; exit 7' returned a non-zero code: 7"),
                    "\(command)")
                #expect(command.hasSuffix("code 7"), "\(command)")
                let word = try await fail("FROM busybox\nRUM x")
                #expect(word.contains("dockerfile parse error on line 2: ") && word.hasSuffix("code 1"), "\(word)")
                let missing = try await fail("FROM busybox\nCOPY nosuch /")
                #expect(missing.contains("nosuch") && missing.hasSuffix("code 1"), "\(missing)")
                let base = try await fail("FROM nosuch.invalid/x:1\nRUN true")
                #expect(base.contains("nosuch.invalid/x:1") && base.hasSuffix("code 1"), "\(base)")
                let post = "curl -sS --unix-socket \(world.run)/docker.sock -X POST"
                #expect(
                    try await world.shell("tar c --files-from /dev/null | \(post) --data-binary @- http://d/build")
                        .contains("Cannot locate specified Dockerfile: Dockerfile"))
                #expect(try await world.shell("ls \(world.root)/builds/work") == "")
            }
        }

        @Test("a context with links out, broken or cut short harms nobody, and nothing of it stays")
        func hostile() async throws {
            try await World.with(project: "dockerhostile") { world in
                let docker = DockerCommand(world)
                try world.write("FROM busybox\nCOPY . /all\nRUN ls -R /all", to: "Dockerfile")
                let victim = "\(world.folder)/victim"
                try await world.shell("mkdir \(victim) && echo mine > \(victim)/file && echo evil > evil")
                let build = "\(docker.classic) build -q - 2>&1 || true"
                // Out of the folder by name.
                _ = try await world.shell(
                    "tar cP --transform 's,^evil,../../../../../../..\(victim)/byname,' Dockerfile evil | \(build)")
                // Through a link, as a folder and as a file.
                try await world.shell(
                    """
                    mkdir a b && ln -s \(victim) a/way && mkdir b/way && echo evil > b/way/bylink
                    tar cf link.tar Dockerfile -C a way && tar rf link.tar -C b way/bylink
                    """)
                _ = try await world.shell("cat link.tar | \(build)")
                #expect(try await world.shell("ls \(victim)") == "file")
                // A link that COPY takes stays a link, and does not bring what it leads to.
                try await world.shell("mkdir c && cp Dockerfile c && ln -s \(victim)/file c/stolen")
                _ = try await world.shell("\(docker.classic) build -q -t linked c 2>/dev/null")
                #expect(try await docker("run --rm linked cat /all/stolen 2>&1 || true").contains("No such file"))
                try world.write("FROM busybox\nCOPY stolen /stolen", to: "c/Dockerfile")
                let taken = try await world.shell("\(docker.classic) build c 2>&1; echo code $?")
                #expect(taken.hasSuffix("code 1"), "\(taken)")
                // The Dockerfile itself may be such a link.
                try await world.shell("mkdir d && ln -s \(victim)/file d/Dockerfile")
                let outside = try await world.shell("tar c -C d . | \(build)")
                #expect(!outside.contains("mine"), "\(outside)")
                // Cut short, and no archive.
                for archive in [
                    "tar c Dockerfile evil link.tar | head -c 3000", "tar cz . | head -c 200",
                    "head -c 5000 /bin/busybox",
                ] {
                    let post = "curl -sS --unix-socket \(world.run)/docker.sock -X POST --data-binary @- http://d/build"
                    let answer = try await world.shell("\(archive) | \(post)")
                    #expect(answer.contains("message"), "\(archive): \(answer)")
                }
                #expect(try await docker("ps -q") == "")
                #expect(try await world.shell("ls \(world.root)/builds/work") == "")
            }
        }

        @Test("a client that goes away takes its build with it")
        func givenUp() async throws {
            try await World.with(project: "dockergone") { world in
                let docker = DockerCommand(world)
                try world.write("FROM busybox\nRUN sleep 6543", to: "Dockerfile")
                let running = "ps -eo args | grep -c '^sleep 654[3]' || true"
                for _ in 1...2 {
                    let client = try await world.shell("\(docker.classic) build . >/dev/null 2>&1 & echo $!")
                    try await world.eventually("the step runs") { try await world.shell(running) == "1" }
                    try await world.shell("kill -9 \(client)")
                    try await world.eventually("the step has ended") { try await world.shell(running) == "0" }
                    try await world.eventually("its folders are gone") {
                        try await world.shell("ls \(world.root)/builds/work") == ""
                    }
                }
                #expect(try await docker("ps -aq") == "")
            }
        }

        @Test("a context from a repository, from an archive and from a Dockerfile on a server")
        func remote() async throws {
            try await World.with(project: "dockerremote") { world in
                let docker = DockerCommand(world)
                try await world.shell(
                    """
                    mkdir -p served/repo && cd served/repo && git init -q -b main . && mkdir sub && echo in git > sub/file
                    printf 'FROM busybox\\nCOPY file /file\\nCMD cat /file' > sub/Dockerfile && git add . \\
                        && git -c user.name=x -c user.email=x@y commit -q -m x
                    tar cz -C sub . > ../context.tar.gz && printf 'FROM busybox\\nCMD echo alone' > ../Alone
                    cd .. && git daemon --base-path=. --export-all --listen=127.0.0.1 --reuseaddr >/dev/null 2>&1 &
                    busybox httpd -p 127.0.0.1:8099 -h ..
                    """)
                try await world.eventually("the servers answer") {
                    try await world.shell(
                        "curl -sf http://127.0.0.1:8099/Alone >/dev/null && git ls-remote -q git://127.0.0.1/repo/.git >/dev/null && echo yes || true"
                    ) == "yes"
                }
                let post = "curl -sS -N --unix-socket \(world.run)/docker.sock -X POST"
                for (remote, output) in [
                    ("git://127.0.0.1/repo/.git%23main:sub", "in git"),
                    ("http://127.0.0.1:8099/context.tar.gz", "in git"), ("http://127.0.0.1:8099/Alone", "alone"),
                ] {
                    let said = try await world.shell("\(post) 'http://d/build?t=remote&remote=\(remote)'")
                    #expect(said.contains("Successfully tagged remote:latest"), "\(said)")
                    #expect(try await docker("run --rm remote") == output)
                }
                let missing = try await world.shell("\(post) 'http://d/build?remote=http://127.0.0.1:8099/nosuch'")
                #expect(missing.contains("404"), "\(missing)")
                let unknown = try await world.shell("\(post) 'http://d/build?remote=git://127.0.0.1/none'")
                #expect(unknown.contains("cannot be fetched"), "\(unknown)")
                let file = try await world.shell("\(post) 'http://d/build?remote=file:///etc'")
                #expect(file.contains("neither a git repository"), "\(file)")
            }
        }

        @Test("the cache of builds is listed and taken away")
        func cache() async throws {
            try await World.with(project: "dockercache") { world in
                let docker = DockerCommand(world)
                try world.write("FROM busybox\nRUN head -c 3000000 /dev/urandom > /big", to: "Dockerfile")
                _ = try await world.shell("\(docker.classic) build -q . 2>/dev/null")
                let rows = try await docker("system df -v --format '{{json .BuildCache}}'")
                #expect(rows.contains("RUN head -c 3000000"), "\(rows)")
                let answer = try await world.shell(
                    "curl -sS --unix-socket \(world.run)/docker.sock -X POST http://d/build/prune?all=1")
                #expect(
                    answer.contains("\"CachesDeleted\":[\"") && !answer.contains("\"SpaceReclaimed\":0"), "\(answer)")
                #expect(try await docker("system df -v --format '{{json .BuildCache}}'") != rows)
            }
        }
    }
}

extension DockerCommand {
    /// For a shell in the world, with the classic builder where a client would ask for another.
    var classic: String { "env DOCKER_BUILDKIT=0 \(words)" }
}
