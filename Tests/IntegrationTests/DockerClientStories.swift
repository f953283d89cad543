import Glibc
import Linux
import Testing

extension Stories {
    /// Other clients of Docker than the newest docker command, as they come.
    @Suite struct DockerClientSuite {
        private static let scripts: String = {
            let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
            return "/\(folder)/Clients"
        }()

        private func host(_ world: World) -> String { "DOCKER_HOST=unix://\(world.run)/docker.sock" }

        @Test(
            "docker-py: run, exec, logs, files, objects, events, stats, images, attach",
            .enabled(if: DockerClients.dockerPython != nil, "no Python has the module docker"))
        func dockerPython() async throws {
            try await World.with(project: "dockerpy") { world in
                let said = try await world.shell(
                    "\(host(world)) \(DockerClients.dockerPython ?? "") \(Self.scripts)/docker_py.py 2>&1",
                    within: .seconds(120))
                #expect(said.hasSuffix("all well\""), "\(said)")
            }
        }

        @Test(
            "testcontainers: waiting, ports, networks, and a reaper that cleans up after a suite that was killed",
            .enabled(if: DockerClients.testcontainers != nil, "no Python has the module testcontainers"),
            .enabled(if: fileExists("/usr/bin/python3.11"), "there is no Python of Debian for the reaper's image"))
        func testcontainers() async throws {
            try await World.with(project: "testcontainers") { world in
                try await makeReaper(world)
                let python = DockerClients.testcontainers ?? ""
                let environment =
                    "\(host(world)) RYUK_CONTAINER_IMAGE=reaper:1 TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1 "
                    + "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE=\(world.run)/docker.sock"
                let died = try await world.shell(
                    "\(environment) \(python) \(Self.scripts)/containers.py --die 2>&1; echo $?", within: .seconds(120))
                #expect(died.contains("all well") && died.hasSuffix("137"), "\(died)")
                try await world.eventually("the reaper took away what was left, and itself") {
                    try await world.berth("container", "ls", "-aq").trimmed.isEmpty
                }
                let whole = try await world.shell(
                    "\(environment) \(python) \(Self.scripts)/containers.py 2>&1", within: .seconds(120))
                #expect(whole.hasSuffix("all well"), "\(whole)")
            }
        }

        /// An image with Debian's Python and the reaper.
        private func makeReaper(_ world: World) async throws {
            let script = """
                set -e
                root=\(world.folder)/reaper; mkdir -p $root/usr/bin $root/usr/lib $root/tmp
                for path in $(ldd /usr/bin/python3.11 /usr/lib/python3.11/lib-dynload/*.so 2>/dev/null \
                    | grep -o '/[^ ]*lib[^ ]*\\.so[^ ]*\\|/lib64[^ ]*' | grep -v dynload | tr -d : | sort -u); do
                    mkdir -p $root$(dirname $path); cp -L $path $root$path
                done
                cp /usr/bin/python3.11 $root/usr/bin/python3
                mkdir -p $root/usr/lib/python3.11
                tar -C /usr/lib/python3.11 --exclude=test --exclude=__pycache__ --exclude='config-3*' --exclude=idlelib \
                    --exclude=tkinter --exclude=lib2to3 --exclude=ensurepip -c . | tar -C $root/usr/lib/python3.11 -x
                cp \(Self.scripts)/reaper.py $root/reaper.py
                tar -C $root --owner=0 --group=0 -cf \(world.folder)/reaper.tar .
                """
            try await world.shell(script)
            try await world.berth(
                "image", "import", "--change", "CMD [\"/usr/bin/python3\", \"/reaper.py\"]", "--change", "EXPOSE 8080",
                "\(world.folder)/reaper.tar", "reaper:1")
        }

        private static let compose = """
            services:
              web:
                image: busybox
                command: sh -c "echo web begins; exec httpd -f -p 80 -h /srv"
                volumes: ["pages:/srv"]
                ports: ["127.0.0.1:18205:80"]
                healthcheck: {test: ["CMD", "test", "-s", "/srv/index.html"], interval: 1s}
                depends_on: [job]
              fixed:
                image: busybox
                command: sleep 601
                stop_grace_period: 0s
                networks: {default: {ipv4_address: 10.213.0.9}}
              job:
                image: busybox
                command: sh -c "echo page > /srv/index.html; exec sleep 600"
                volumes: ["pages:/srv"]
                stop_grace_period: 0s
            volumes: {pages: {}}
            networks: {default: {ipam: {config: [{subnet: 10.213.0.0/24}]}}}
            """

        /// Changed services get new containers, which have the port and the address of the old ones.
        private func change(_ world: World, _ run: (String) async throws -> String) async throws {
            let before = try await run("ps -q web")
            let script = "s/httpd -f -p/httpd -f -v -p/; s/sleep 601/sleep 602/"
            try await world.shell("sed -i '\(script)' \(world.projectFolder)/compose.yaml")
            _ = try await run("up -d 2>&1")
            #expect(try await run("ps -q web") != before)
            try await world.eventually("the new container serves") {
                try await world.shell("curl -s http://127.0.0.1:18205/index.html || true") == "page"
            }
            #expect(try await run("exec -T fixed hostname -i") == "10.213.0.9")
        }

        @Test(
            "docker-compose 1.29: up, ps, logs, exec, run, port, down -v",
            .enabled(if: DockerClients.oldCompose != nil, "there is no docker-compose 1.29"))
        func oldCompose() async throws {
            let file = "version: '2.4'\n" + Self.compose
            try await World.with(project: "dc1", file) { world in
                // Its own streams, not those of a docker command beside it.
                let words =
                    "\(host(world)) PYTHONWARNINGS=ignore COMPOSE_INTERACTIVE_NO_CLI=1 \(DockerClients.oldCompose ?? "")"
                @Sendable func run(_ arguments: String) async throws -> String {
                    try await world.shell("cd \(world.projectFolder); \(words) \(arguments)", within: .seconds(90))
                }
                _ = try await run("up -d 2>&1")
                #expect(try await run("ps -q").split(separator: "\n").count == 3)
                try await world.eventually("the job has written the page") {
                    try await run("exec -T web cat /srv/index.html || true") == "page"
                }
                try await world.eventually("its log is there") {
                    try await run("logs --no-color web 2>/dev/null").contains("web begins")
                }
                #expect(try await run("port web 80") == "127.0.0.1:18205")
                #expect(try await world.shell("curl -s http://127.0.0.1:18205/index.html") == "page")
                #expect(try await run("run --rm -T web sh -c 'sleep 1; echo once' 2>/dev/null").hasSuffix("once"))
                #expect(try await run("up -d 2>&1").contains("up-to-date"))
                try await change(world, run)
                for verb in ["stop -t 0 web", "start web", "restart -t 0 job"] { _ = try await run("\(verb) 2>&1") }
                _ = try await run("down -v -t 0 2>&1")
                #expect(try await world.berth("container", "ls", "-aq").trimmed.isEmpty)
                #expect(try await world.berth("volume", "ls", "-q").trimmed.isEmpty)
            }
        }

        @Test(
            "docker compose 2: up --wait, ps, logs, exec, run, cp, down -v",
            .enabled(if: DockerClients.compose != nil, "there is no docker compose 2 as a program"))
        func compose() async throws {
            try await World.with(project: "dc2", Self.compose) { world in
                @Sendable func run(_ arguments: String) async throws -> String {
                    try await world.shell(
                        "cd \(world.projectFolder); \(host(world)) \(DockerClients.compose ?? "") \(arguments)",
                        within: .seconds(90))
                }
                _ = try await run("up -d --wait 2>&1")
                #expect(
                    try await run("ps --format '{{.Service}} {{.State}} {{.Health}}' | sort")
                        == "fixed running \njob running \nweb running healthy")
                #expect(try await run("exec -T web cat /srv/index.html") == "page")
                #expect(try await run("logs --no-log-prefix web") == "web begins")
                #expect(try await run("run --rm -T web echo once 2>/dev/null") == "once")
                _ = try await run("cp web:/srv/index.html here 2>&1")
                #expect(try await world.shell("cat \(world.projectFolder)/here") == "page")
                #expect(try await world.berth("ls").stdout.contains("dc2"))
                try await change(world, run)
                _ = try await run("up -d --scale job=2 2>&1")
                #expect(try await run("ps -q job").split(separator: "\n").count == 2)
                _ = try await run("down -v -t 0 2>&1")
                #expect(try await world.berth("container", "ls", "-aq").trimmed.isEmpty)
                #expect(try await world.berth("volume", "ls", "-q").trimmed.isEmpty)
            }
        }

        @Test(
            "docker 20.10: run, exec, logs, cp, inspect, stats, networks, volumes",
            .enabled(if: DockerClients.oldDocker != nil, "there is no docker 20.10"))
        func oldDocker() async throws {
            try await World.with(project: "docker20") { world in
                @Sendable func docker(_ arguments: String) async throws -> String {
                    try await world.shell("\(host(world)) \(DockerClients.oldDocker ?? "") \(arguments)")
                }
                #expect(try await docker("version -f '{{.Client.Version}}'").hasPrefix("20.10"))
                #expect(try await docker("run --rm busybox echo hello") == "hello")
                #expect(
                    try await world.shell(
                        "echo in | \(host(world)) \(DockerClients.oldDocker ?? "") run -i --rm busybox cat") == "in")
                #expect(try await docker("run --rm busybox sh -c 'exit 7'; echo $?") == "7")
                _ = try await docker("network create back")
                let id = try await docker(
                    "run -d --name box --network back -v kept:/d --init -m 64m --cpus 0.5 --health-cmd true "
                        + "--health-interval 100ms busybox sh -c 'echo begun; sleep 600'")
                #expect(try await docker("ps -q --no-trunc") == id)
                #expect(try await docker("exec -w /d box sh -c 'echo x > f; pwd'") == "/d")
                try await world.eventually("its log is there") { try await docker("logs box") == "begun" }
                _ = try await docker("cp box:/d/f \(world.folder)/f")
                #expect(try await world.shell("cat \(world.folder)/f") == "x")
                #expect(try await docker("stats --no-stream --format '{{.Name}} {{.MemUsage}}'").hasSuffix("/ 64MiB"))
                try await world.eventually("it is healthy") {
                    try await docker("inspect -f '{{.State.Health.Status}}' box") == "healthy"
                }
                #expect(
                    try await docker(
                        "inspect -f '{{.HostConfig.LogConfig.Type}} {{.GraphDriver.Name}} {{.HostConfig.NanoCpus}} {{(index .NetworkSettings.Networks \"back\").NetworkID}}' box"
                    ).hasPrefix("json-file overlay2 500000000 "))
                #expect(try await docker("inspect -f '{{.LogPath}}' box").hasSuffix("log.json"))
                #expect(try await docker("system df --format '{{.Type}}' | head -1") == "Images")
                _ = try await docker("rm -f box")
                #expect(try await docker("network rm back") == "back")
            }
        }
    }
}
