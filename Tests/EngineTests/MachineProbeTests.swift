import Engine
import Glibc
import Linux
import Reconcile
import Testing

/// Calls `body` with a probe of a machine whose /proc and /sys are `files`.
private func withMachine<Answer>(
    _ name: String, _ files: [String: String], _ body: (MachineProbe) -> Answer
) throws -> Answer {
    let root = "/tmp/berth-probe-\(getpid())-\(name)"
    try removeTree(root)
    defer { try? removeTree(root) }
    for (path, text) in files {
        let whole = "\(root)\(path)"
        try makeFolders(String(whole[..<(whole.lastIndex(of: "/") ?? whole.endIndex)]), mode: 0o755)
        try writeFileAtomically(whole, Array(text.utf8))
    }
    return body(MachineProbe(root: root))
}

@Suite struct MachineProbeTests {
    private static let legacy = [
        "/proc/self/mountinfo": """
        31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        34 31 0:31 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio
        35 31 0:32 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset

        """,
        "/sys/fs/cgroup/cpu,cpuacct/cpu.shares": "1024\n", "/sys/fs/cgroup/memory/memory.swappiness": "60\n",
        "/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\n",
        "/sys/fs/cgroup/blkio/one/blkio.reset_stats": "", "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-3\n",
        "/sys/fs/cgroup/cpuset/cpuset.effective_cpus": "0,2\n", "/sys/devices/system/cpu/online": "0-7\n",
        "/proc/sys/fs/nr_open": "1048576\n", "/proc/self/oom_score_adj": "-500\n",
    ]

    @Test("controllers of cgroup v1, and what they lack")
    func version1() throws {
        let limits = try withMachine("v1", Self.legacy) { $0.limits }
        #expect(limits.controllers == ["cpu", "cpuacct", "memory", "blkio", "cpuset"])
        #expect(limits.lacking == [.swap, .realtime, .blockWeights])
        #expect(limits.cpus?.description == "0,2")
        #expect(limits.openFiles == 1_048_576)
        #expect(limits.lowestScore == -500)
    }

    private static func unified(_ more: [String: String]) -> [String: String] {
        let files = [
            "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
            "/sys/fs/cgroup/cgroup.subtree_control": "memory pids\n", "/sys/fs/cgroup/cgroup.procs": "1\n2\n",
            "/sys/fs/cgroup/cpuset.cpus.effective": "0-1\n",
        ]
        return files.merging(more) { $1 }
    }

    @Test("the root of cgroup v2 hands every controller down")
    func version2() throws {
        let limits = try withMachine("v2", Self.unified([:])) { $0.limits }
        #expect(limits.controllers == ["cpuset", "cpu", "blkio", "memory", "pids"])
        #expect(limits.lacking == [.swappiness, .killDisabling, .realtime])
        #expect(limits.cpus?.description == "0-1")
    }

    @Test("below its root only what is handed down already, while processes stand in the way")
    func version2Below() throws {
        let busy = ["/sys/fs/cgroup/cgroup.events": "populated 1\n"]
        #expect(try withMachine("busy", Self.unified(busy)) { $0.limits }.controllers == ["memory", "pids"])
        let empty = ["/sys/fs/cgroup/cgroup.events": "populated 1\n", "/sys/fs/cgroup/cgroup.procs": ""]
        let free = try withMachine("free", Self.unified(empty)) { $0.limits }
        #expect(free.controllers == ["cpuset", "cpu", "blkio", "memory", "pids"])
    }

    @Test("swap and weights are known to be missing when a cgroup shows it")
    func version2Children() throws {
        let child = "/sys/fs/cgroup/system.slice"
        let files = ["\(child)/memory.max": "max\n", "\(child)/io.stat": "", "\(child)/io.weight": "1\n"]
        let limits = try withMachine("children", Self.unified(files)) { $0.limits }
        #expect(limits.lacking.contains(.swap) && !limits.lacking.contains(.blockWeights))
    }

    @Test("a machine without cgroups is not judged")
    func noCgroups() throws {
        #expect(try withMachine("bare", ["/proc/self/mountinfo": ""]) { $0.limits }.controllers == nil)
    }

    @Test("AppArmor with its profiles, without, and with a list that is not shown")
    func appArmor() throws {
        let on = ["/sys/module/apparmor/parameters/enabled": "Y\n"]
        let list = ["/sys/kernel/security/apparmor/profiles": "docker-default (enforce)\n/usr/bin/a b (complain)\n"]
        func appArmor(_ name: String, _ files: [String: String]) throws -> PreflightFacts.HostFeatures.AppArmor? {
            try withMachine(name, files) { $0.features(for: KernelWishes()) }.appArmor
        }
        #expect(try appArmor("aa", on.merging(list) { $1 }) == .enabled(["docker-default", "/usr/bin/a b"]))
        #expect(try appArmor("aa-hidden", on) == .enabled(nil))
        #expect(try appArmor("aa-off", [:]) == .absent)
    }

    @Test("parameters, file systems and modules")
    func names() throws {
        let files = [
            "/proc/sys/net/core/somaxconn": "1", "/proc/sys/net/ipv4/conf/default/rp_filter": "1",
            "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n", "/proc/filesystems": "nodev\ttmpfs\n\text4\n",
            "/lib/modules/6.1.0-18-amd64/modules.dep": "kernel/fs/smb/client/cifs.ko: kernel/lib/x.ko\n",
            "/lib/modules/6.1.0-18-amd64/modules.alias": "alias fs-nfs4 nfsv4\n",
        ]
        var wishes = KernelWishes()
        wishes.sysctls = ["net.core.somaxconn", "net.ipv4.conf.eth0.rp_filter", "net.core.nosuch"]
        wishes.fileSystems = ["tmpfs", "ext4", "cifs", "nfs4", "none", "zfs"]
        let asked = wishes
        let features = try withMachine("names", files) { $0.features(for: asked) }
        #expect(features.unknownSysctls == ["net.core.nosuch"])
        #expect(features.unknownFileSystems == ["zfs"])
        #expect(!features.hasIPv6)
    }

    @Test("programs of other processors run where an interpreter is registered for them")
    func platforms() throws {
        // An ELF header: 64 bits, little or big end first, an executable for machine 183 (arm64) or 22 (s390x).
        let arm = "7f454c460201010000000000000000000200b700"
        let s390 = "7f454c4602020100000000000000000000020016"
        let folder = "/proc/sys/fs/binfmt_misc"
        func entry(_ magic: String, _ state: String = "enabled") -> String {
            "\(state)\ninterpreter /usr/bin/qemu\nflags: F\noffset 0\nmagic \(magic)\n"
        }
        let files = [
            "\(folder)/status": "enabled\n", "\(folder)/register": "", "\(folder)/qemu-aarch64": entry(arm),
            "\(folder)/qemu-s390x": entry(s390), "\(folder)/python": "enabled\nextension .py\n",
            "\(folder)/off": entry("7f454c460201010000000000000000000200f300", "disabled"),
        ]
        var wishes = KernelWishes()
        wishes.platforms = ["linux/arm64", "linux/s390x", "linux/riscv64", "linux/ppc64le", "windows/amd64", "linux"]
        let asked = wishes
        let foreign = try withMachine("binfmt", files) { $0.features(for: asked) }.foreignPlatforms
        #expect(foreign == ["linux/riscv64", "linux/ppc64le", "windows/amd64"])
        let bare = try withMachine("no-binfmt", [:]) { $0.features(for: asked) }.foreignPlatforms
        #expect(bare.contains("linux/s390x") && !bare.contains("linux"))
    }
}
