import Glibc
import JSON
import Linux
import OCI
import Runtime
import Testing

/// What a container sees of a process that comes into it: the program that it is, from its first moment.
@Suite(.enabled(if: canRunContainers), .serialized) struct BirthTests {
    #if arch(x86_64)
        /// With CAP_SYS_PTRACE nothing but its absence hides a process: so it must not be there before it is harmless.
        @Test(.enabled(if: fileExists("/usr/bin/perl")))
        func aWatcherWithTheRightToTraceSeesNothingButThePrograms() throws {
            try Bundle.with { bundle in
                try writeFileAtomically("\(bundle.root)/etc/hostname", "inside\n".utf8, mode: 0o644)
                try writeFileAtomically("\(bundle.root)/bin/watch", Self.watcher.utf8, mode: 0o755)
                for name in ["lib", "lib64"] { symlink("usr/\(name)", "\(bundle.root)/\(name)") }
                try bundle.write(["/usr/bin/perl", "/bin/watch"]) { spec in
                    spec.mounts?.append(.init(destination: "/usr", source: "/usr", options: ["rbind", "ro"]))
                    let capabilities = DefaultProfile.capabilities + ["CAP_SYS_PTRACE"]
                    spec.process?.capabilities = DefaultProfile.capabilitySets(capabilities, uid: 0)
                    spec.linux?.seccomp = DefaultProfile.seccomp(capabilities: capabilities)
                }
                #expect(try bundle.runtime("run", "-d", "c").status == 0)
                defer { _ = try? bundle.runtime("delete", "-f", "c") }
                try Self.wait(for: "\(bundle.root)/tmp/ready")
                for _ in 0..<30 { #expect(try bundle.runtime("exec", "c", "true").status == 0) }
                // Until a watcher that gets little of the processor has seen one.
                for _ in 0..<300 where !fileExists("\(bundle.root)/tmp/saw") {
                    #expect(try bundle.runtime("exec", "c", "sleep", "0.3").status == 0)
                }
                try writeFileAtomically("\(bundle.root)/tmp/stop", [])
                try Self.wait(for: "\(bundle.root)/tmp/done")
                let seen = try readText("\(bundle.root)/tmp/seen").split(separator: "\n").map(String.init)
                let harmless: Set = [
                    "exe /bin/busybox", "root inside", "attached to /bin/busybox", "cwd /",
                    "environ PATH=/bin HOME=/root",
                    "capabilities 00000000a80c25fb", "refused",
                ]
                #expect(Set(seen).subtracting(harmless) == [])
                #expect(seen.contains("exe /bin/busybox"))
            }
        }

        private static func wait(for path: String) throws {
            for _ in 0..<3000 where !fileExists(path) { usleep(10_000) }
            #expect(fileExists(path))
        }

        /// Looks at the numbers that processes may have next, as fast as it can, and notes what differs. Far ahead, for when it gets
        /// little of the processor, processes come and go unseen; then it goes on from the newest one.
        private static let watcher = #"""
            my %seen; my ($next, $rounds, $saw) = (2, 0, 0);
            sub text { my ($path) = @_; open(my $file, "<", $path) or return undef; local $/; return scalar <$file>; }
            sub note { my ($what, $text) = @_; $seen{"$what $text"} = 1 if defined $text && $text ne ""; }
            sub newest { return (split " ", text("/proc/loadavg"))[4]; }
            open(my $ready, ">", "/tmp/ready"); close($ready);
            until (++$rounds % 100 == 0 && -e "/tmp/stop") {
                if ($rounds % 100 == 0 && newest() > $next + 10) { $next = newest(); }
                for my $pid ($next .. $next + 19) {
                    next unless defined(my $exe = readlink("/proc/$pid/exe")) || -e "/proc/$pid";
                    $next = $pid if $pid > $next;
                    note("exe", $exe);
                    if (!$saw && defined $exe && $exe eq "/bin/busybox") { $saw = open(my $file, ">", "/tmp/saw"); }
                    my $host = text("/proc/$pid/root/etc/hostname"); chomp $host if defined $host; note("root", $host);
                    note("cwd", readlink("/proc/$pid/cwd"));
                    note("descriptor", readlink("/proc/$pid/fd/$_")) for 3 .. 12;
                    my $environ = text("/proc/$pid/environ"); $environ =~ tr/\0/ /s if defined $environ;
                    $environ =~ s/ $// if defined $environ; note("environ", $environ);
                    my $status = text("/proc/$pid/status") // "";
                    note("capabilities", $1) if $status =~ /^CapPrm:\s+(\S+)/m;
                    if (syscall(101, 0x4206, $pid, 0, 0) == 0) {
                        note("attached to", readlink("/proc/$pid/exe"));
                        syscall(101, 0x4207, $pid, 0, 0);
                        waitpid($pid, 0x40000000);
                        syscall(101, 17, $pid, 0, 0);
                    } elsif ($! != 3) { $seen{"refused"} = 1; }
                }
            }
            open(my $out, ">", "/tmp/seen"); print $out map { "$_\n" } sort keys %seen; close($out);
            open(my $done, ">", "/tmp/done");
            """#
    #endif

    /// Runs `script` in a further process of a container that sleeps.
    private func exec(
        _ script: String, _ change: (inout RuntimeSpec) throws -> Void = { _ in },
        process: (inout RuntimeSpec.Process) -> Void = { _ in }
    ) throws -> Finished {
        try Bundle.with { bundle in
            try bundle.write(["sleep", "1000"], change)
            #expect(try bundle.runtime("run", "-d", "c").status == 0)
            defer { _ = try? bundle.runtime("delete", "-f", "c") }
            var wanted = RuntimeSpec.Process(args: ["sh", "-c", script], env: ["PATH=/bin"])
            process(&wanted)
            try writeFileAtomically("\(bundle.folder)/process.json", try encodeJSON(wanted))
            return try bundle.runtime("exec", "-p", "process.json", "c")
        }
    }

    @Test func itLeadsASessionOfItsOwn() throws {
        let result = try exec(
            "cat /proc/self/stat | { read pid name state parent group session rest; echo $group $session; }; echo $$")
        #expect(result.output == "2 2\n2\n" && result.error == "")
    }

    @Test func aFilterThatLetsNobodyForkDoesNotKeepItOut() throws {
        let calls: Set = ["clone", "clone3", "fork", "vfork", "setsid", "ioctl"]
        let result = try exec("echo in") { spec in
            let rules = spec.linux?.seccomp?.syscalls ?? []
            spec.linux?.seccomp?.syscalls = rules.compactMap { rule in
                var rule = rule
                rule.names.removeAll(where: calls.contains)
                return rule.names.isEmpty ? nil : rule
            }
        }
        #expect(result.output == "in\n" && result.status == 0)
    }

    @Test func itCountsForItsLimitOnProcessesAloneAndNotWhatMadeIt() throws {
        let result = try exec("ulimit -u; sleep 0; true") { _ in
        } process: { process in
            process.user = RuntimeSpec.User(uid: 54_321, gid: 0)
            process.rlimits = [RuntimeSpec.Rlimit(type: "RLIMIT_NPROC", soft: 1, hard: 1)]
        }
        #expect(result.output == "1\n")
        #expect(result.error.contains("can't fork"))
    }

    @Test func aSchedulingPolicyThatEndsAtAForkIsItsOwn() throws {
        let result = try exec("exec cat /proc/self/stat") { _ in
        } process: { process in
            process.scheduler = RuntimeSpec.Scheduler(
                policy: "SCHED_BATCH", nice: 3, flags: ["SCHED_FLAG_RESET_ON_FORK"])
        }
        let fields = result.output.split(separator: " ")
        #expect(fields.count > 40 && fields[18] == "3" && fields[40] == "3")
    }

    @Test(arguments: [true, false])
    func whatJoinsAnothersProcessesSeesThoseAndNotTheHosts(isCreatedFirst: Bool) throws {
        try Bundle.with { first in
            try first.write(["sleep", "1000"])
            #expect(try first.runtime("run", "-d", "c").status == 0)
            defer { _ = try? first.runtime("delete", "-f", "c") }
            let record = try ContainerStore(root: "\(first.folder)/state").load("c")
            try Bundle.with { second in
                let script = "for p in /proc/[0-9]*; do echo ${p#/proc/}; done; echo $$; cat /proc/1/comm; exit 7"
                try second.write(["sh", "-c", script]) { spec in
                    spec.linux?.namespaces?.removeAll { $0.type == "pid" }
                    spec.linux?.namespaces?.append(.init(type: "pid", path: "/proc/\(record.pid)/ns/pid"))
                    spec.process?.noNewPrivileges = isCreatedFirst
                }
                if isCreatedFirst {
                    let output = "\(second.folder)/out"
                    let made = try RuntimeTests.run(
                        "/bin/sh",
                        ["-c", "\(buildFolder)/berth-runtime --root \(second.folder)/state create c > \(output)"],
                        folder: second.folder)
                    #expect(made.status == 0 && made.error == "")
                    let waiting = try ContainerStore(root: "\(second.folder)/state").load("c")
                    #expect(try second.runtime("start", "c").status == 0)
                    // The same process from its creation to its end.
                    let process = try? ProcessHandle(pid: waiting.pid)
                    if let process {
                        var request = pollfd(fd: process.pollable, events: Int16(POLLIN), revents: 0)
                        poll(&request, 1, 10_000)
                    }
                    #expect(try readText(output) == "1\n2\n2\nsleep\n")
                    #expect(try second.runtime("delete", "-f", "c").status == 0)
                } else {
                    let result = try second.runtime("run", "c")
                    #expect(result.output == "1\n2\n2\nsleep\n" && result.status == 7 && result.error == "")
                }
            }
        }
    }

    @Test func usersOfItsOwnAndAnothersProcessesDoNotGoTogether() throws {
        try Bundle.with { bundle in
            let result = try bundle.run(["true"]) { spec in
                spec.linux?.namespaces?.removeAll { $0.type == "pid" }
                spec.linux?.namespaces?.append(.init(type: "pid", path: "/proc/self/ns/pid"))
                spec.linux?.namespaces?.append(.init(type: "user"))
            }
            #expect(result.error.contains("a container cannot join another's processes"))
        }
    }
}
