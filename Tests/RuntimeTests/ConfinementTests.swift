import Glibc
import Linux
import OCI
import Runtime
import Testing

/// Text of a spec that becomes a path, folders of the host, and rights: what must not reach further than it says.
@Suite(.enabled(if: canRunContainers), .serialized) struct ConfinementTests {
    @Test(arguments: [
        "net/../kernel/printk_ratelimit_burst", "net/./../kernel/printk_ratelimit_burst",
        "net.//.kernel.printk_ratelimit_burst", "net//ipv4/ip_forward", "net..ipv4.ip_forward", "net/ipv4/..", "net/",
        "net.", "/net/ipv4/ip_forward", "net/ipv4/../../kernel/printk_ratelimit_burst", "fs/mqueue/../file-max",
        "fs.mqueue.//.file-max", "kernel//msgmax", "net/ipv4/ip_forward\u{0}", "net/..\u{0}/x", "",
    ])
    func aKernelParameterIsNamedAndNotLedTo(key: String) throws {
        let path = "/proc/sys/kernel/printk_ratelimit_burst"
        let before = try readText(path)
        try Bundle.with { bundle in
            let result = try bundle.run(["true"]) { $0.linux?.sysctl = [key: "77"] }
            #expect(result.status == 1)
            #expect(result.error.contains("is not the name of a kernel parameter"))
        }
        #expect(try readText(path) == before)
    }

    @Test(arguments: [
        "/a/../../../b", "/..", "/.", "/a/./b", "/x/..\u{301}/../../../y/../../..", "/a\u{0}b",
        "/a/../\u{301}b",
    ])
    func aCgroupIsNamedAndNotLedTo(path: String) throws {
        try Bundle.with { bundle in
            let result = try bundle.run(["true"]) { $0.linux?.cgroupsPath = path }
            #expect(result.status == 1)
            #expect(result.error.contains("is not a path below the cgroup root"))
        }
    }

    @Test func aTextThatANulByteCutsIsRefused() throws {
        try Bundle.with { bundle in
            let result = try bundle.run(["true"]) {
                $0.mounts?.append(.init(destination: "/run/a\u{0}/b", type: "tmpfs"))
            }
            #expect(result.error == "berth-runtime: there is a NUL byte after \"/run/a\"\n" && result.status == 1)
        }
    }

    struct Cover: Sendable, CustomStringConvertible {
        let description: String
        let link: String
        let destination: String
        var isBind = false
    }

    @Test(arguments: [
        Cover(description: "a volume on a link to /proc", link: "data", destination: "/data"),
        Cover(description: "a bind on a link to /proc", link: "data", destination: "/data", isBind: true),
        Cover(description: "a volume on a path that leads to it", link: "", destination: "/etc/../proc"),
        Cover(description: "a bind on a path that leads to it", link: "", destination: "/./proc", isBind: true),
        Cover(description: "a volume on another name for it", link: "", destination: "//proc/../proc/"),
        Cover(description: "/dev as a link to /proc", link: "dev", destination: ""),
    ])
    func nothingCoversProc(the: Cover) throws {
        try Bundle.with { bundle in
            if !the.link.isEmpty { symlink("/proc", "\(bundle.root)/\(the.link)") }
            let result = try bundle.run(["true"]) { spec in
                guard !the.destination.isEmpty else { return }
                let options = the.isBind ? ["rbind"] : []
                spec.mounts?.append(
                    .init(
                        destination: the.destination, type: the.isBind ? "bind" : "tmpfs", source: bundle.folder,
                        options: options))
            }
            #expect(result.status == 1)
            #expect(result.error.contains("it leads to /proc, which nothing may cover"))
        }
    }

    private func entries(of folder: String) throws -> [String] {
        try folderEntries(folder).sorted().map { name in
            var status = stat()
            lstat("\(folder)/\(name)", &status)
            return "\(name) \(status.st_mode) \(status.st_uid):\(status.st_gid) \(status.st_rdev)"
        }
    }

    @Test(arguments: ["rw", "ro"])
    func aFolderOfTheHostOnDevStaysAsItIs(mode: String) throws {
        try Bundle.with { bundle in
            let folder = "\(bundle.folder)/devices"
            try makeFolders(folder)
            mknod("\(folder)/null", S_IFCHR | 0o600, 0x103)
            chown("\(folder)/null", 1234, 4321)
            try writeFileAtomically("\(folder)/zero", "not a device".utf8)
            let before = try entries(of: folder)
            let result = try bundle.shell("echo x > /dev/null && cat /dev/zero") { spec in
                spec.mounts?.removeAll { $0.destination.hasPrefix("/dev") }
                spec.mounts?.append(.init(destination: "/dev", source: folder, options: ["rbind", mode]))
                spec.linux?.devices = [.init(type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o666)]
            }
            #expect(result.output == "not a device" && result.error == "")
            #expect(try entries(of: folder) == before)
        }
    }

    @Test(arguments: ["rw", "ro"])
    func theHostsDevicesAreLeftAlone(mode: String) throws {
        try Bundle.with { bundle in
            let before = try entries(of: "/dev")
            let result = try bundle.shell("echo x > /dev/null && echo ok") { spec in
                spec.mounts?.removeAll { $0.destination.hasPrefix("/dev") }
                spec.mounts?.append(.init(destination: "/dev", source: "/dev", options: ["rbind", mode]))
            }
            #expect(result.output == "ok\n" && result.error == "")
            #expect(try entries(of: "/dev") == before)
        }
    }

    @Test(arguments: ["/dev/mine", "/dev/sub/mine", "/data/mine", "/through/mine"])
    func aDeviceIsNotMadeInAFolderOfTheHost(path: String) throws {
        try Bundle.with { bundle in
            let folder = "\(bundle.folder)/host"
            try makeFolders(folder)
            symlink("/data", "\(bundle.root)/through")
            let result = try bundle.run(["true"]) { spec in
                spec.mounts?.removeAll { $0.destination.hasPrefix("/dev") }
                for place in ["/dev", "/data"] {
                    spec.mounts?.append(.init(destination: place, source: folder, options: ["rbind"]))
                }
                spec.linux?.devices = [.init(type: "c", path: path, major: 1, minor: 3)]
            }
            #expect(result.status == 1)
            #expect(result.error.contains("make device \(path)"))
            #expect(result.error.contains("it would be made in a folder of the host"))
            #expect(try folderEntries(folder) == [])
        }
    }

    @Test func aDeviceInAFileSystemOfTheContainersOwnIsMade() throws {
        try Bundle.with { bundle in
            let result = try bundle.shell("echo x > /dev/sub/null && echo x > /scratch/null && ls /dev/fd/0") { spec in
                spec.mounts?.append(.init(destination: "/scratch", type: "tmpfs", options: ["mode=755"]))
                spec.linux?.devices = ["/dev/sub/null", "/scratch/null"].map {
                    .init(type: "c", path: $0, major: 1, minor: 3)
                }
            }
            #expect(result.output == "/dev/fd/0\n" && result.error == "")
        }
    }

    @Test func aStartContainerHookIsTheProcesssEqual() throws {
        try Bundle.with { bundle in
            chmod("\(bundle.root)/tmp", 0o777)
            let script = """
                id -u; grep -E 'CapPrm|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; cat /proc/self/cgroup; env
                cat; echo; ls /proc/self/root/bin/busybox; readlink /proc/self/ns/pid
                """
            let result = try bundle.shell("readlink /proc/self/ns/pid > /tmp/own; cat /proc/self/cgroup > /tmp/cgroup")
            {
                $0.process?.user = RuntimeSpec.User(uid: 1000, gid: 1000)
                $0.process?.capabilities = DefaultProfile.capabilitySets(["CAP_CHOWN"], uid: 1000)
                $0.process?.noNewPrivileges = true
                var hooks = RuntimeSpec.Hooks()
                hooks.startContainer = [
                    RuntimeSpec.Hook(
                        path: "/bin/busybox", args: ["sh", "-c", "{ \(script)\n} > /tmp/hook"], env: ["PATH=/bin"])
                ]
                $0.hooks = hooks
            }
            #expect(result.status == 0 && result.error == "")
            let told = try readText("\(bundle.root)/tmp/hook")
            #expect(
                told.hasPrefix(
                    "1000\nCapPrm:\t0000000000000000\nCapBnd:\t0000000000000001\nNoNewPrivs:\t1\nSeccomp:\t2\n"))
            #expect(told.contains(try readText("\(bundle.root)/tmp/cgroup")))
            #expect(told.contains("\"status\":\"created\""))
            #expect(!told.contains("HOME="))
            #expect(told.hasSuffix("/proc/self/root/bin/busybox\n\(try readText("\(bundle.root)/tmp/own"))"))
        }
    }

    @Test(arguments: ["exit 3", "exec /nosuch"])
    func aStartContainerHookThatFailsStopsTheStart(script: String) throws {
        try Bundle.with { bundle in
            let result = try bundle.shell("touch /tmp/ran") {
                var hooks = RuntimeSpec.Hooks()
                hooks.startContainer = [RuntimeSpec.Hook(path: "/bin/sh", args: ["sh", "-c", script])]
                $0.hooks = hooks
            }
            #expect(result.status == 1 && result.error.contains("startContainer hook /bin/sh: exit status"))
            #expect(!fileExists("\(bundle.root)/tmp/ran"))
        }
    }

    @Test func aStartContainerHookOutsideOfTheImageIsNotFound() throws {
        try Bundle.with { bundle in
            let result = try bundle.run(["true"]) {
                var hooks = RuntimeSpec.Hooks()
                hooks.startContainer = [RuntimeSpec.Hook(path: "/usr/bin/env")]
                $0.hooks = hooks
            }
            #expect(result.error.contains("startContainer hook /usr/bin/env: exec \"/usr/bin/env\": no such file"))
        }
    }

    /// What the runtime says with `mounts` done before in a mount namespace of its own.
    private func run(
        after mounts: String, _ bundle: Bundle, _ change: (inout RuntimeSpec) throws -> Void = { _ in }
    ) throws -> Finished {
        // A device without a driver: EPERM when it is denied, ENXIO when it is not.
        try bundle.write(["sh", "-c", "mknod /tmp/d c 240 77 && cat /tmp/d"], change)
        let runtime = "\(buildFolder)/berth-runtime --root \(bundle.folder)/state run c"
        return try RuntimeTests.run(
            "/usr/bin/unshare", ["--mount", "sh", "-c", "\(mounts)\nexec \(runtime)"], folder: bundle.folder)
    }

    private static let legacyDevices = ((try? CgroupMounts.current()) ?? CgroupMounts(mounts: [])).mounts.first {
        $0.controllers.contains("devices")
    }?.mountpoint
    private static let unified = ((try? CgroupMounts.current()) ?? CgroupMounts(mounts: [])).mounts.first {
        $0.isUnified
    }?.mountpoint

    @Test(
        .enabled(if: legacyDevices != nil && unified != nil),
        arguments: ["mount -o remount,bind,ro \(legacyDevices ?? "")", "umount -l \(legacyDevices ?? "")"])
    func withoutADevicesHierarchyTheUnifiedOneKeepsDevicesAway(mounts: String) throws {
        try Bundle.with { bundle in
            let result = try run(after: mounts, bundle)
            #expect(result.error.contains("cat: can't open '/tmp/d': Operation not permitted"))
        }
    }

    @Test(.enabled(if: legacyDevices != nil))
    func withoutAnyHierarchyForDevicesOnlyWhatMayUseThemAllRuns() throws {
        let mounts = "umount -l \(Self.legacyDevices ?? "")" + (Self.unified.map { "; umount -l \($0)" } ?? "")
        try Bundle.with { bundle in
            let result = try run(after: mounts, bundle)
            #expect(result.status == 1)
            #expect(result.error.contains("this host has no cgroup that could keep the container from its devices"))
            #expect(!fileExists("\(bundle.root)/tmp/d"))
            let open = try run(after: mounts, bundle) { $0.linux?.resources?.devices = DefaultProfile.allDeviceRules }
            #expect(open.error.contains("cat: can't open '/tmp/d': No such device or address"))
        }
    }
}
