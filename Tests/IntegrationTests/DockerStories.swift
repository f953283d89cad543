import EngineWire
import Glibc
import Linux
import Testing

extension Stories {
    /// The real docker command against the engine's socket.
    @Suite(.enabled(if: DockerCommand.path != nil, "there is no docker command on PATH"))
    struct Docker {
        @Test("docker run, with what it prints, its code, its input and its terminal")
        func run() async throws {
            try await World.with(project: "dockerrun") { world in
                let docker = DockerCommand(world)
                #expect(try await docker("run --rm busybox echo hello") == "hello")
                #expect(
                    try await docker("run --rm busybox sh -c 'echo out; echo err >&2; exit 3' 2>&1; echo $?")
                        == "out\nerr\n3")
                #expect(try await docker("ps -aq") == "")
                #expect(try await world.shell("echo in | \(docker.words) run -i --rm busybox cat") == "in")
                #expect(
                    try await world.shell(
                        "script -qec '\(docker.words) run -t --rm busybox tty' /dev/null | tr -d '\\r'")
                        == "/dev/pts/0")
                let refused = try await docker("run --rm busybox nosuch 2>&1; echo $?")
                #expect(refused.contains("executable file not found") && refused.hasSuffix("127"), "\(refused)")
                #expect(try await docker("ps -aq") == "")
                let missing = try await docker("run --rm nosuch.invalid/x:1 2>&1; echo $?")
                #expect(missing.contains("Unable to find image 'nosuch.invalid/x:1' locally"), "\(missing)")
                #expect(missing.hasSuffix("125"), "\(missing)")
            }
        }

        @Test("a detached container: ps, inspect, exec, logs, stop, rename, rm")
        func detached() async throws {
            try await World.with(project: "dockerlife") { world in
                let docker = DockerCommand(world)
                let id = try await docker(
                    "run -d --name box -l role=web -e A=b -p 127.0.0.1:18077:80 -v kept:/data --restart on-failure:2 "
                        + "busybox sh -c 'echo begun; echo err >&2; echo $A > /data/a; exec httpd -f -p 80 -h /data'")
                #expect(id.utf8.count == 64)
                try await world.eventually("it answers") {
                    try await world.shell("curl -s http://127.0.0.1:18077/a || true") == "b"
                }
                #expect(
                    try await docker("ps --format '{{.Names}} {{.State}} {{.Ports}}'")
                        == "box running 127.0.0.1:18077->80/tcp")
                #expect(try await docker("ps -q --no-trunc -f label=role=web -f name=bo -f status=running") == id)
                #expect(try await docker("ps -q -f label=role=db") == "")
                #expect(
                    try await docker(
                        "inspect -f '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{index .Config.Labels \"role\"}}' box"
                    ) == "running on-failure web")
                #expect(
                    try await docker(
                        "inspect -f '{{.HostConfig.LogConfig.Type}} {{.GraphDriver.Name}} {{(index .Mounts 0).Name}}' box"
                    ) == "json-file overlay2 kept")
                let address = try await docker(
                    "inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' box")
                #expect(try await docker("exec box hostname -i") == address)
                #expect(
                    try await docker("exec -e X=y -w /data -u 1:2 box sh -c 'echo $X $PWD $(id -u):$(id -g)'")
                        == "y /data 1:2")
                #expect(try await docker("exec box sh -c 'exit 9'; echo $?") == "9")
                #expect(try await docker("exec box nosuch >/dev/null 2>&1; echo $?") == "127")
                #expect(try await docker("logs box 2>/dev/null") == "begun")
                #expect(try await docker("logs box 2>&1 >/dev/null") == "err")
                #expect(try await docker("logs -t --tail 1 box 2>&1").contains("Z "))
                #expect(try await docker("top box -o pid,args").contains("httpd"))
                #expect(try await docker("port box") == "80/tcp -> 127.0.0.1:18077")
                #expect(try await docker("rename box crate && \(docker.words) exec crate echo here") == "here")
                let old = try await world.engineProcess()
                try await world.killEngine()
                try await world.berth("container", "ls")
                #expect(try await world.engineProcess() != old)
                #expect(try await docker("ps --format '{{.Names}} {{.State}}'") == "crate running")
                #expect(try await docker("stop -t 1 crate") == "crate")
                #expect(try await docker("ps -a --format '{{.State}}'") == "exited")
                #expect(try await docker("start crate") == "crate")
                #expect(try await docker("rm crate 2>&1; echo $?").hasSuffix("1"))
                #expect(try await docker("rm -f -v crate") == "crate")
                #expect(try await docker("volume ls -q") == "kept")
                #expect(try await docker("volume rm kept") == "kept")
            }
        }

        @Test("followed logs and waits end with the container; events tell of it")
        func following() async throws {
            try await World.with(project: "dockerfollow") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run -d --name slow busybox sh -c 'echo one; sleep 1; echo two; exit 4'")
                #expect(try await docker("logs -f slow") == "one\ntwo")
                #expect(try await docker("wait slow") == "4")
                // The command asks for whole seconds.
                try await world.shell("sleep 1.1")
                let events = try await docker(
                    "events --since 1m --until 0s --filter container=slow --format '{{.Action}}'")
                #expect(events == "create\nattach\nstart\ndie" || events == "create\nstart\ndie", "\(events)")
                _ = try await docker("rm slow")
            }
        }

        @Test("docker cp: a file, a folder, its content, a tar; out and in, running and stopped; links stay inside")
        func copying() async throws {
            try await World.with(project: "dockercp") { world in
                let docker = DockerCommand(world)
                let script =
                    "mkdir -p /d/sub && echo one > /d/sub/a && ln -s /etc /d/out && ln -s sub/a /d/in && mkfifo /d/f; exec sleep 600"
                _ = try await docker("run -d --name box -v kept:/data busybox sh -c '\(script)'")
                try await world.eventually("it is ready") {
                    try await docker("exec box test -p /d/f; echo $?") == "0"
                }
                let here = "\(world.folder)/here"
                for state in ["running", "stopped"] {
                    if state == "stopped" { _ = try await docker("stop -t 0 box") }
                    try await world.shell("rm -rf \(here) && mkdir \(here) && echo old > \(here)/old")
                    _ = try await docker("cp box:/d/sub/a \(here)/")
                    _ = try await docker("cp box:/d/sub/a \(here)/b")
                    _ = try await docker("cp box:/d/sub \(here)")
                    _ = try await docker("cp box:/d/sub \(here)/new")
                    _ = try await docker("cp box:/d/sub/. \(here)/sub")
                    _ = try await docker("cp -L box:/d/in \(here)/followed")
                    _ = try await docker("cp box:/d/in \(here)/link")
                    #expect(
                        try await world.shell(
                            "cd \(here); cat a b sub/a new/a followed; readlink link; ls sub new | xargs")
                            == "one\none\none\none\none\nsub/a\nnew: a sub: a", "\(state)")
                    #expect(try await world.shell("\(docker.words) cp box:/d/sub - | tar t") == "sub/\nsub/a")
                    #expect(try await docker("cp box:/nosuch \(here) 2>&1; echo $?").hasSuffix("1"))
                    let missing = try await docker("cp box:/nosuch \(here) 2>&1 || true")
                    #expect(missing.contains("Could not find the file /nosuch in container box"), "\(missing)")

                    try await world.shell("mkdir \(here)/t && echo \(state) > \(here)/t/x && chmod 640 \(here)/t/x")
                    _ = try await docker("cp \(here)/t box:/d/")
                    _ = try await docker("cp \(here)/t/. box:/data/\(state)")
                    _ = try await docker("cp \(here)/t/x box:/d/renamed")
                    try await world.shell("tar c -C \(here) t | \(docker.words) cp - box:/data/")
                    // What the link names is the container's own.
                    _ = try await docker("cp \(here)/t/x box:/d/out/came")
                    #expect(try await world.shell("test -e /etc/came; echo $?") == "1")
                    for place in ["/d/t/x", "/data/\(state)/x", "/d/renamed", "/data/t/x", "/etc/came"] {
                        #expect(
                            try await world.shell("\(docker.words) cp box:\(place) - | tar xO") == state, "\(place)")
                    }
                    #expect(try await docker("cp \(here)/t/x box:/nosuch/place 2>&1; echo $?").hasSuffix("1"))
                    #expect(try await docker("cp \(here)/t box:/d/renamed 2>&1; echo $?").hasSuffix("1"))
                    _ = try await docker("cp box:/ \(here)/whole")
                    #expect(try await world.shell("cat \(here)/whole/d/sub/a") == "one")
                }
                _ = try await docker("start box")
                #expect(try await docker("exec box stat -c '%a %u' /d/t/x /data/t/x") == "640 0\n640 0")
            }
        }

        @Test("docker stats, diff, export, commit, save and load")
        func states() async throws {
            try await World.with(project: "dockerstats") { world in
                let docker = DockerCommand(world)
                _ = try await docker(
                    "run -d --name box -m 64m busybox sh -c 'echo kept > /new; rm /bin/vi; exec sleep 600'")
                _ = try await docker("create --name idle busybox true")
                let line = try await docker("stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' box")
                #expect(line.hasPrefix("box ") && line.hasSuffix(" / 64MiB 1"), "\(line)")
                #expect(try await docker("stats --no-stream -a --format '{{.Name}}' | sort") == "box\nidle")
                let raw =
                    "curl -sN --max-time 3 --unix-socket \(world.run)/docker.sock http://d/containers/box/stats || true"
                #expect(try await world.shell("(\(raw)) | grep -c system_cpu_usage") >= "2")
                let differences = try await docker("diff box").split(separator: "\n")
                #expect(differences.contains("A /new") && differences.contains("D /bin/vi"), "\(differences)")
                #expect(try await world.shell("\(docker.words) export box | tar xO new") == "kept")
                #expect(try await docker("export nosuch 2>&1 || true").contains("No such container"))
                let id = try await docker(
                    "commit -m why -a me -c 'CMD [\"cat\", \"/new\"]' -c 'ENV A=b' box made:1")
                #expect(id.hasPrefix("sha256:"))
                #expect(try await docker("run --rm made:1") == "kept")
                #expect(try await docker("inspect -f '{{.Author}} {{.Config.Env}}' made:1").hasSuffix("A=b]"))
                _ = try await docker("save -o \(world.folder)/both.tar made:1 busybox")
                _ = try await docker("rmi made:1")
                #expect(try await docker("load -i \(world.folder)/both.tar").contains("Loaded image: made:1"))
                #expect(try await docker("run --rm made:1") == "kept")
                #expect(try await docker("image inspect -f '{{.Id}}' made:1") == id)
                _ = try await world.shell("\(docker.words) save made:1 | tar t | grep -q manifest.json")
                #expect(try await docker("save nosuch 2>&1 || true").contains("No such image: nosuch:latest"))
            }
        }

        @Test(
            "docker network connect and disconnect: running and stopped, with a name and an address, kept over a restart"
        )
        func connecting() async throws {
            let compose = """
                services:
                  web: {image: busybox, command: "httpd -f -p 80", init: true}
                """
            try await World.with(project: "dockerconnect", compose) { world in
                let docker = DockerCommand(world)
                try await world.berth("up", "-d")
                _ = try await docker("network create --subnet 10.97.0.0/24 back")
                for name in ["one", "two"] { _ = try await docker("run -d --name \(name) busybox sleep 600") }
                _ = try await docker("create --name idle busybox sleep 600")
                _ = try await docker("network connect --alias db --ip 10.97.0.77 back one")
                _ = try await docker("network connect back two")
                _ = try await docker("network connect --alias late back idle")
                _ = try await docker("network connect dockerconnect_default one")
                #expect(try await docker("exec two ping -c 1 -w 2 db >/dev/null; echo $?") == "0")
                #expect(try await docker("exec one ping -c 1 -w 2 web >/dev/null; echo $?") == "0")
                #expect(
                    try await docker(
                        "inspect -f '{{(index .NetworkSettings.Networks \"back\").IPAddress}} {{len .NetworkSettings.Networks}}' one"
                    ) == "10.97.0.77 3")
                _ = try await docker("start idle")
                #expect(try await docker("exec two ping -c 1 -w 2 late >/dev/null; echo $?") == "0")
                #expect(try await docker("network connect back one 2>&1; echo $?").hasSuffix("1"))
                #expect(
                    try await docker("network connect --ip 10.97.0.77 back dockerconnect-web-1 2>&1; echo $?")
                        .hasSuffix("1"))
                let taken = try await docker("run -d --name three busybox sleep 600")
                #expect(try await docker("network connect --ip 10.97.0.77 back \(taken) 2>&1; echo $?").hasSuffix("1"))
                #expect(try await docker("network connect --ip 10.96.0.1 back three 2>&1; echo $?").hasSuffix("1"))
                _ = try await docker("network connect --link two:x back three")
                #expect(try await docker("exec three ping -c 1 -w 2 x >/dev/null; echo $?") == "0")
                #expect(try await docker("exec one nslookup x >/dev/null 2>&1; echo $?") == "1")
                _ = try await docker("network disconnect back three")
                #expect(try await docker("inspect -f '{{len .NetworkSettings.Networks}}' three") == "1")
                #expect(try await docker("network connect host three 2>&1; echo $?").hasSuffix("1"))
                _ = try await docker("run -d --name alone --network none busybox sleep 600")
                #expect(try await docker("network connect back alone 2>&1; echo $?").hasSuffix("1"))

                _ = try await docker("restart -t 0 one")
                #expect(try await docker("exec two ping -c 1 -w 2 10.97.0.77 >/dev/null; echo $?") == "0")
                try await world.killEngine()
                try await world.berth("container", "ls")
                #expect(try await docker("exec two ping -c 1 -w 2 db >/dev/null; echo $?") == "0")

                _ = try await docker("network disconnect back one")
                #expect(try await docker("exec two ping -c 1 -w 1 10.97.0.77 >/dev/null; echo $?") == "1")
                #expect(try await docker("exec two nslookup db >/dev/null 2>&1; echo $?") == "1")
                #expect(try await docker("network disconnect back one 2>&1; echo $?").hasSuffix("1"))
                #expect(try await docker("network disconnect -f back one 2>&1; echo $?").hasSuffix("1"))
                _ = try await docker("stop -t 0 idle")
                _ = try await docker("network disconnect back idle")
                _ = try await docker("start idle")
                #expect(try await docker("inspect -f '{{len .NetworkSettings.Networks}}' idle") == "1")

                // The same from berth's own command.
                try await world.berth("network", "connect", "--alias", "again", "--ip", "10.97.0.78", "back", "one")
                #expect(try await docker("exec two ping -c 1 -w 2 again >/dev/null; echo $?") == "0")
                let refused = try await world.attempt("network", "connect", "back", "dockerconnect-web-1")
                #expect(refused.status != 0 && refused.stderr.contains("belongs to a berth project"), "\(refused)")
                try await world.berth("network", "disconnect", "back", "one")
                try await world.berth("network", "disconnect", "--force", "back", "nosuch")
                #expect(try await docker("exec two ping -c 1 -w 1 10.97.0.78 >/dev/null; echo $?") == "1")
                _ = try await docker("network disconnect back two")
                #expect(try await docker("network rm back") == "back")
                // With no network left it still runs, and starts.
                _ = try await docker("network disconnect bridge two")
                _ = try await docker("restart -t 0 two")
                #expect(try await docker("exec two ip -o link | wc -l") == "1")
            }
        }

        @Test(
            "a network is removed once nothing on it runs; what was on it starts again when there is one of that name")
        func networkOfStopped() async throws {
            try await World.with(project: "dockerlost") { world in
                let docker = DockerCommand(world)
                _ = try await docker("network create --subnet 10.96.0.0/24 gone")
                for name in ["one", "two"] {
                    _ = try await docker("run -d --name \(name) --network gone busybox sleep 1000")
                }
                _ = try await docker("stop -t 0 one")
                #expect(try await docker("network rm gone >/dev/null 2>&1; echo $?") == "1")
                _ = try await docker("stop -t 0 two")
                #expect(try await docker("network rm gone") == "gone")
                let refused = try await docker("start one 2>&1; true")
                #expect(refused.contains("network gone of one was removed"), "\(refused)")
                _ = try await docker("network create --subnet 10.95.0.0/24 gone")
                _ = try await docker("start one")
                _ = try await docker("start two")
                #expect(try await docker("exec one ip -4 -o addr show eth0").contains("10.95.0."))
                #expect(try await docker("exec one ping -c 1 -w 2 two >/dev/null; echo $?") == "0")
                // Of a project: up makes it again.
                try world.write("services: { web: { image: busybox, command: sleep infinity } }")
                try await world.berth("up", "-d")
                try await world.berth("stop", "-t0")
                try await world.berth("network", "rm", "dockerlost_default")
                try await world.berth("up", "-d")
                #expect(try await world.container("web").state == .running)
            }
        }

        @Test("a project of docker compose's own shows in ls and ps, and berth's verbs leave it alone")
        func foreignProject() async throws {
            try await World.with(project: "dockerforeign") { world in
                let docker = DockerCommand(world)
                func label(_ name: String, _ value: String) -> String { "-l com.docker.compose.\(name)=\(value)" }
                let labels = [label("project", "theirs"), label("service", "web"), label("oneoff", "False")]
                for number in 1...2 {
                    let own = labels + [label("container-number", "\(number)")]
                    _ = try await docker(
                        "run -d --name theirs-web-\(number) \(own.joined(separator: " ")) busybox sleep 1000")
                }
                _ = try await docker("kill theirs-web-2")
                #expect(try await world.berth("ls").stdout.contains("running(1)"))
                let ps = try await world.berth("-p", "theirs", "ps", "--format", "{{.Name}} {{.Service}} {{.State}}")
                #expect(ps.trimmed == "theirs-web-1 web running", "\(ps)")
                #expect(try await world.berth("-p", "theirs", "ps", "-aq", "web").lines.count == 2)
                _ = try await world.attempt("-p", "theirs", "down")
                #expect(try await world.berth("-p", "theirs", "ps", "-aq").lines.count == 2)
                #expect(try await world.attempt("-p", "nobody", "ps", "web").status == 1)
            }
        }

        @Test("networks and images by their names, tags and ids")
        func objects() async throws {
            try await World.with(project: "dockernets") { world in
                let docker = DockerCommand(world)
                _ = try await docker("network create --subnet 10.98.0.0/24 --label a=b front")
                #expect(
                    try await docker("network inspect -f '{{(index .IPAM.Config 0).Subnet}}' front") == "10.98.0.0/24")
                _ = try await docker("run -d --name web --network front --network-alias www busybox httpd -f -p 80")
                #expect(
                    try await docker("run --rm --network front busybox sh -c 'nslookup www >/dev/null && echo found'")
                        == "found")
                #expect(try await docker("network rm front >/dev/null 2>&1; echo $?") == "1")
                _ = try await docker("rm -f web")
                #expect(try await docker("network rm front") == "front")
                #expect(try await docker("images --format '{{.Repository}}:{{.Tag}}'") == "busybox:latest")
                _ = try await docker("tag busybox other:1")
                #expect(try await docker("image inspect -f '{{len .RepoTags}}' other:1") == "2")
                #expect(try await docker("rmi other:1") == "Untagged: other:1")
                #expect(try await docker("history -q busybox").isEmpty == false)
                #expect(
                    try await docker("info --format '{{.Driver}} {{.Swarm.LocalNodeState}}'") == "overlay2 inactive")
                #expect(try await docker("version --format '{{.Server.APIVersion}}'") == "1.50")
            }
        }
    }
}

/// The docker command, pointed at a world's engine.
struct DockerCommand: Sendable {
    /// The first on PATH.
    static let path: String? = {
        let folders = getenv("PATH").map { String(cString: $0) } ?? ""
        return folders.split(separator: ":").map { "\($0)/docker" }.first { fileExists($0) }
    }()

    private let world: World

    init(_ world: World) { self.world = world }

    /// For a shell in the world.
    var words: String { "env DOCKER_HOST=unix://\(world.run)/docker.sock \(Self.path ?? "docker")" }

    /// What it prints.
    func callAsFunction(_ arguments: String, at place: SourceLocation = #_sourceLocation) async throws -> String {
        try await world.shell("\(words) \(arguments)", at: place)
    }
}
