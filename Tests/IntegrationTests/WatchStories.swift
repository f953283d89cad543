import EngineWire
import Testing

extension Stories {
    /// `berth watch` and `up --watch`.
    @Suite struct Watching {
        private static let idle = "command: [sh, -c, 'trap \"exit 0\" TERM; echo begins; sleep infinity & wait']"

        /// Ends what runs as `words`, as Ctrl-C does.
        private func interrupt(_ words: String, in world: World) async throws {
            // Copies of it that do work beside it have the same words: the oldest is the one.
            let pids = try await world.processes().filter { $0.value.hasPrefix(words) }.keys.sorted()
            try await world.shell("kill -INT \(try #require(pids.first))")
        }

        private func begin(_ words: String..., in world: World) async throws -> RunningProgram {
            let watch = try world.begin(words: words)
            try await world.eventually("watch is enabled") { watch.output.contains("Watch enabled") }
            return watch
        }

        /// What all replicas of a service say to a shell command.
        private func inside(_ world: World, _ service: String, _ replicas: Int = 2, _ script: String) async throws
            -> [String]
        {
            var answers: [String] = []
            for number in 1...replicas {
                let outcome = try await world.attempt(
                    "exec", "-T", "--index", "\(number)", service, "sh", "-c", script)
                answers.append(outcome.stdout.split(separator: "\n").joined(separator: " "))
            }
            return answers
        }

        private func eventually(
            _ world: World, _ service: String, _ replicas: Int = 2, _ script: String, is wanted: String
        ) async throws {
            try await world.eventually("\(script) says \(wanted) in \(service)") {
                try await self.inside(world, service, replicas, script).allSatisfy { $0 == wanted }
            }
        }

        private static let two = """
            services:
              web:
                image: busybox
                scale: 2
                \(idle)
                develop:
                  watch:
                    - {path: ./src, action: sync, target: /app, ignore: [cache/, "*.md"]}
                    - {path: ./conf.ini, action: sync+restart, target: /etc/conf.ini}
              api:
                image: busybox
                scale: 2
                user: "1234:5678"
                \(idle)
                develop:
                  watch:
                    - {path: ./src, action: sync, target: /srv, include: ["**/*.py"], initial_sync: true}
                    - path: ./lib
                      action: sync+exec
                      target: /lib
                      exec: {command: "sh -c 'test ! -e /tmp/gone && echo $$WORD $$(id -u) >> /tmp/ran'", user: "7", environment: {WORD: hi}}
            """

        @Test("files come into all replicas of all services as they are made, changed, moved and removed")
        func sync() async throws {
            try await World.with(project: "watch-sync", Self.two) { world in
                try await world.shell("mkdir -p src lib; touch conf.ini")
                try world.write("1", to: "src/a.py")
                try world.write("1", to: "src/b.txt")
                let watch = try await begin("watch", in: world)
                // Initial sync: what the pattern allows, to the container's user.
                try await eventually(
                    world, "api", 2, "cat /srv/a.py; ls /srv; stat -c %u:%g /srv/a.py", is: "1 a.py 1234:5678")
                #expect(try await inside(world, "web", 2, "ls /app") == ["", ""])
                // A change, a new folder with what is in it at once, an editor's rename, a mode, a link.
                try await world.shell(
                    """
                    echo 2 > src/a.py; mkdir -p src/new/deep src/cache; echo x > src/new/deep/f.py; echo y > src/cache/y
                    echo 3 > src/.tmp && mv src/.tmp src/b.txt; chmod 751 src/b.txt; ln -s new/deep src/link; echo z > src/z.md
                    touch src/.git src/b.txt~
                    """)
                try await eventually(
                    world, "web", 2, "cd /app; find . | sort; cat a.py b.txt link/f.py; stat -c %a b.txt",
                    is: ". ./a.py ./b.txt ./link ./new ./new/deep ./new/deep/f.py 2 3 x 751")
                try await eventually(
                    world, "api", 2, "cd /srv; find . -type f | sort; cat a.py", is: "./a.py ./new/deep/f.py 2")
                // Without a user in the file or the image the numbers are the host's.
                try await world.shell("chown 42:43 src/a.py")
                try await eventually(world, "web", 2, "stat -c %u:%g /app/a.py", is: "42:43")
                // Gone, renamed; what only the container has stays.
                _ = try await inside(world, "web", 2, "echo own > /app/own")
                try await world.shell("rm src/a.py; mv src/new src/newer; rm src/link; rm -r src/cache")
                try await eventually(
                    world, "web", 2, "cd /app; find . | sort",
                    is: ". ./b.txt ./newer ./newer/deep ./newer/deep/f.py ./own")
                try await eventually(world, "api", 2, "cd /srv; find . -type f", is: "./newer/deep/f.py")
                try await interrupt("berth watch", in: world)
                let outcome = try await watch.outcome()
                #expect(outcome.status == 130 && outcome.stderr.contains("warning") == false, "\(outcome)")
                // The containers run on.
                #expect(try await world.containers().allSatisfy { $0.state == .running })
            }
        }

        @Test(
            "sync+restart restarts with the new file, sync+exec runs its command in every replica; one file, one folder"
        )
        func actions() async throws {
            try await World.with(project: "watch-acts", Self.two) { world in
                try world.write("1", to: "conf.ini")
                try await world.shell("mkdir -p src lib")
                let watch = try await begin("watch", in: world)
                let before = try await world.containers()
                // The file is replaced, as editors do.
                try await world.shell("echo 2 > conf.new && mv conf.new conf.ini")
                try await world.eventually("both were restarted with the new file") {
                    let now = try await world.containers()
                    return now.allSatisfy { row in
                        let old = before.first { $0.id == row.id }
                        return row.state == .running && (row.service == "api") == (old?.startedAt == row.startedAt)
                    } && now.count == 4
                }
                try await eventually(world, "web", 2, "cat /etc/conf.ini", is: "2")
                try await world.shell("for i in 1 2 3 4 5 6 7 8; do echo $i > lib/$i; done")
                try await eventually(world, "api", 2, "cat /tmp/ran; ls /lib | grep -c '^[1-8]$'", is: "hi 7 8")
                #expect(watch.output.contains("Syncing service \"web\" after 1 change was detected"))
                #expect(watch.output.contains("service(s) [\"web\"] restarted"))
                // A command that fails is told, and the watch goes on.
                _ = try await inside(world, "api", 2, "mkdir /tmp/gone")
                try await world.shell("echo 9 > lib/9")
                try await world.eventually("the failure is told") {
                    watch.output.contains("service \"api\" did not run the command; the watch continues")
                }
                try world.write("3", to: "conf.ini")
                try await eventually(world, "web", 2, "cat /etc/conf.ini", is: "3")
                try await interrupt("berth watch", in: world)
                #expect(try await watch.outcome().status == 130)
            }
        }

        private static let built = """
            services:
              web:
                build: .
                scale: 2
                \(idle)
                develop:
                  watch:
                    - {path: ., action: rebuild, ignore: [live/]}
                    - {path: ./live, action: sync, target: /live}
            """

        @Test(
            "rebuild makes new containers; a build that fails is shown, and the next one works; edits that were copied stay"
        )
        func rebuild() async throws {
            try await World.with(project: "watch-builds", Self.built) { world in
                try world.write("FROM busybox\nCOPY page /page\nRUN cp /page /made", to: "Dockerfile")
                try world.write(".dockerignore\nnotes.txt", to: ".dockerignore")
                try world.write("one", to: "page")
                try await world.shell("mkdir live")
                let watch = try await begin("watch", "--quiet", in: world)
                try await eventually(world, "web", 2, "cat /made", is: "one")
                let first = try await world.container("web").imageID
                try world.write("edit", to: "live/e")
                try await eventually(world, "web", 2, "cat /live/e", is: "edit")
                try world.write("two", to: "page")
                try await eventually(world, "web", 2, "cat /made /live/e", is: "two edit")
                #expect(watch.output.contains("Rebuilding service(s) [\"web\"] after changes were detected..."))
                // What .dockerignore leaves out rebuilds nothing.
                let built = watch.output.ranges(of: "Rebuilding").count
                try world.write("x", to: "notes.txt")
                try world.write("FROM busybox\nCOPY page /page\nRUN exit 3", to: "Dockerfile")
                try await world.eventually("the failure is told") {
                    watch.output.contains("service \"web\" was not rebuilt; the watch continues")
                }
                #expect(watch.output.ranges(of: "Rebuilding").count == built + 1)
                try await eventually(world, "web", 2, "cat /made", is: "two")
                try world.write("FROM busybox\nCOPY page /page\nRUN cat /page /page > /made", to: "Dockerfile")
                try await eventually(world, "web", 2, "cat /made", is: "two two")
                // The last two versions keep theirs.
                try await world.eventually("the image of the version before those is gone") {
                    try await world.attempt("image", "inspect", first).status != 0
                }
                try await interrupt("berth watch", in: world)
                let outcome = try await watch.outcome()
                #expect(outcome.status == 130 && outcome.stderr.contains("exit code 3"), "\(outcome)")
            }
        }

        @Test("replicas that come later get what was copied before, and one that missed a change gets it when it runs")
        func later() async throws {
            try await World.with(project: "watch-later", Self.two) { world in
                try await world.shell("mkdir -p src lib; touch conf.ini")
                let watch = try await begin("watch", in: world)
                try await world.shell("echo 1 > src/a.py; echo 2 > src/b; rm src/b; echo 3 > src/c")
                try await eventually(world, "web", 2, "ls /app", is: "a.py c")
                try await world.berth("scale", "web=3")
                try await eventually(world, "web", 3, "ls /app", is: "a.py c")
                try await world.berth("stop", "web")
                try await world.shell("echo 4 > src/d; rm src/c")
                try await eventually(world, "api", 2, "ls /srv", is: "a.py")
                try await world.berth("start", "web")
                try await eventually(world, "web", 3, "ls /app", is: "a.py d")
                try await world.berth("up", "-d", "--force-recreate")
                try await eventually(world, "web", 2, "ls /app", is: "a.py d")
                // The engine dies and comes back.
                try await world.killEngine()
                try await world.shell("echo 5 > src/e")
                try await eventually(world, "web", 2, "ls /app", is: "a.py d e")
                try await world.berth("scale", "web=4")
                try await eventually(world, "web", 4, "ls /app", is: "a.py d e")
                try await interrupt("berth watch", in: world)
                #expect(try await watch.outcome().status == 130)
            }
        }

        @Test("20,000 files that come at once are all copied, and 20,000 that go are gone")
        func many() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    \(Self.idle)
                    develop: {watch: [{path: ./src, action: sync, target: /app}]}
                """
            try await World.with(project: "watch-many", compose) { world in
                try await world.shell("mkdir src")
                let watch = try await begin("watch", in: world)
                let make = "i=0; while [ $i -lt 20000 ]; do echo $i > src/d$((i % 50))/f$i; i=$((i+1)); done"
                try await world.shell("for d in $(seq 0 49); do mkdir src/d$d; done; \(make)")
                try await eventually(
                    world, "web", 1, "find /app -type f | wc -l; cat /app/d49/f19999", is: "20000 19999")
                try await world.shell("rm -r src/d*")
                try await eventually(world, "web", 1, "find /app -type f | wc -l", is: "0")
                try await interrupt("berth watch", in: world)
                #expect(try await watch.outcome().status == 130)
            }
        }

        @Test("up --watch shows output, copies meanwhile, and Ctrl-C stops the containers")
        func attached() async throws {
            try await World.with(project: "watch-up", Self.two) { world in
                try await world.shell("mkdir -p src lib; touch conf.ini")
                let up = try await begin("up", "--watch", in: world)
                try await world.eventually("output is shown") {
                    up.output.contains("web-2") && up.output.contains("begins")
                }
                try world.write("1", to: "src/a.py")
                try await eventually(world, "web", 2, "cat /app/a.py", is: "1")
                try world.write("1", to: "conf.ini")
                try await world.eventually("output goes on after a restart") {
                    up.output.ranges(of: "begins").count == 6
                }
                try await interrupt("berth up --watch", in: world)
                #expect(try await up.outcome().status == 130)
                #expect(try await world.containers().allSatisfy { $0.state == .exited })
                #expect(try await world.processes().values.allSatisfy { !$0.hasPrefix("berth up") })
            }
        }

        @Test("no link in a container leads a copy out of it, a volume keeps its data, a read-only place is told")
        func hostile() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    read_only: true
                    tmpfs: [/app]
                    volumes: [data:/app/sub/data]
                    \(Self.idle)
                    develop:
                      watch:
                        - {path: ./src, action: sync, target: /app}
                        - {path: ./ro, action: sync, target: /ro}
                volumes: {data: {}}
                """
            try await World.with(project: "watch-hostile", compose) { world in
                try await world.shell("mkdir -p src/out src/sub ro; mkdir -p /tmp/outside-\(world.project)")
                let watch = try await begin("watch", in: world)
                _ = try await inside(
                    world, "web", 1,
                    """
                    rm -rf /app/out; ln -s /../../../../../../../tmp /app/out; ln -s /proc/1/root/tmp /app/proc
                    mkdir -p /tmp 2>/dev/null; echo kept > /app/sub/data/row
                    """)
                try await world.shell(
                    "echo x > src/out/escaped; mkdir src/proc; echo y > src/proc/escaped; echo z > src/ok")
                try await eventually(world, "web", 1, "cat /app/ok", is: "z")
                #expect(try await world.shell("ls /tmp/escaped 2>/dev/null || true") == "")
                try await world.shell("echo 1 > ro/x; rm -r src/sub; echo w > src/last")
                try await eventually(world, "web", 1, "cat /app/last /app/sub/data/row", is: "w kept")
                try await interrupt("berth watch", in: world)
                let outcome = try await watch.outcome()
                #expect(outcome.stderr.contains("web-1: /ro"), "\(outcome)")
                try await world.shell("rmdir /tmp/outside-\(world.project)")
            }
        }

        @Test("what cannot be watched is told with its place before anything is started")
        func mistakes() async throws {
            let compose = """
                services:
                  web:
                    image: busybox
                    \(Self.idle)
                    volumes: ["./mounted:/m"]
                    develop:
                      watch:
                        - {path: ./src, action: rebuild}
                        - {path: ./src, action: sync, target: /app, ignore: ["a", "[b"]}
                        - {path: ./src, action: sync+exec, target: /app}
                        - {path: ./mounted/x, action: sync, target: /x}
                  other:
                    image: busybox
                    \(Self.idle)
                """
            try await World.with(project: "watch-wrong", compose) { world in
                let failed = try await world.attempt("watch")
                #expect(failed.status == 1)
                for text in [
                    "compose.yaml:8:33: error: service \"web\" has no `build:`",
                    "compose.yaml:9:67: error: service \"web\": '[b' is not a pattern",
                    "error: service \"web\": the action sync+exec needs a command", "is mounted in the container",
                ] {
                    #expect(failed.stderr.contains(text), "\(text): \(failed)")
                }
                #expect(try await world.containers() == [])
                let none = try await world.attempt("watch", "other")
                #expect(none.status == 1)
                #expect(none.stderr.contains("none of the selected services is configured for watch"))
                #expect(try await world.attempt("up", "-d", "--watch").status == 2)
            }
        }
    }
}
