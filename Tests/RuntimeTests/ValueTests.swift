import Linux
import OCI
import Runtime
import Testing

@Suite struct ValueTests {
    struct OptionCase: Sendable {
        let options: [String]
        let set: UInt64
        let clear: UInt64
        var data: [String] = []
    }

    @Test(arguments: [
        OptionCase(options: ["ro", "nosuid"], set: 0x3, clear: 0),
        OptionCase(options: ["ro", "rw"], set: 0, clear: 0x1),
        OptionCase(options: ["rw", "ro"], set: 0x1, clear: 0),
        OptionCase(options: ["noatime", "strictatime"], set: 0x20, clear: 0x70),
        OptionCase(options: ["relatime"], set: 0, clear: 0x70),
        OptionCase(options: ["size=64m", "mode=755", "defaults"], set: 0, clear: 0, data: ["size=64m", "mode=755"]),
        OptionCase(options: ["sync", "newinstance"], set: 0, clear: 0, data: ["sync", "newinstance"]),
    ])
    func mountOptionsGoWhereTheyAreMeant(the: OptionCase) {
        let options = MountOptions(the.options)
        #expect(options.set == the.set && options.clear == the.clear && options.data == the.data)
    }

    @Test func recursiveMountOptionsAreKeptApart() {
        let options = MountOptions(["rbind", "rro", "rslave", "rnoatime"])
        #expect(options.isBind && options.isRecursiveBind && options.set == 0)
        #expect(options.recursiveSet == 0x11 && options.recursiveClear == 0x70)
        #expect(options.propagation == MountOptions.Propagation.slave && options.isPropagationRecursive)
    }

    @Test func capabilitiesHaveTheKernelsNumbers() {
        #expect(
            CapabilitySet(["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE", "CAP_NEW"]).bits == 1 | 1 << 21 | 1
                << 40)
        #expect(CapabilitySet(DefaultProfile.capabilities).bits == 0xA804_25FB)
    }

    @Test(arguments: [(2, 1), (1024, 100), (262_144, 10_000), (0, 1), (512, 59), (2048, 174)])
    func sharesBecomeWeights(shares: UInt64, weight: UInt64) {
        #expect(Cgroup.weight(shares: shares) == weight)
    }

    @Test func hierarchiesAreFoundInMountinfo() {
        let mounts = CgroupMounts(
            mountinfo: """
                30 20 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
                31 20 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
                32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
                33 20 0:26 / /elsewhere rw - cgroup cgroup rw,cpu,cpuacct
                34 20 0:29 / /data rw - ext4 /dev/vda rw
                """)
        #expect(mounts.mounts.map(\.name) == ["cpu,cpuacct", "systemd", "unified"])
        #expect(mounts.mounts.map(\.controllers) == [["cpu", "cpuacct"], [], []])
        #expect(mounts.mounts.map(\.isUnified) == [false, false, true])
    }

    @Test(arguments: ["", "/", "/a/../../b", "../x", "/./x"])
    func aCgroupPathThatLeadsOutOfTheTreeIsRefused(path: String) {
        #expect(throws: RuntimeFailure.self) { try Cgroup.make(path, mounts: CgroupMounts(mounts: [])) }
    }

    @Test func systemdsFormOfACgroupPathIsUnderstood() {
        #expect(ContainerRuntime.cgroupPath("user.slice:berth:abc") == "/user.slice/berth-abc.scope")
        #expect(ContainerRuntime.cgroupPath("/berth/abc") == "/berth/abc")
    }

    @Test(arguments: ["../x", ".", "..", "a/b", "", ".hidden", "a b", "ä"])
    func anIdThatCouldLeadElsewhereIsRefused(id: String) {
        #expect(throws: RuntimeFailure.self) { try ContainerStore(root: "/nonexistent").folder(id) }
    }

    @Test func commandsAreSearchedAsAShellDoes() {
        #expect(CommandSearch.candidates(for: "a/b", path: "/x") == ["a/b"])
        #expect(CommandSearch.candidates(for: "a", path: "/x::/y") == ["/x/a", "./a", "/y/a"])
        #expect(CommandSearch.candidates(for: "a", path: nil).contains("/bin/a"))
        #expect(CommandSearch.lastValue(of: "PATH", in: ["PATH=/a", "PATHS=/b", "PATH=/c"]) == "/c")
    }

    @Test func cpuListsBecomeBits() throws {
        #expect(try CPUList.bits("0-3,65") == [0xF, 0x2])
        for bad in ["x", "3-1", "1-", "0-99999"] {
            #expect(throws: RuntimeFailure.self) { try CPUList.bits(bad) }
        }
    }

    @Test func kernelParametersNeedANamespaceThatKeepsThemApart() throws {
        let isolated = try NamespacePlan(DefaultProfile.namespaces())
        let shared = try NamespacePlan([RuntimeSpec.Namespace(type: "mount")])
        for key in ["net.ipv4.ip_forward", "net/ipv4/conf/eth0.100/forwarding", "kernel.shmmax", "fs.mqueue.msg_max"] {
            try Sysctl.check(key, isolated)
            #expect(throws: RuntimeFailure.self) { try Sysctl.check(key, shared) }
        }
        for key in ["kernel.core_pattern", "vm.swappiness", "fs.file-max", "kernel.panic"] {
            #expect(throws: RuntimeFailure.self) { try Sysctl.check(key, isolated) }
        }
        #expect(Sysctl.path("net.ipv4.conf.eth0/100.forwarding") == "net/ipv4/conf/eth0.100/forwarding")
    }

    @Test func aNamespaceListedTwiceIsRefused() {
        for types in [["mount", "pid", "pid"], ["mount", "nosuch"], ["pid"]] {
            #expect(throws: RuntimeFailure.self) { try NamespacePlan(types.map { RuntimeSpec.Namespace(type: $0) }) }
        }
    }
}
