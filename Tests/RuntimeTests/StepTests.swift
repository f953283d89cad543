import OCI
import Testing

@testable import Runtime

/// The steps between clone and exec as text: no rights are needed, and nothing is made.
@Suite struct StepTests {
    /// The least that runs.
    private static var base: ContainerRequest {
        var process = RuntimeSpec.Process(args: ["true"], env: ["PATH=/usr/bin:/bin", "HOME=/"])
        process.cwd = "/"
        var linux = RuntimeSpec.Linux()
        linux.namespaces = [.init(type: "mount"), .init(type: "pid")]
        var spec = RuntimeSpec()
        spec.process = process
        spec.root = RuntimeSpec.Root(path: "rootfs")
        spec.mounts = []
        spec.linux = linux
        return ContainerRequest(
            id: "c", spec: spec, bundle: "/bundle", rootfs: .directory,
            stdio: .descriptors(input: 0, output: 1, error: 2))
    }

    private static let whole = """
        reset what was inherited
        begin a session
        detach from the host's mounts <-2 <1 c=0x80000
        open /dev/null >1
        open the root file system /bundle/rootfs >0 "/bundle/rootfs" a=0x1 b=0x1
        open /bundle/rootfs >2 "/bundle/rootfs" a=0x200000
        mount the root file system /bundle/rootfs <0 <2
        close /bundle/rootfs <2
        make the root file system private <0 <1 c=0x40000
        make device /dev/null <0 "/dev/null" a=0x21b6 b=0x103
        make device /dev/zero <0 "/dev/zero" a=0x21b6 b=0x105
        make device /dev/full <0 "/dev/full" a=0x21b6 b=0x107
        make device /dev/random <0 "/dev/random" a=0x21b6 b=0x108
        make device /dev/urandom <0 "/dev/urandom" a=0x21b6 b=0x109
        make device /dev/tty <0 "/dev/tty" a=0x21b6 b=0x500
        link /dev/fd <0 "/proc/self/fd" "/dev/fd"
        link /dev/stdin <0 "/proc/self/fd/0" "/dev/stdin"
        link /dev/stdout <0 "/proc/self/fd/1" "/dev/stdout"
        link /dev/stderr <0 "/proc/self/fd/2" "/dev/stderr"
        link /dev/core <0 "/proc/kcore" "/dev/core"
        change the root <0
        join a session keyring "_berth.c"
        set descriptor 0 <4
        set descriptor 1 <5 a=0x1
        set descriptor 2 <6 a=0x2
        close descriptors
        change to the folder / "/" a=0x1
        set the groups []
        become user 0:0
        set the umask a=0x12
        report a=0x3
        wait to be released
        exec true
        """

    @Test("the least container is these steps, in this order")
    func least() throws {
        #expect(try Launcher.steps(Self.base, cgroup: Cgroup()).joined(separator: "\n") == Self.whole)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Steps that the change brings, without their registers, in their order.
        var adds: [String] = []
        /// Steps that it takes away.
        var drops: [String] = []
        let change: @Sendable (inout ContainerRequest) -> Void

        init(
            _ what: String, adds: [String] = [], drops: [String] = [],
            _ change: @escaping @Sendable (inout ContainerRequest) -> Void
        ) {
            testDescription = what
            self.adds = adds
            self.drops = drops
            self.change = change
        }
    }

    private static let rows = [
        Row("a host name", adds: ["set the host name \"box\" \"box\""]) {
            $0.spec.linux?.namespaces?.append(.init(type: "uts"))
            $0.spec.hostname = "box"
            $0.spec.domainname = ""
        },
        Row("a domain name", adds: ["set the domain name \"lan\" \"lan\""]) {
            $0.spec.linux?.namespaces?.append(.init(type: "uts"))
            $0.spec.domainname = "lan"
        },
        Row("a cgroup namespace", adds: ["make a cgroup namespace a=0x2000000"]) {
            $0.spec.linux?.namespaces?.append(.init(type: "cgroup"))
        },
        Row("a user namespace", adds: ["wait for the id mappings", "become root of the user namespace"]) {
            $0.spec.linux?.namespaces?.append(.init(type: "user"))
        },
        Row(
            "a sysctl",
            adds: [
                "open a private proc \"proc\"", "mount a private proc", "close proc",
                "set sysctl net.core.somaxconn to \"9\" \"sys/net/core/somaxconn\" \"9\"", "close proc",
            ]
        ) {
            $0.spec.linux?.namespaces?.append(.init(type: "network"))
            $0.spec.linux?.sysctl = ["net.core.somaxconn": "9"]
        },
        Row("a masked path", adds: ["mask /proc/kcore \"/proc/kcore\""]) {
            $0.spec.linux?.maskedPaths = ["/proc/kcore"]
        },
        Row("a read-only path", adds: ["make /proc/sys read-only \"/proc/sys\""]) {
            $0.spec.linux?.readonlyPaths = ["/proc/sys"]
        },
        Row("a read-only root", adds: ["make the root read-only a=0x1"]) { $0.spec.root?.readonly = true },
        Row("a shared root", adds: ["set the propagation of the root file system c=0x100000"]) {
            $0.spec.linux?.rootfsPropagation = "shared"
        },
        Row(
            "a root that is the host's slave", adds: ["set the propagation of the root file system c=0x80000"],
            drops: ["make the root file system private c=0x40000"]
        ) { $0.spec.linux?.rootfsPropagation = "slave" },
        Row(
            "a tmpfs",
            adds: [
                "mount /tmp (tmpfs) \"tmpfs\"", "mount /tmp (tmpfs) \"source\" \"tmpfs\"",
                "mount /tmp (tmpfs) \"size\" \"1m\"", "mount /tmp (tmpfs) a=0x2", "mount /tmp (tmpfs)",
                "mount /tmp: make the mount point \"/tmp\"", "mount /tmp", "close /tmp",
            ]
        ) {
            $0.spec.mounts = [
                .init(destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m"])
            ]
        },
        Row(
            "a bind that only reads",
            adds: [
                "mount /data: bind source /srv \"/srv\" a=0x1", "mount /data: options a=0x1",
                "mount /data: propagation c=0x40000", "mount /data: make the mount point \"/data\" a=0x2",
                "mount /data", "close /data",
            ]
        ) { $0.spec.mounts = [.init(destination: "/data", type: "bind", source: "/srv", options: ["rbind", "ro"])] },
        Row(
            "a bind that passes mounts on is cloned before the host's tree is left",
            adds: [
                "mount /data: bind source /srv \"/srv\"", "mount /data: make the mount point \"/data\" a=0x2",
                "mount /data", "close /data",
            ]
        ) {
            $0.spec.mounts = [.init(destination: "/data", type: "bind", source: "/srv", options: ["bind", "shared"])]
        },
        Row("a device", adds: ["make device /dev/fuse \"/dev/fuse\" a=0x2180 b=0xae5 c=0x100000002"]) {
            var device = RuntimeSpec.Device(type: "c", path: "/dev/fuse", major: 10, minor: 229, fileMode: 0o600)
            (device.uid, device.gid) = (1, 2)
            $0.spec.linux?.devices = [device]
        },
        Row(
            "a device in the place of one that all have",
            adds: ["make device /dev/null \"/dev/null\" a=0x2180 b=0x103"],
            drops: ["make device /dev/null \"/dev/null\" a=0x21b6 b=0x103"]
        ) {
            $0.spec.linux?.devices = [.init(type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o600)]
        },
        Row(
            "a working folder", adds: ["change to the folder /srv \"/srv\" a=0x1"],
            drops: ["change to the folder / \"/\" a=0x1"]
        ) {
            $0.spec.process?.cwd = "/srv"
        },
        Row(
            "a user", adds: ["set the groups [5, 6] a=0x2", "become user 7:8 a=0x7 b=0x8"],
            drops: ["set the groups []", "become user 0:0"]
        ) {
            $0.spec.process?.user = .init(uid: 7, gid: 8, additionalGids: [5, 6])
        },
        Row("a umask", adds: ["set the umask a=0x3f"], drops: ["set the umask a=0x12"]) {
            $0.spec.process?.user.umask = 0o077
        },
        Row("no home", adds: ["find the home folder a=0x400"]) { $0.spec.process?.env = ["PATH=/bin"] },
        Row("a home of its own is taken as it is") { $0.spec.process?.env = ["HOME=/a", "HOME=/b"] },
        Row("a limit", adds: ["set RLIMIT_NOFILE to 10:20 a=0x7 b=0xa c=0x14"]) {
            $0.spec.process?.rlimits = [.init(type: "RLIMIT_NOFILE", soft: 10, hard: 20)]
        },
        Row("the memory killer's score", adds: ["set oom_score_adj to 500 \"/proc/self/oom_score_adj\" \"500\" a=0xd"])
        {
            $0.spec.process?.oomScoreAdj = 500
        },
        Row("no new privileges", adds: ["set no_new_privs"]) { $0.spec.process?.noNewPrivileges = true },
        Row(
            "descriptors that are kept", adds: ["close descriptors a=0x2", "keep 2 descriptors from 3 on a=0x2"],
            drops: ["close descriptors"]
        ) {
            $0.keptDescriptors = 2
        },
        Row("a gate", adds: ["wait to be started"]) { $0.gate = 9 },
        Row("the caller's keyring", drops: ["join a session keyring \"_berth.c\""]) { $0.hasOwnKeyring = false },
        Row("hooks", adds: ["report a=0x1", "wait for the hooks"]) {
            $0.spec.hooks = .init()
            $0.spec.hooks?.createRuntime = [.init(path: "/bin/true")]
        },
        Row(
            "a terminal",
            adds: [
                "open a terminal in /dev/pts a=0x180050", "report a=0x2", "close the terminal",
                "mount /dev/console", "take the terminal",
            ]
        ) { $0.stdio = .terminal(rows: 24, columns: 80) },
    ]

    @Test("what a spec says is a step, and nothing else is", arguments: rows)
    func changes(row: Row) throws {
        var request = Self.base
        row.change(&request)
        let before = Self.bare(Self.whole.split(separator: "\n").map(String.init))
        let after = Self.bare(try Launcher.steps(request, cgroup: Cgroup()))
        let difference = after.difference(from: before)
        let added = difference.insertions.map { if case .insert(_, let line, _) = $0 { line } else { "" } }
        let dropped = difference.removals.map { if case .remove(_, let line, _) = $0 { line } else { "" } }
        #expect(added == row.adds)
        #expect(dropped == row.drops)
    }

    @Test("whatever the spec says, the steps keep the order that safety asks for", arguments: rows)
    func order(row: Row) throws {
        for isLocked in [false, true] {
            var request = Self.base
            row.change(&request)
            request.spec.process?.noNewPrivileges = isLocked
            request.spec.process?.capabilities = DefaultProfile.capabilitySets(DefaultProfile.capabilities, uid: 0)
            request.spec.linux?.seccomp = DefaultProfile.seccomp(capabilities: DefaultProfile.capabilities)
            let steps = Self.bare(try Launcher.steps(request, cgroup: Cgroup()))
            func place(_ start: String) throws -> Int {
                try #require(steps.firstIndex { $0.hasPrefix(start) }, "\(start)")
            }
            // Nothing of the host is in reach once the root has changed, and no descriptor of ours when the folder is entered.
            let root = try place("change the root")
            for (index, step) in steps.enumerated() where step.hasPrefix("mount ") || step.hasPrefix("mask ") {
                #expect(index < root, "\(step)")
            }
            #expect(try place("close descriptors") < place("change to the folder"))
            // Capabilities go after the user has changed, and a filter that needs one is loaded while it is still there.
            #expect(try place("drop capabilities") < place("become user"))
            #expect(try place("become user") < place("set capabilities"))
            if isLocked {
                #expect(try place("set no_new_privs") < place("load the seccomp filter"))
                #expect(try place("load the seccomp filter") == steps.count - 2)
            } else {
                #expect(try place("load the seccomp filter") < place("become user"))
            }
            #expect(steps.last == "exec true")
        }
    }

    /// Without the registers: their numbers shift with each step before.
    private static func bare(_ lines: [String]) -> [String] {
        lines.map { line in
            line.split(separator: " ").filter { !($0.first == "<" || $0.first == ">") }.joined(separator: " ")
        }
    }

    @Test("a spec that cannot be carried out is refused before anything is made")
    func refused() {
        let cases: [(String, (inout ContainerRequest) -> Void)] = [
            ("there is no command to run", { $0.spec.process?.args = [] }),
            ("root.path is missing", { $0.spec.root?.path = "" }),
            ("a host name needs a uts namespace", { $0.spec.hostname = "x" }),
            ("the destination must be an absolute path", { $0.spec.mounts = [.init(destination: "x", type: "tmpfs")] }),
            (
                "the root itself cannot be mounted over",
                { $0.spec.mounts = [.init(destination: "/..//", type: "tmpfs")] }
            ),
            ("only proc can be mounted on /proc", { $0.spec.mounts = [.init(destination: "/proc", type: "tmpfs")] }),
            ("unknown resource limit", { $0.spec.process?.rlimits = [.init(type: "RLIMIT_X", soft: 1, hard: 1)] }),
            ("no such type", { $0.spec.linux?.devices = [.init(type: "x", path: "/dev/x")] }),
            ("is not a kind of propagation", { $0.spec.linux?.rootfsPropagation = "often" }),
            ("a container needs a mount namespace", { $0.spec.linux?.namespaces = [.init(type: "pid")] }),
            ("is listed twice", { $0.spec.linux?.namespaces?.append(.init(type: "pid")) }),
            ("NUL byte", { $0.spec.linux?.maskedPaths = ["/a\0b"] }),
        ]
        for (reason, change) in cases {
            var request = Self.base
            change(&request)
            do throws(RuntimeFailure) {
                _ = try Launcher.steps(request, cgroup: Cgroup())
                Issue.record("\(reason): it was taken")
            } catch {
                #expect(error.message.contains(reason), "\(error.message)")
            }
        }
    }
}
