import CLinux
import Glibc
import Linux
import Synchronization
import Testing

@Suite struct ProcessTests {
    @Test func groupsOfTheCaller() throws {
        let line = try readText("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("Groups:") }
        let groups = line?.split(whereSeparator: \.isWhitespace).dropFirst().compactMap { UInt32($0) }
        #expect(CallingProcess.groups.sorted() == groups?.sorted())
    }

    @Test func aSpawnedProgramHasItsOwnSessionAndOnlyTheDescriptorsItWasGiven() throws {
        // Only what the shell does by itself: a pipeline or a glob would open descriptors of its own meanwhile.
        let script = """
            pwd; echo $NAME; for n in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && printf "$n "; done
            cut -d' ' -f6 /proc/$$/stat
            """
        var pipe = try DescriptorPair.pipe()
        let output = pipe.takeFirst()
        let input = pipe.takeSecond()
        let pid = try spawnProcess(
            "/bin/sh",
            arguments: ["sh", "-c", script],
            environment: ["NAME=value", "PATH=/usr/bin:/bin"], folder: "/tmp",
            descriptors: [1: input.raw, 5: output.raw])
        _ = consume input
        let text = String(decoding: try output.readToEnd(), as: UTF8.self)
        var status: CInt = 0
        #expect(waitpid(pid, &status, 0) == pid)
        let lines = text.split(separator: "\n")
        #expect(lines.first == "/tmp")
        #expect(lines.dropFirst().first == "value")
        #expect(lines.last.map(String.init) == "0 1 2 5 \(pid)")
    }

    @Test func aDescriptorBetweenThoseThatAreGivenIsNotInherited() throws {
        let stray = fcntl(STDERR_FILENO, F_DUPFD, 40)
        try #require(stray >= 40)
        defer { close(stray) }
        var pipe = try DescriptorPair.pipe()
        let output = pipe.takeFirst()
        let input = pipe.takeSecond()
        let pid = try spawnProcess(
            "/bin/sh", arguments: ["sh", "-c", "[ -e /proc/$$/fd/\(stray) ] && echo inherited; echo done"],
            descriptors: [1: input.raw, stray + 1: output.raw])
        _ = consume input
        let text = String(decoding: try output.readToEnd(), as: UTF8.self)
        #expect(text == "done\n")
        var status: CInt = 0
        #expect(waitpid(pid, &status, 0) == pid)
    }

    @Test func aMissingProgramIsNamed() {
        let error = #expect(throws: SyscallError.self) { try spawnProcess("/nonexistent", arguments: ["x"]) }
        #expect(error?.description == "posix_spawn /nonexistent: No such file or directory")
    }

    @Test func aHandleRefusesAProcessOfAnotherTime() throws {
        let boot = try currentBootID()
        let ticks = try ProcessStatus.startTicks(of: getpid())
        let own = try ProcessHandle(pid: getpid(), startTicks: ticks, bootID: boot)
        try own.signal(0)
        let hasEnded = own.hasEnded
        #expect(!hasEnded)
        for (ticks, boot) in [(ticks + 1, boot), (ticks, "another")] {
            let error = #expect(throws: SyscallError.self) {
                _ = try ProcessHandle(pid: getpid(), startTicks: ticks, bootID: boot)
            }
            #expect(error?.code == .noSuchProcess)
        }
    }

    @Test func statusTellsWhatAProcessDoesWithSignals() throws {
        let pid = try spawnProcess(
            "/bin/sh", arguments: ["sh", "-c", "trap : USR1; trap '' HUP; kill -STOP $$"])
        defer {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        var state: CInt = 0
        #expect(waitpid(pid, &state, WUNTRACED) == pid)
        let status = try ProcessStatus(of: pid)
        #expect(status.name == "sh" && status.state == "T" && status.parent == getpid())
        #expect(status.caught.contains(SIGUSR1) && !status.caught.contains(SIGTERM))
        #expect(status.ignored.contains(SIGHUP) && status.blocked.isEmpty)
        #expect(status.startTicks > 0)
    }

    @Test func aNameWithParenthesesDoesNotMisleadStat() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 2"
        #expect(ProcessStatus.startTicks(stat: stat) == 4242)
        #expect(ProcessStatus.startTicks(stat: "7 (a") == nil)
    }

    @Test func aLockIsHeldByOneAtATime() throws {
        try withFolder { folder in
            let path = "\(folder)/lock"
            #expect(try !FileLock.isHeld(path))
            let lock = try FileLock.attempt(path)
            let isTaken = lock != nil
            #expect(isTaken)
            #expect(try FileLock.isHeld(path))
            let second = try FileLock.attempt(path) == nil
            #expect(second)
            _ = consume lock
            // A child of another test that has not come to its exec yet inherited the descriptor, and with it the lock.
            var waits = 0
            while try FileLock.isHeld(path), waits < 5000 {
                usleep(1000)
                waits += 1
            }
            #expect(try !FileLock.isHeld(path))
        }
    }

    @Test(arguments: [1, 200]) func aSocketIsReachedByItsPath(folderNameLength: Int) throws {
        try withFolder { folder in
            let path = "\(folder)/\(String(repeating: "f", count: folderNameLength))/s"
            try makeFolders(String(path.dropLast(2)))
            let listener = try UnixSocket.listen(path, nonblocking: true)
            let isNobodyThere = try UnixSocket.accept(listener.raw) == nil
            #expect(isNobodyThere)
            let client = try UnixSocket.connect(path)
            guard let server = try UnixSocket.accept(listener.raw) else {
                Issue.record("no connection")
                return
            }
            try client.write("hello".utf8)
            _ = consume client
            #expect(try server.readToEnd() == Array("hello".utf8))
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/berth-process-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try makeFolders(folder)
        defer { try? removeTree(folder) }
        try body(folder)
    }
}
