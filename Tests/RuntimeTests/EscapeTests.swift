import Glibc
import Linux
import OCI
import Runtime
import Testing

/// Ways out of a container that others have had, each shown to be shut.
@Suite(.enabled(if: canRunContainers), .serialized) struct EscapeTests {
    @Test func aProcessHasNoDescriptorsButItsThree() throws {
        try Bundle.with { bundle in
            let script =
                "for n in 3 4 5 6 7 8 9 10 11 12 20 30 40 50 60 80 100; do [ -e /proc/$$/fd/$n ] && echo $n; done; true"
            let result = try bundle.shell(script)
            #expect(result.output == "" && result.status == 0)
        }
    }

    @Test(arguments: 3...40)
    func noDescriptorOfTheRuntimeCanBeTheWorkingDirectory(number: Int) throws {
        try Bundle.with { bundle in
            let result = try bundle.run(["true"]) { $0.process?.cwd = "/proc/self/fd/\(number)" }
            #expect(result.status != 0)
        }
    }

    @Test func theRuntimesOwnProgramCannotBeWrittenTo() throws {
        try Bundle.with { bundle in
            // A copy, which nobody else runs: a program that runs cannot be written to by anybody anyway.
            let program = "\(bundle.folder)/runtime"
            try writeFileAtomically(program, try readFile("\(buildFolder)/berth-runtime"), mode: 0o755)
            try bundle.write(["sleep", "1000"])
            let global = ["--root", "\(bundle.folder)/state"]
            #expect(try run(program, global + ["create", "c"], folder: bundle.folder).status == 0)
            let record = try ContainerStore(root: "\(bundle.folder)/state").load("c")
            // At its gate it still is the runtime. Whoever holds its file open tries to write once nobody runs it.
            let held = try openFile("/proc/\(record.pid)/exe", O_RDONLY)
            #expect(try bundle.runtime("delete", "-f", "c").status == 0)
            let descriptor = open("/proc/self/fd/\(held.raw)", O_WRONLY)
            let code = Errno.current
            #expect(descriptor < 0 && code == .readOnly)
            if descriptor >= 0 { close(descriptor) }
        }
    }

    @Test func anEntrypointThatIsTheRuntimeItselfRunsReadOnly() throws {
        try Bundle.with { bundle in
            let result = try bundle.run(["/proc/self/exe", "--version"])
            // Whatever it does, it did not run from a file that could be written to through /proc/PID/exe.
            #expect(result.output == "" || result.output.hasPrefix("berth-runtime version"))
        }
    }

    struct Attempt: Sendable, CustomStringConvertible {
        let description: String
        let script: String
    }

    @Test(arguments: [
        Attempt(description: "a new namespace", script: "unshare -m true"),
        Attempt(description: "a user namespace", script: "unshare -U true"),
        Attempt(description: "a mount", script: "mount -t tmpfs x /tmp"),
        Attempt(
            description: "a disk",
            script: "mknod /tmp/d b 8 0 && head -c1 /tmp/d || (mknod /tmp/e b 254 0; head -c1 /tmp/e)"),
        Attempt(description: "kernel memory", script: "mknod /tmp/m c 1 1; head -c1 /tmp/m"),
        Attempt(description: "sysrq", script: "echo h > /proc/sysrq-trigger"),
        Attempt(description: "core_pattern", script: "echo x > /proc/sys/kernel/core_pattern"),
        Attempt(description: "modprobe", script: "echo x > /proc/sys/kernel/modprobe"),
        Attempt(description: "release_agent", script: "echo x > /sys/fs/cgroup/memory/release_agent"),
        Attempt(
            description: "cgroup.procs", script: "echo 1 > $(busybox find /sys/fs/cgroup -name cgroup.procs | head -1)"),
        Attempt(description: "the host's name", script: "hostname other"),
        Attempt(description: "kcore", script: "head -c1 /proc/kcore | grep -q ."),
        Attempt(description: "firmware", script: "ls /sys/firmware | grep -q ."),
        Attempt(description: "a kernel object", script: "echo x > /sys/kernel/uevent_helper"),
        Attempt(description: "interrupts", script: "echo 1 > /proc/irq/default_smp_affinity"),
    ])
    func fromInsideItFails(the: Attempt) throws {
        try Bundle.with { bundle in
            let result = try bundle.shell("if (\(the.script)) 2>/dev/null; then echo out; else echo shut; fi")
            #expect(result.output == "shut\n")
        }
    }

    @Test func linksInTheImageDoNotLeadMountsOutside() throws {
        try Bundle.with { bundle in
            // /dev, and a volume's place, lead to a folder of the host that must stay empty.
            let host = "\(bundle.folder)/host"
            try makeFolders(host)
            symlink(host, "\(bundle.root)/dev")
            symlink(host, "\(bundle.root)/volume")
            let result = try bundle.shell("true") {
                $0.mounts?.append(.init(destination: "/volume/x", type: "tmpfs"))
            }
            #expect(result.status == 0)
            #expect(try folderEntries(host) == [])
            #expect(fileExists("\(bundle.root)\(host)"))
        }
    }

    @Test(arguments: ["proc", "sys"])
    func kernelFileSystemsAreNotMountedThroughLinks(name: String) throws {
        try Bundle.with { bundle in
            try makeFolders("\(bundle.root)/elsewhere")
            symlink("/elsewhere", "\(bundle.root)/\(name)")
            let result = try bundle.run(["true"])
            #expect(result.status == 1)
            #expect(result.error.contains("mount /\(name): make the mount point: Too many levels of symbolic links"))
        }
    }

    @Test func aConsoleThatIsALinkIsRefused() throws {
        try Bundle.with { bundle in
            try makeFolders("\(bundle.root)/dev")
            symlink("/proc/sys/kernel/core_pattern", "\(bundle.root)/dev/console")
            let result = try bundle.run(["true"]) { spec in
                spec.process?.terminal = true
                spec.mounts?.removeAll { $0.destination == "/dev" }
            }
            #expect(result.error.contains("mount /dev/console: Too many levels of symbolic links"))
        }
    }

    @Test func aDeviceOfTheImageIsNotTakenForTheNullDevice() throws {
        try Bundle.with { bundle in
            try makeFolders("\(bundle.root)/dev")
            try writeFileAtomically("\(bundle.root)/dev/null", "secret".utf8)
            let script = "[ -c /dev/null ] && cat /dev/null; cat /etc/masked"
            let result = try bundle.shell(script) { spec in
                spec.mounts?.removeAll { $0.destination == "/dev" }
                spec.linux?.maskedPaths?.append("/etc/masked")
            }
            #expect(result.output == "")
        }
    }

    @Test(arguments: ["fifo", "huge", "link"])
    func aStrangePasswdNeitherHangsNorLeaks(kind: String) throws {
        try Bundle.with { bundle in
            let path = "\(bundle.root)/etc/passwd"
            unlink(path)
            switch kind {
            case "fifo": mkfifo(path, 0o644)
            case "huge": try openFile(path, O_RDWR | O_CREAT).write([])
            default: symlink("/etc/passwd", path)
            }
            if kind == "huge" { truncate(path, 10 << 30) }
            let result = try bundle.shell("echo $HOME")
            #expect(result.output == "/\n")
        }
    }

    @Test func anExecGivesNoInheritableCapabilities() throws {
        try Bundle.with { bundle in
            try bundle.write(["sleep", "1000"])
            #expect(try bundle.runtime("run", "-d", "c").status == 0)
            let result = try bundle.runtime(
                "exec", "--cap", "CAP_NET_ADMIN", "c", "grep", "-E", "CapInh|CapEff", "/proc/self/status")
            #expect(result.output == "CapInh:\t0000000000000000\nCapEff:\t00000000a80435fb\n")
            #expect(try bundle.runtime("exec", "--cwd", "/proc/self/fd/7", "c", "true").status != 0)
            #expect(try bundle.runtime("delete", "-f", "c").status == 0)
        }
    }

    @Test func theHostsMountsAreTheSameAfterwards() throws {
        try Bundle.with { bundle in
            // Other tests mount things meanwhile: only what has to do with this container counts.
            func mounts() throws -> [Substring] {
                try readText("/proc/self/mountinfo").split(separator: "\n").filter { $0.contains(bundle.folder) }
            }
            let before = try mounts()
            #expect(try bundle.shell("true").status == 0)
            #expect(try mounts() == before)
        }
    }

    @Test func aProcessIsNotMistakenForALaterOneOfItsNumber() throws {
        try Bundle.with { bundle in
            try bundle.write(["true"])
            let store = ContainerStore(root: "\(bundle.folder)/state")
            _ = try store.make("c")
            let ticks = try ProcessStatus.startTicks(of: getpid())
            // A record whose pid now is this test's, which began at another time.
            try store.save(
                ContainerRecord(
                    id: "c", bundle: bundle.folder, pid: getpid(), startTicks: ticks - 1, bootID: try currentBootID(),
                    cgroups: [], created: "", spec: RuntimeSpec()))
            #expect(try bundle.runtime("kill", "c", "KILL").error.contains("is not running"))
            #expect(try bundle.runtime("delete", "-f", "c").status == 0)
        }
    }

    @Test(arguments: ["", "{", "[]", "{\"ociVersion\":\"2.0.0\"}", "{\"ociVersion\":\"1.0.0\"}"])
    func aDamagedSpecIsAnError(text: String) throws {
        try Bundle.with { bundle in
            try writeFileAtomically("\(bundle.folder)/config.json", text.utf8)
            let result = try bundle.runtime("run", "c")
            #expect(result.status == 1 && result.error.hasPrefix("berth-runtime: "))
        }
    }
}
