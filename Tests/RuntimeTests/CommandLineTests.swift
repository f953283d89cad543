import Glibc
import JSON
import Linux
import OCI
import Runtime
import Testing

/// The runtime's command line where callers and kernels surprise it.
@Suite(.enabled(if: canRunContainers), .serialized) struct CommandLineTests {
    private func shell(_ script: String, _ bundle: Bundle) throws -> Finished {
        let runtime = "R=\"\(buildFolder)/berth-runtime --root \(bundle.folder)/state\""
        return try RuntimeTests.run("/bin/sh", ["-c", "\(runtime)\n\(script)"], folder: bundle.folder)
    }

    @Test(arguments: ["1", "2", "7", "1000000"])
    func descriptorsThatTheCallerHasNotCannotBeKept(count: String) throws {
        try Bundle.with { bundle in
            try bundle.write(["true"])
            let result = try bundle.runtime("run", "--preserve-fds", count, "c")
            #expect(result.status == 2)
            #expect(result.error.contains("--preserve-fds \(count): the caller has no descriptor 3 to keep"))
            #expect(try shell("exec 3</dev/null; $R run --preserve-fds 2 c", bundle).error.contains("no descriptor 4"))
        }
    }

    @Test func descriptorsThatTheCallerHasAreKept() throws {
        try Bundle.with { bundle in
            try writeFileAtomically("\(bundle.folder)/text", "kept\n".utf8)
            try bundle.write(["sh", "-c", "cat <&3; cat <&4; [ -e /proc/self/fd/5 ] && echo more; true"])
            let script = "exec 3<text 4<text 5<text; $R run --preserve-fds 2 c"
            let result = try shell(script, bundle)
            #expect(result.output == "kept\nkept\n" && result.status == 0)
            let exec =
                "exec 3<text 4<text; $R run -d --preserve-fds 0 d; $R exec --preserve-fds 2 d sh -c 'cat <&4'; $R delete -f d"
            try bundle.write(["sleep", "1000"])
            #expect(try shell(exec, bundle).output == "kept\n")
        }
    }

    @Test func anExecDoesNotMakeItsWorkingDirectory() throws {
        try Bundle.with { bundle in
            try bundle.write(["sleep", "1000"]) { $0.process?.cwd = "/made/below" }
            #expect(try bundle.runtime("run", "-d", "c").status == 0)
            let result = try bundle.runtime("exec", "--cwd", "/nosuch/below", "c", "true")
            #expect(result.error == "berth-runtime: working directory \"/nosuch/below\": no such file or directory\n")
            #expect(try bundle.runtime("exec", "c", "sh", "-c", "pwd; ls -d /nosuch").output == "/made/below\n")
            #expect(try bundle.runtime("delete", "-f", "c").status == 0)
        }
    }

    private static let freezer = ((try? CgroupMounts.current()) ?? CgroupMounts(mounts: [])).mounts.compactMap {
        mount in
        mount.isUnified
            ? ("\(mount.mountpoint)", "cgroup.freeze", "1", "0")
            : mount.controllers.contains("freezer") ? (mount.mountpoint, "freezer.state", "FROZEN", "THAWED") : nil
    }

    @Test(arguments: [0, 1])
    func nothingIsBegunBelowAFrozenCgroup(index: Int) throws {
        guard Self.freezer.indices.contains(index) else { return }
        let (mountpoint, file, frozen, thawed) = Self.freezer[index]
        let folder = "\(mountpoint)/berth-test-frozen-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try makeFolders(folder, mode: 0o755)
        defer { rmdir(folder) }
        try writeControlFile("\(folder)/\(file)", frozen)
        try Bundle.with { bundle in
            let parent = folder.dropFirst(mountpoint.count)
            let result = try bundle.run(["true"]) { $0.linux?.cgroupsPath = "\(parent)/c" }
            #expect(result.status == 1 && result.error.contains("is frozen, or one above it"))
            // One of its own that was left frozen is let go.
            try writeControlFile("\(folder)/\(file)", thawed)
            try makeFolders("\(folder)/c", mode: 0o755)
            try writeControlFile("\(folder)/c/\(file)", frozen)
            #expect(try bundle.run(["sh", "-c", "exit 5"]) { $0.linux?.cgroupsPath = "\(parent)/c" }.status == 5)
        }
        for mount in try CgroupMounts.current().mounts {
            rmdir("\(mount.mountpoint)\(folder.dropFirst(mountpoint.count))")
        }
    }

    @Test(arguments: ["", "/c"])
    func aCgroupThatOthersAreInIsNotTaken(below: String) throws {
        try Bundle.with { bundle in
            let path = "/berth-test-shared-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
            try bundle.write(["sleep", "1000"]) { $0.linux?.cgroupsPath = path + below }
            #expect(try bundle.runtime("run", "-d", "c").status == 0)
            try bundle.write(["true"]) { $0.linux?.cgroupsPath = path }
            let result = try bundle.runtime("run", "d")
            #expect(result.error.contains("the cgroup \(path) is in use") && result.status == 1)
            #expect(try bundle.runtime("state", "c").output.contains("\"status\": \"running\""))
            #expect(try bundle.runtime("delete", "-f", "c").status == 0)
            for mount in try CgroupMounts.current().mounts { rmdir(mount.mountpoint + path) }
        }
    }

    @Test func aKillLeavesNobodyWhenTheProcessesAreTheHosts() throws {
        try Bundle.with { bundle in
            try bundle.write(["sh", "-c", "sleep 1000 & sleep 1000 & wait"]) {
                $0.linux?.namespaces?.removeAll { $0.type == "pid" }
                $0.mounts?.removeAll { $0.destination == "/proc" }
                $0.mounts?.insert(.init(destination: "/proc", source: "/proc", options: ["rbind"]), at: 0)
            }
            #expect(try bundle.runtime("run", "-d", "c").status == 0)
            let record = try ContainerStore(root: "\(bundle.folder)/state").load("c")
            let cgroup = try record.cgroup()
            for _ in 0..<500 where cgroup.processes.count < 3 { usleep(10_000) }
            #expect(cgroup.processes.count == 3)
            #expect(try bundle.runtime("kill", "c", "KILL").status == 0)
            for _ in 0..<500 where !cgroup.processes.isEmpty { usleep(10_000) }
            #expect(cgroup.processes == [])
            #expect(try bundle.runtime("delete", "-f", "c").status == 0)
        }
    }

    @Test func anUpdateWithZerosLeavesWhatIsThere() throws {
        try Bundle.with { bundle in
            try bundle.write(["sleep", "1000"]) {
                var resources = RuntimeSpec.Resources()
                var memory = RuntimeSpec.Memory()
                memory.limit = 64 << 20
                resources.memory = memory
                var cpu = RuntimeSpec.CPU()
                cpu.quota = 50_000
                cpu.period = 100_000
                cpu.shares = 512
                resources.cpu = cpu
                resources.pids = RuntimeSpec.Pids(limit: 40)
                $0.linux?.resources = resources
            }
            #expect(try bundle.runtime("run", "-d", "c").status == 0)
            defer { _ = try? bundle.runtime("delete", "-f", "c") }
            let folders = try ContainerStore(root: "\(bundle.folder)/state").load("c").cgroups
            func limits() -> [String] {
                folders.flatMap { folder in
                    [
                        "memory.max", "memory.limit_in_bytes", "cpu.max", "cpu.cfs_quota_us", "cpu.shares",
                        "cpu.weight",
                        "pids.max",
                    ].compactMap { try? readText("\(folder)/\($0)") }
                }
            }
            let before = limits()
            // What dockerd sends for `docker update --memory 64m`.
            let zeros = #"""
                {"memory": {"limit": 67108864, "reservation": 0, "swap": 0, "kernel": 0}, "pids": {"limit": 0},
                 "cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0, "realtimePeriod": 0, "cpus": "", "mems": ""},
                 "blockIO": {"weight": 0}}
                """#
            try writeFileAtomically("\(bundle.folder)/zeros.json", zeros.utf8)
            let result = try bundle.runtime("update", "-r", "zeros.json", "c")
            #expect(result.error == "" && result.status == 0)
            #expect(limits() == before && before.count >= 4)
            #expect(try bundle.runtime("update", "--pids-limit", "50", "c").status == 0)
            #expect(limits() != before)
        }
    }

    struct Refusal: Sendable, CustomStringConvertible {
        let description: String
        let change: @Sendable (inout RuntimeSpec.Linux) -> Void
    }

    @Test(arguments: [
        Refusal(description: "linux.mountLabel is not supported") { $0.mountLabel = "system_u:object_r:x:s0" },
        Refusal(description: "linux.seccomp.listenerPath is not supported") { $0.seccomp?.listenerPath = "/run/x" },
        Refusal(description: "SCMP_ACT_NOTIFY is not supported") {
            $0.seccomp?.syscalls?.append(.init(names: ["mkdir"], action: "SCMP_ACT_NOTIFY"))
        },
        Refusal(description: "linux.intelRdt is not supported") { $0.intelRdt = ["closID": "x"] },
        Refusal(description: "linux.netDevices is not supported") { $0.netDevices = ["eth0": ["name": "eth1"]] },
        Refusal(description: "rootfsPropagation: \"often\" is not a kind of propagation") {
            $0.rootfsPropagation = "often"
        },
        Refusal(description: "memoryPolicy: unknown mode \"MPOL_X\"") { $0.memoryPolicy = .init(mode: "MPOL_X") },
    ])
    func whatIsNotCarriedOutIsRefused(the: Refusal) throws {
        try Bundle.with { bundle in
            let result = try bundle.run(["true"]) { spec in
                if var linux = spec.linux {
                    the.change(&linux)
                    spec.linux = linux
                }
            }
            #expect(result.status == 1 && result.error.contains(the.description))
        }
    }

    @Test(.enabled(if: fileExists("/proc/self/numa_maps")))
    func aMemoryPolicyIsSet() throws {
        try Bundle.with { bundle in
            let result = try bundle.shell("head -1 /proc/self/numa_maps | { read address policy rest; echo $policy; }")
            {
                $0.linux?.memoryPolicy = .init(mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"])
            }
            #expect(result.output.hasPrefix("bind") && result.error == "")
        }
    }

    @Test(arguments: [
        ("shared", "shared:"), ("rshared", "shared:"), ("private", "-"), ("rprivate", "-"), ("slave", "-"),
        ("unbindable", "unbindable"), ("", "-"),
    ])
    func theRootHasThePropagationAskedFor(name: String, field: String) throws {
        try Bundle.with { bundle in
            let result = try bundle.shell("grep ' / / \\| /rootfs / \\|rootfs / ' /proc/self/mountinfo | head -1") {
                $0.linux?.rootfsPropagation = name
            }
            let fields = result.output.split(separator: " ")
            #expect(result.error == "" && fields.count > 6)
            if fields.count > 6 { #expect(fields[6].hasPrefix(field)) }
        }
    }
}
