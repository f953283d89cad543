import Glibc
import Images
import Linux
import OCI
import Testing

private let engine =
    "\(#filePath.prefix(#filePath.count - "Tests/ImagesTests/WorkerConfinementTests.swift".count)).build/debug/berthd"

/// What a process that unpacks has, seen from outside while it waits for the rest of an archive.
@Suite(.enabled(if: isPrivileged && fileExists(engine))) struct WorkerConfinementTests {
    /// Runs `body` with the pid of a worker that has locked itself in and reads from a pipe.
    private func withWaitingWorker(_ body: (pid_t) throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try makeFolders("\(folder)/fs")
            let root = try openFile("\(folder)/fs", O_RDONLY | O_DIRECTORY)
            var pipe = try DescriptorPair.pipe()
            let archive = pipe.takeFirst()
            let feed = pipe.takeSecond()
            // Open to be inherited, as a library's socket may be.
            let stray = try openFile("/etc", O_RDONLY | O_DIRECTORY)
            let number = fcntl(stray.raw, F_DUPFD, 60)
            defer { close(number) }
            let (input, target) = (archive.raw, root.raw)
            async let outcome = BlockingPool(name: "test", limit: 1).run {
                try ConfinedWorker.run(
                    engine,
                    arguments: [engine, unpackWorkerVerb, #"{"unpack":{"_0":{"bytes":1000000,"entries":100}}}"#],
                    environment: [], descriptors: [0: input, 3: target], outputLimit: 1 << 20)
            }
            let worker = try await waitForWorker()
            try body(worker)
            _ = consume feed
            let result = try await outcome
            #expect(result.mishap == nil)
            _ = consume archive
        }
    }

    /// The child of this process that is a worker under a filter.
    private func waitForWorker() async throws -> pid_t {
        for _ in 0..<2000 {
            for name in try folderEntries("/proc") {
                guard let pid = pid_t(name), let line = try? readText("/proc/\(pid)/cmdline"),
                    line.contains("\0\(unpackWorkerVerb)\0"), let status = try? Status(pid),
                    status["PPid"] == "\(getpid())", status["Seccomp"] == "2"
                else { continue }
                return pid
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ImageError.failed("no worker came")
    }

    private struct Status {
        let lines: [Substring]
        init(_ pid: pid_t) throws { lines = try readText("/proc/\(pid)/status").split(separator: "\n") }
        subscript(name: String) -> String? {
            lines.first { $0.hasPrefix("\(name):") }.map { String($0.dropFirst(name.count + 1).drop { $0 == "\t" }) }
        }
    }

    @Test("it has three descriptors and its folder, six capabilities, namespaces of its own and no way to more")
    func isConfined() async throws {
        try await withWaitingWorker { pid in
            // 3 is the folder as the root it has become: a folder of another mount would lead out by "..".
            #expect(try folderEntries("/proc/\(pid)/fd") == ["0", "1", "2", "3"])
            let mount = try readText("/proc/\(pid)/mountinfo").prefix { $0 != " " }
            #expect(try readText("/proc/\(pid)/fdinfo/3").contains("mnt_id:\t\(mount)\n"))
            let status = try Status(pid)
            let kept = CapabilitySet([
                "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP",
            ])
            for name in ["CapEff", "CapPrm", "CapBnd"] {
                #expect(status[name].flatMap { UInt64($0, radix: 16) } == kept.bits, "\(name)")
            }
            for name in ["CapInh", "CapAmb"] { #expect(status[name].flatMap { UInt64($0, radix: 16) } == 0, "\(name)") }
            #expect(status["NoNewPrivs"] == "1")
            #expect(status["NSpid"]?.split(separator: "\t").last == "1")
            #expect(status["NSsid"]?.split(separator: "\t").last == "1")
            for space in ["pid", "mnt", "net", "ipc", "uts"] {
                let root = try openFile("/", O_RDONLY)
                let (own, its) = (
                    try root.linkTarget(of: "/proc/self/ns/\(space)"),
                    try root.linkTarget(of: "/proc/\(pid)/ns/\(space)")
                )
                #expect(own != nil && its != nil && own != its, "\(space)")
            }
            let mounts = try readText("/proc/\(pid)/mountinfo").split(separator: "\n")
            #expect(mounts.count == 1)
            let options = mounts.first?.split(separator: " ")[5].split(separator: ",") ?? []
            #expect(Set(options).isSuperset(of: ["nosuid", "nodev", "noexec"]))
            #expect(try folderEntries("/proc/\(pid)/root") == [])
            #expect(try readText("/proc/\(pid)/limits").contains("Max core file size        0 "))
        }
    }

    @Test("a process that nobody put into namespaces of its own does not lock itself in")
    func onlyWorkers() throws {
        let confinement = Confinement(descriptors: [0], capabilities: CapabilitySet([]), calls: [], memory: 1 << 30)
        let error = #expect(throws: SyscallError.self) {
            try confinement.enter(try openFile("/tmp", O_RDONLY | O_DIRECTORY))
        }
        #expect(error?.code == .notPermitted)
    }
}
