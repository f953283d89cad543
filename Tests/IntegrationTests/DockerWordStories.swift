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

        @Test("docker cp into a full disk names the file, leaves nothing of it, and needs no room elsewhere")
        func fullDisk() async throws {
            try await World.with(project: "dockerfull") { world in
                let docker = DockerCommand(world)
                _ = try await docker("run -d --name box --tmpfs /small:size=1m busybox sleep 600")
                try await world.shell("head -c 3000000 /dev/zero > \(world.folder)/big")
                let full = try await docker("cp \(world.folder)/big box:/small/ 2>&1; echo $?")
                #expect(full.contains("no space left on the disk for \"big\"") && full.hasSuffix("1"), "\(full)")
                #expect(try await docker("exec box ls /small") == "")
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
