import Glibc
import Testing

extension Stories {
    /// What the docker command says, and what it does not say, where something is wrong.
    @Suite(.enabled(if: DockerCommand.path != nil, "there is no docker command on PATH"))
    struct DockerWords {
        @Test(
            "a working directory that an exec names must be there; of a container that does not start only the reason is told"
        )
        func workingDirectories() async throws {
            try await World.with(project: "dockerwords") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run -d --name box -w /made/below busybox sleep 600")
                #expect(try await docker("exec box pwd") == "/made/below")
                let missing = try await docker("exec -w /nosuch box pwd 2>&1; echo $?")
                #expect(missing.contains("no such file or directory") && missing.hasSuffix("127"), "\(missing)")
                #expect(try await docker("exec box ls -d /nosuch >/dev/null 2>&1; echo $?") == "1")
                for flags in ["", "-d"] {
                    let refused = try await docker(
                        "run --rm \(flags) -w /etc/passwd busybox true 2>&1 >/dev/null || true")
                    #expect(refused.hasPrefix("docker: Error response from daemon: "), "\(refused)")
                    #expect(refused.contains("not a directory") && !refused.contains("is gone"), "\(refused)")
                }
                #expect(try await docker("ps -a --format '{{.Names}}'") == "box")
            }
        }

        @Test("a container that is only made takes nothing: its port and its address count when it starts")
        func createdBeside() async throws {
            try await World.with(project: "dockerbeside") { world in
                let docker = DockerCommand(world)
                _ = try await docker("network create --subnet 10.214.0.0/24 own")
                let options = "--network own --ip 10.214.0.9 -p 127.0.0.1:18207:80 busybox sleep 600"
                _ = try await docker("run -d --name one \(options)")
                _ = try await docker("create --name two \(options)")
                let refused = try await docker("start two 2>&1; echo $?")
                #expect(refused.contains("10.214.0.9") && refused.hasSuffix("1"), "\(refused)")
                _ = try await docker("create --name three -p 18207:80 busybox sleep 600")
                let taken = try await docker("start three 2>&1; echo $?")
                #expect(taken.contains("port is already allocated") && taken.hasSuffix("1"), "\(taken)")
                // A stopped container no longer holds them.
                _ = try await docker("stop -t 0 one")
                _ = try await docker("start two")
                #expect(try await docker("exec two hostname -i") == "10.214.0.9")
                #expect(try await docker("port two 80") == "127.0.0.1:18207")
                let late = try await docker("start one 2>&1; echo $?")
                #expect(late.contains("10.214.0.9") && late.hasSuffix("1"), "\(late)")
                _ = try await docker("stop -t 0 two")
                _ = try await docker("start one")
                #expect(try await docker("exec one hostname -i") == "10.214.0.9")
            }
        }

        @Test("stop and restart send the signal that the call names")
        func chosenSignal() async throws {
            try await World.with(project: "dockersignal") { world in
                let docker = DockerCommand(world)
                let script = "trap \"echo usr1; exit 5\" USR1; trap \"exit 6\" TERM; while :; do sleep .1; done"
                _ = try await docker("run -d --restart always --name box busybox sh -c '\(script)'")
                _ = try await docker("stop -s SIGUSR1 box")
                #expect(try await docker("inspect -f '{{.State.Status}} {{.State.ExitCode}}' box") == "exited 5")
                _ = try await docker("start box")
                _ = try await docker("restart -s USR1 box")
                #expect(try await docker("logs box") == "usr1\nusr1")
                let refused = try await docker("stop -s BOGUS box 2>&1 || true")
                #expect(refused.contains("invalid signal: BOGUS"), "\(refused)")
                _ = try await docker("stop box")
                #expect(try await docker("inspect -f '{{.State.ExitCode}}' box") == "6")
            }
        }

        @Test("a renamed container is found by its new name, on its networks and after a restart")
        func renamed() async throws {
            try await World.with(project: "dockerrename") { world in
                let docker = DockerCommand(world)
                _ = try await docker("network create own")
                _ = try await docker("run -d --network own --name before busybox sleep 600")
                _ = try await docker("run -d --network own --name other busybox sleep 600")
                _ = try await docker("rename before after")
                for _ in 0..<2 {
                    #expect(try await docker("exec other ping -c 1 -W 2 after >/dev/null 2>&1; echo $?") == "0")
                    #expect(try await docker("exec other ping -c 1 -W 2 before >/dev/null 2>&1; echo $?") == "1")
                    _ = try await docker("restart -t 0 after")
                }
            }
        }

        @Test("the network of a container that has joined another one's, or is on the host's, can be joined")
        func joinedNetworks() async throws {
            try await World.with(project: "dockerjoined") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run -d --name first busybox sleep 600")
                _ = try await docker("run -d --name second --network container:first busybox sleep 600")
                let address = try await docker("exec first hostname -i")
                #expect(try await docker("run --rm --network container:second busybox hostname -i") == address)
                #expect(try await docker("run --rm --network container:second busybox ip -o address").contains(address))
                _ = try await docker("run -d --name host --network host busybox sleep 600")
                let read = "readlink /proc/self/ns/net"
                let there = try await docker("exec host \(read)")
                #expect(try await docker("run --rm --network container:host busybox \(read)") == there)
                _ = try await docker("run -d --name base --pid host busybox sleep 600")
                let all = try await docker("exec base readlink /proc/self/ns/pid")
                #expect(try await docker("run --rm --pid container:base busybox readlink /proc/self/ns/pid") == all)
            }
        }

        @Test("a container that is removed when it ends survives a restart; a crashing one can be killed")
        func restarts() async throws {
            try await World.with(project: "dockerrestart") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run -d --rm --name box busybox sleep 600")
                _ = try await docker("restart -t 0 box")
                #expect(try await docker("exec box echo alive") == "alive")
                _ = try await docker("stop -t 0 box")
                try await world.eventually("it is removed") { try await docker("ps -aq") == "" }
                _ = try await docker("run -d --restart always --name loop busybox sh -c 'exit 3'")
                try await world.eventually("it waits for its restart") {
                    try await docker("inspect -f '{{.State.Status}}' loop") == "restarting"
                }
                _ = try await docker("kill loop")
                try await Task.sleep(for: .seconds(2))
                #expect(try await docker("inspect -f '{{.State.Status}}' loop") == "exited")
            }
        }

        @Test("volumes of another container come before anonymous ones; ports are found by their number on the host")
        func borrowed() async throws {
            try await World.with(project: "dockerborrow") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run --name from -v /data busybox sh -c 'echo kept > /data/file'")
                #expect(try await docker("run --rm --volumes-from from -v /data busybox cat /data/file") == "kept")
                // An empty volume of another container is not filled from the image.
                _ = try await docker("run --name empty -v /etc/none busybox true")
                try await world.shell(
                    "printf 'FROM busybox\\nRUN mkdir -p /etc/none && touch /etc/none/x\\n' | DOCKER_BUILDKIT=0 \(docker.words) build -q -t full -"
                )
                #expect(try await docker("run --rm --volumes-from empty full ls /etc/none") == "")
                _ = try await docker("run -d --name web -p 127.0.0.1:18208:80 busybox sleep 600")
                #expect(try await docker("ps --filter publish=18208 --format '{{.Names}}'") == "web")
                #expect(try await docker("ps --filter publish=80 --format '{{.Names}}'") == "")
                #expect(try await docker("ps --filter expose=80 --format '{{.Names}}'") == "web")
            }
        }

        @Test("containers of an image are found by it and by what it is built on, not by what is built on it")
        func ancestors() async throws {
            try await World.with(project: "dockerancestor") { world in
                let docker = DockerCommand(world)
                for (base, name, value) in [("busybox", "one:1", 1), ("one:1", "two:1", 2)] {
                    try await world.shell(
                        "printf 'FROM \(base)\\nLABEL a=\(value)\\n' | DOCKER_BUILDKIT=0 \(docker.words) build -q -t \(name) -"
                    )
                }
                for (name, image) in [("zero", "busybox"), ("first", "one:1"), ("second", "two:1")] {
                    _ = try await docker("run -d --name \(name) \(image) sleep 600")
                }
                for (image, names) in [
                    ("two:1", "second"), ("one:1", "first second"), ("busybox", "first second zero"),
                ] {
                    let found = try await docker("ps --filter ancestor=\(image) --format '{{.Names}}' | sort | xargs")
                    #expect(found == names, "\(image): \(found)")
                }
            }
        }

        @Test("a tag that looks like a digest or an id is refused; a login that cannot be read is none")
        func tags() async throws {
            try await World.with(project: "dockertags") { world in
                let docker = DockerCommand(world)
                let ambiguous = try await docker("tag busybox sha256:abc 2>&1; echo $?")
                #expect(ambiguous.contains("refusing to create an ambiguous tag") && ambiguous.hasSuffix("1"))
                let hex = String(repeating: "a", count: 64)
                #expect(try await docker("tag busybox \(hex) 2>&1; echo $?").hasSuffix("1"))
                let socket = "\(world.run)/docker.sock"
                let answer = try await world.shell(
                    "curl -s -o /dev/null -w '%{http_code}' --unix-socket \(socket) -X POST -H 'X-Registry-Auth: 123' 'http://x/images/create?fromImage=localhost:1/none'"
                )
                #expect(["404", "500"].contains(answer), "\(answer)")
            }
        }

        @Test("a probe that ran out of time says so")
        func slowProbe() async throws {
            try await World.with(project: "dockerprobe") { world in
                let docker = DockerCommand(world)
                _ = try await docker(
                    "run -d --name box --health-cmd 'echo asked; sleep 60' --health-interval 1s --health-timeout 500ms busybox sleep 600"
                )
                try await world.eventually("the probe has run out of time") {
                    try await docker("inspect -f '{{json .State.Health.Log}}' box")
                        .contains("Health check exceeded timeout (500ms): asked")
                }
            }
        }

        @Test("a link on the common network brings variables and a line of /etc/hosts")
        func links() async throws {
            try await World.with(project: "dockerlinks") { world in
                let docker = DockerCommand(world)
                _ = try await docker(
                    "run -d --name db --expose 6379 --expose 53/udp -e MODE=x -e HOME=/h busybox sleep 600")
                let address = try await docker("inspect -f '{{.NetworkSettings.IPAddress}}' db")
                let seen = try await docker("run --rm --name web --link db:my-db busybox sh -c 'env; cat /etc/hosts'")
                    .split(separator: "\n").map(String.init)
                for line in [
                    "MY_DB_NAME=/web/my-db", "MY_DB_PORT=tcp://\(address):6379", "MY_DB_PORT_53_UDP_PROTO=udp",
                    "MY_DB_PORT_6379_TCP_ADDR=\(address)", "MY_DB_ENV_MODE=x",
                ] { #expect(seen.contains(line), "\(line) is not in \(seen)") }
                #expect(!seen.contains { $0.hasPrefix("MY_DB_ENV_HOME") })
                #expect(seen.contains { $0.hasPrefix(address) && $0.contains("my-db") && $0.hasSuffix("db") })
                _ = try await docker("network create own")
                _ = try await docker("run -d --name there --network own busybox sleep 600")
                let quiet = try await docker("run --rm --network own --link there:my-db busybox env")
                #expect(!quiet.contains("MY_DB"), "\(quiet)")
            }
        }

        @Test("a program that ends before it has read its input ends the client with its own code")
        func unreadInput() async throws {
            try await World.with(project: "dockerunread") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run -d --name box busybox sleep 600")
                for _ in 0..<5 {
                    for command in ["run --rm -i busybox", "exec -i box"] {
                        let cut = try await world.shell(
                            "yes | \(docker.words) \(command) sh -c 'head -n 1; exit 3' 2>&1; echo $?")
                        #expect(cut == "y\n3", "\(command): \(cut)")
                    }
                }
            }
        }

        @Test("logs with details, the files of a container, and images whose name means another one by now")
        func smallThings() async throws {
            try await World.with(project: "dockersmall") { world in
                let docker = DockerCommand(world)
                _ = try await docker(
                    "run -d --name box --log-opt labels=tier --log-opt env=MODE -l tier=a/b -e MODE=x busybox sh -c 'echo hi; exec sleep 600'"
                )
                try await world.eventually("its line is there") { try await docker("logs box") == "hi" }
                #expect(try await docker("logs --details box") == "MODE=x,tier=a%2Fb hi")
                #expect(try await docker("exec box ls -l /.dockerenv /etc/mtab").contains("/etc/mtab -> /proc/mounts"))
                #expect(try await docker("diff box") == "")
                let written = try await docker("run --rm --read-only busybox touch /etc/hosts 2>&1 || true")
                #expect(written.contains("Read-only file system"), "\(written)")
                let id = try await docker("inspect -f '{{.Image}}' box")
                _ = try await docker("tag busybox old:1")
                _ = try await docker("commit box busybox")
                #expect(try await docker("ps --no-trunc --format '{{.Image}}'") == id)
                #expect(try await docker("images -q --no-trunc --filter since=old:1").split(separator: "\n").count == 1)
                _ = try await docker("rm -f box")
            }
        }

        @Test("docker cp into a full disk names the file, keeps the one that is there, and needs no room elsewhere")
        func fullDisk() async throws {
            try await World.with(project: "dockerfull") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run -d --name box --tmpfs /small:size=1m busybox sleep 600")
                try await world.shell("head -c 3000000 /dev/zero > \(world.folder)/big")
                for there in ["", "old"] {
                    if !there.isEmpty { _ = try await docker("exec box sh -c 'echo \(there) > /small/big'") }
                    let full = try await docker("cp \(world.folder)/big box:/small/ 2>&1; echo $?")
                    #expect(full.contains("no space left on the disk for \"big\"") && full.hasSuffix("1"), "\(full)")
                    #expect(try await docker("exec box ls -A /small") == (there.isEmpty ? "" : "big"))
                    if !there.isEmpty { #expect(try await docker("exec box cat /small/big") == there) }
                }
                try await world.shell("mkdir \(world.folder)/tree; echo a > \(world.folder)/tree/a")
                _ = try await docker("cp \(world.folder)/tree box:/small/")
                #expect(try await docker("exec box cat /small/tree/a") == "a")
            }
        }

        @Test(
            "what cannot be had is refused in dockerd's words; names in /etc/hosts stand with their domain and without")
        func refusals() async throws {
            try await World.with(project: "dockerrefuse") { world in
                let docker = DockerCommand(world)
                for (flags, words) in [
                    ("--storage-opt size=1G", "--storage-opt is supported only for overlay over xfs"),
                    ("--link nosuch:al", "could not get container for nosuch"),
                    ("--log-driver bogus", "logger: no log driver named 'bogus' is registered"),
                    ("--uts host -h own", "conflicting options: hostname and the UTS mode"),
                ] {
                    let refused = try await docker("run --rm \(flags) busybox true 2>&1; echo $?")
                    #expect(refused.contains(words) && refused.hasSuffix("125"), "\(refused)")
                }
                #expect(try await docker("ps -aq") == "")
                for flags in ["-h my.host.dom", "-h my.host --domainname dom"] {
                    let hosts = try await docker("run --rm \(flags) busybox tail -n 1 /etc/hosts")
                    #expect(hosts.hasSuffix("\tmy.host.dom my"), "\(hosts)")
                }
                _ = try await docker("network create front")
                // A container that does not run holds no network.
                _ = try await docker("network create idle && \(docker.words) run --network idle busybox true")
                #expect(try await docker("network prune -f") == "Deleted Networks:\nfront\nidle")
                _ = try await docker("network create front")
                for network in ["bridge", "front"] {
                    _ = try await docker("run -d --name on\(network) --network \(network) busybox sleep 600")
                    let found = try await docker(
                        "run --rm --network \(network) --link on\(network):al busybox nslookup al >/dev/null; echo $?")
                    #expect(found == "0", "\(network)")
                }
            }
        }
    }
}
