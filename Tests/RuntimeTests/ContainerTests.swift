import Glibc
import Linux
import OCI
import Runtime
import Testing

@Suite(.enabled(if: canRunContainers), .serialized) struct ContainerTests {
    @Test func aContainerIsAloneInItsNamespaces() throws {
        try Bundle.with { bundle in
            let result = try bundle.shell("hostname; echo $$; id -u; pwd; echo $HOME; ip -o link | wc -l; exit 7")
            #expect(result.output == "box\n1\n0\n/\n/root\n1\n")
            #expect(result.status == 7 && result.error == "")
        }
    }

    @Test func rootHasTheDefaultCapabilitiesAndAUserNone() throws {
        try Bundle.with { bundle in
            let script = "grep -E 'CapInh|CapEff|CapBnd|Seccomp:|NoNewPrivs' /proc/self/status"
            let root = try bundle.shell(script)
            #expect(
                root.output == """
                    CapInh:\t0000000000000000
                    CapEff:\t00000000a80425fb
                    CapBnd:\t00000000a80425fb
                    NoNewPrivs:\t0
                    Seccomp:\t2

                    """)
            let user = try bundle.shell(script) { spec in
                spec.process?.user = RuntimeSpec.User(uid: 1000, gid: 1000)
                spec.process?.capabilities = DefaultProfile.capabilitySets(DefaultProfile.capabilities, uid: 1000)
                spec.process?.noNewPrivileges = true
            }
            #expect(user.output.contains("CapEff:\t0000000000000000\n"))
            #expect(user.output.contains("NoNewPrivs:\t1\nSeccomp:\t2\n"))
        }
    }

    struct Failure: Sendable, CustomStringConvertible {
        let description: String
        var arguments = ["true"]
        var change: @Sendable (inout RuntimeSpec) -> Void = { _ in }
        let status: Int32
        let message: String
    }

    @Test(arguments: [
        Failure(
            description: "a command that is not there", arguments: ["nosuch"], status: 127,
            message: "exec \"nosuch\": executable file not found in $PATH"),
        Failure(
            description: "a path that is not there", arguments: ["/nosuch"], status: 127,
            message: "exec \"/nosuch\": no such file or directory"),
        Failure(
            description: "a file that is no program", arguments: ["/etc/passwd"], status: 126,
            message: "exec \"/etc/passwd\": permission denied (/etc/passwd is not executable for this user)"),
        Failure(
            description: "a script without its interpreter", arguments: ["/bin/script"], status: 126,
            message:
                "exec \"/bin/script\": the interpreter or the loader that /bin/script asks for is not in the container"),
        Failure(
            description: "a working directory that is a file", change: { $0.process?.cwd = "/etc/passwd" }, status: 1,
            message: "working directory \"/etc/passwd\": not a directory"),
        Failure(
            description: "a bind source that is not there",
            change: { $0.mounts?.append(.init(destination: "/x", source: "/nosuch", options: ["rbind"])) }, status: 1,
            message: "mount /x: bind source /nosuch: No such file or directory"),
        Failure(
            description: "an option that a file system does not know",
            change: { $0.mounts?.append(.init(destination: "/x", type: "tmpfs", options: ["size=x"])) }, status: 1,
            message: "mount /x (tmpfs): Invalid argument (tmpfs: Bad value for 'size')"),
        Failure(
            description: "a kernel parameter of the host's", change: { $0.linux?.sysctl = ["kernel.panic": "1"] },
            status: 1, message: "sysctl kernel.panic does not belong to any namespace"),
        Failure(
            description: "an unknown limit",
            change: { $0.process?.rlimits = [.init(type: "RLIMIT_X", soft: 1, hard: 1)] }, status: 1,
            message: "unknown resource limit \"RLIMIT_X\""),
        Failure(
            description: "something else on /proc",
            change: { $0.mounts?.append(.init(destination: "/proc", type: "tmpfs")) }, status: 1,
            message: "mount /proc: only proc can be mounted on /proc"),
    ])
    func whatCannotBeRunIsExplained(the: Failure) throws {
        try Bundle.with { bundle in
            try writeFileAtomically("\(bundle.root)/bin/script", "#!/bin/nosuch\n".utf8, mode: 0o755)
            let result = try bundle.run(the.arguments, the.change)
            #expect(result.error == "berth-runtime: \(the.message)\n")
            #expect(result.status == the.status)
            #expect(try bundle.runtime("list", "-q").output == "")
        }
    }

    @Test func mountsAreMadeWhereTheyAreWanted() throws {
        try Bundle.with { bundle in
            try writeFileAtomically("\(bundle.folder)/file", "bound\n".utf8)
            let result = try bundle.shell(
                "cat /new/file /data/file; touch /data/x; touch /x; touch /scratch/x && echo ok"
            ) {
                $0.root?.readonly = true
                $0.mounts? += [
                    RuntimeSpec.Mount(destination: "/new/file", source: "\(bundle.folder)/file", options: ["bind"]),
                    RuntimeSpec.Mount(destination: "/data", source: bundle.folder, options: ["rbind", "ro"]),
                    RuntimeSpec.Mount(destination: "/scratch", type: "tmpfs", options: ["size=1m"]),
                ]
            }
            #expect(result.output == "bound\nbound\nok\n")
            #expect(
                result.error == "touch: /data/x: Read-only file system\ntouch: /x: Read-only file system\n")
        }
    }

    @Test func aMountUnderADanglingLinkStaysInside() throws {
        try Bundle.with { bundle in
            symlink("/run/lock", "\(bundle.root)/lock")
            symlink("../../../../../../deep", "\(bundle.root)/etc/up")
            let result = try bundle.shell("grep -cE ' /run/lock/a | /deep ' /proc/self/mounts") {
                $0.mounts? += [
                    RuntimeSpec.Mount(destination: "/lock/a", type: "tmpfs"),
                    RuntimeSpec.Mount(destination: "/etc/up", type: "tmpfs"),
                ]
            }
            #expect(result.output == "2\n")
            #expect(!fileExists("/deep") && !fileExists("/run/lock/a"))
        }
    }

    @Test func limitsAreSet() throws {
        try Bundle.with { bundle in
            let folder = (try CgroupMounts.current()).mounts.contains { $0.controllers.contains("memory") }
            let files =
                folder
                ? "memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us"
                : "memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max"
            let result = try bundle.shell("cat /sys/fs/cgroup/\(files); ulimit -n") {
                var resources = RuntimeSpec.Resources()
                var memory = RuntimeSpec.Memory()
                memory.limit = 64 << 20
                var cpu = RuntimeSpec.CPU()
                cpu.quota = 50_000
                resources.memory = memory
                resources.cpu = cpu
                resources.pids = RuntimeSpec.Pids(limit: 40)
                $0.linux?.resources = resources
                $0.process?.rlimits = [RuntimeSpec.Rlimit(type: "RLIMIT_NOFILE", soft: 256, hard: 512)]
            }
            #expect(result.output == "67108864\n40\n\(folder ? "50000" : "50000 100000")\n256\n")
        }
    }

    @Test func aContainerCanHaveUsersOfItsOwn() throws {
        try Bundle.with { bundle in
            chmod(bundle.folder, 0o711)
            for name in ["proc", "sys", "dev"] { try makeFolders("\(bundle.root)/\(name)") }
            let result = try bundle.shell("id -u; cat /proc/self/uid_map; echo x > /dev/null && echo ok") {
                $0.linux?.namespaces?.append(RuntimeSpec.Namespace(type: "user"))
                let mapping = RuntimeSpec.IDMapping(containerID: 0, hostID: 100_000, size: 65_536)
                $0.linux?.uidMappings = [mapping]
                $0.linux?.gidMappings = [mapping]
            }
            #expect(result.error == "")
            #expect(result.output == "0\n         0     100000      65536\nok\n")
        }
    }

    @Test func aCreatedContainerWaitsToBeStarted() throws {
        try Bundle.with { bundle in
            try bundle.write(["sh", "-c", "echo ran > /tmp/ran; sleep 1000"])
            #expect(try bundle.runtime("create", "c").status == 0)
            #expect(try bundle.runtime("state", "c").output.contains("\"status\": \"created\""))
            #expect(!fileExists("\(bundle.root)/tmp/ran"))
            #expect(try bundle.runtime("start", "c").status == 0)
            #expect(try bundle.runtime("start", "c").error.contains("is running, not created"))
            #expect(try bundle.runtime("exec", "c", "sh", "-c", "hostname; exit 3").status == 3)
            #expect(try bundle.runtime("exec", "c", "nosuch").status == 127)
            #expect(try bundle.runtime("pause", "c").status == 0)
            #expect(try bundle.runtime("state", "c").output.contains("\"status\": \"paused\""))
            #expect(try bundle.runtime("resume", "c").status == 0)
            #expect(try bundle.runtime("delete", "c").error.contains("is running, not stopped"))
            #expect(try bundle.runtime("kill", "c", "KILL").status == 0)
            #expect(try bundle.runtime("delete", "-f", "c").status == 0)
            #expect(try bundle.runtime("state", "c").error == "berth-runtime: container \"c\" does not exist\n")
            #expect(try folderEntries("\(bundle.folder)/state") == [".filters"])
        }
    }

    @Test func hooksRunAtTheirTimesAndAFailedOneStopsTheContainer() throws {
        try Bundle.with { bundle in
            let hook = { (name: String) in
                RuntimeSpec.Hook(
                    path: "/bin/sh", args: ["sh", "-c", "cat > \(bundle.folder)/\(name); ls \(bundle.folder)"])
            }
            let result = try bundle.shell("true") {
                var hooks = RuntimeSpec.Hooks()
                hooks.prestart = [hook("prestart")]
                hooks.createRuntime = [hook("createRuntime")]
                hooks.createContainer = [hook("createContainer")]
                hooks.poststart = [hook("poststart")]
                hooks.poststop = [hook("poststop")]
                $0.hooks = hooks
            }
            #expect(result.status == 0)
            for (name, status) in [
                ("prestart", "creating"), ("createRuntime", "creating"), ("createContainer", "creating"),
                ("poststart", "running"), ("poststop", "stopped"),
            ] {
                #expect(try readText("\(bundle.folder)/\(name)").contains("\"status\":\"\(status)\""))
            }
            let failed = try bundle.shell("true") {
                var hooks = RuntimeSpec.Hooks()
                hooks.createRuntime = [RuntimeSpec.Hook(path: "/bin/sh", args: ["sh", "-c", "exit 9"])]
                $0.hooks = hooks
            }
            #expect(failed.status == 1)
            #expect(failed.error == "berth-runtime: createRuntime hook /bin/sh: exit status 9\n")
        }
    }
}
