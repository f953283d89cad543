import AttachStream
import Glibc
import JSON
import Linux
import Monitor
import OCI
import Testing

@Suite(.enabled(if: canRunContainers), .serialized) struct ContainerMonitorTests {
    @Test func aContainerRunsAndItsOutputAndStatusAreKept() throws {
        try World.with { world in
            let monitor = try world.container(["sh", "-c", "echo out; echo err >&2; printf end; exit 3"])
            try monitor.release()
            let status = try monitor.exitStatus()
            monitor.wait()
            #expect(status?.code == 3 && status?.signal == nil && status?.isOutOfMemory == false)
            let bytes = try readFile("\(monitor.folder)/exit.json")
            #expect(try decodeJSON(Monitor.ExitStatus.self, from: bytes) == status)
            let streams = Dictionary(grouping: monitor.log) { $0["stream"]?.string ?? "" }
            #expect(streams["stdout"]?.map { $0["log"] } == ["out\n", "end"])
            #expect(streams["stderr"]?.map { $0["log"] } == ["err\n"])
            #expect(monitor.state?.phase == .exited && monitor.state?.exit == status)
            #expect(try !FileLock.isHeld("\(monitor.folder)/lock"))
            for folder in monitor.state?.cgroups ?? [] { #expect(!fileExists(folder)) }
        }
    }

    @Test func nothingRunsBeforeTheRelease() throws {
        try World.with { world in
            let monitor = try world.container(["touch", "/ran"])
            let created = try monitor.event { if case .created = $0 { true } else { false } }
            let identity = try #require(monitor.state?.process)
            #expect(created == .created(identity))
            #expect(try ProcessStatus.startTicks(of: identity.pid) == identity.startTicks)
            #expect(!fileExists("\(monitor.folder)/upper/ran"))
            try monitor.release()
            _ = try monitor.exitStatus()
            #expect(fileExists("\(monitor.folder)/upper/ran"))
        }
    }

    @Test func whatCannotRunIsSaidWithItsExitCode() throws {
        try World.with { world in
            let monitor = try world.container(["nosuch"])
            let failure = try monitor.release()
            #expect(failure?.exitCode == 127)
            #expect(failure?.message == "exec \"nosuch\": executable file not found in $PATH")
            monitor.wait()
            #expect(monitor.state?.failure == failure)
        }
    }

    @Test func aContainerThatIsGivenUpLeavesNothing() throws {
        try World.with { world in
            let monitor = try world.container(["sleep", "1000"])
            _ = try monitor.event { if case .created = $0 { true } else { false } }
            let state = try #require(monitor.state)
            try monitor.send(.abandon)
            let failed = try monitor.event { if case .failed = $0 { true } else { false } }
            #expect(failed != nil)
            monitor.wait()
            for folder in state.cgroups { #expect(!fileExists(folder)) }
            #expect(throws: SyscallError.self) {
                _ = try ProcessStatus(of: state.process?.pid ?? -1)
            }
        }
    }

    @Test func anEngineThatGoesAwayFindsItAgain() throws {
        try World.with { world in
            let monitor = try world.container(["sh", "-c", "trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done"])
            _ = try monitor.event { if case .created = $0 { true } else { false } }
            try monitor.reconnect()
            #expect(try monitor.next() == .hello(minimum: 1, maximum: 1, monitorPID: monitor.pid))
            guard case .state(let waiting) = try monitor.next() else {
                Issue.record("no state")
                return
            }
            #expect(waiting.phase == .created)
            try monitor.release()
            try monitor.reconnect()
            _ = try monitor.next()
            guard case .state(let running) = try monitor.next() else {
                Issue.record("no state")
                return
            }
            #expect(running.phase == .running && running.process == waiting.process)
            try monitor.attach()
            // Only once it says something is its trap surely set.
            _ = try world.exec(["true"], in: monitor).exitStatusAfterRelease()
            try monitor.send(.signal(number: SIGTERM, all: false))
            #expect(try monitor.exitStatus()?.code == 4)
        }
    }

    @Test func aPausedContainerStandsStillAndGoesOn() throws {
        try World.with { world in
            let monitor = try world.container(["sleep", "1000"])
            try monitor.release()
            try monitor.send(.pause)
            #expect(try monitor.event { $0 == .paused || isRefused($0) } == .paused)
            #expect(monitor.state?.phase == .paused)
            try monitor.send(.resume)
            #expect(try monitor.event { $0 == .resumed || isRefused($0) } == .resumed)
            try monitor.send(.pause)
            try monitor.send(.signal(number: SIGKILL, all: false))
            let status = try monitor.exitStatus()
            #expect(status?.code == 137 && status?.signal == SIGKILL)
        }
    }

    @Test func memoryThatRunsOutIsTold() throws {
        try World.with { world in
            let script = "head -c 100m /dev/zero | busybox tail -c 100m > /dev/null; exit $?"
            let monitor = try world.container(["sh", "-c", script]) { _, spec in
                var memory = RuntimeSpec.Memory()
                memory.limit = 16 << 20
                memory.swap = 16 << 20
                spec.linux?.resources?.memory = memory
            }
            try monitor.release()
            #expect(try monitor.exitStatus()?.isOutOfMemory == true)
        }
    }

    @Test func whatCannotBeDoneIsRefused() throws {
        try World.with { world in
            let monitor = try world.container(["sleep", "1000"])
            try monitor.release()
            try monitor.send(.release)
            #expect(try monitor.event(isRefused) == .refused(command: "release", reason: "released before"))
            var resources = RuntimeSpec.Resources()
            resources.pids = RuntimeSpec.Pids(limit: 7)
            try monitor.send(.update(resources))
            resources.unified = ["no/such": "1"]
            try monitor.send(.update(resources))
            guard case .refused("update", _) = try monitor.event(isRefused) else {
                Issue.record("not refused")
                return
            }
            let folder = monitor.state?.cgroups.first { fileExists("\($0)/pids.max") }
            #expect(try readText("\(folder ?? "")/pids.max") == "7\n")
        }
    }

    @Test func inputAndATerminalReachTheProcess() throws {
        try World.with { world in
            let monitor = try world.container(["sh", "-c", "tty; stty size; read line; echo got $line"]) {
                monitor, spec in
                monitor.terminal = true
                monitor.stdin = true
                spec.process?.consoleSize = RuntimeSpec.ConsoleSize(height: 33, width: 77)
            }
            _ = try monitor.event { if case .created = $0 { true } else { false } }
            try monitor.attach()
            try monitor.release()
            let before = try monitor.frames { $0.text(.stdout).contains("33 77\r\n") }
            #expect(before.text(.stdout) == "/dev/pts/0\r\n33 77\r\n")
            try monitor.say(StreamFrame(.stdin, Array("hello\n".utf8)))
            let after = try monitor.frames { $0.exitCode != nil }
            #expect(after.text(.stdout) == "hello\r\ngot hello\r\n" && after.exitCode == 0)
        }
    }

    @Test func everyAttachedClientSeesTheOutputAndASlowOneLosesNothing() throws {
        try World.with { world in
            let monitor = try world.container(["sh", "-c", "read go; seq 1 400000; echo end"]) { monitor, _ in
                monitor.stdin = true
                monitor.log = nil
            }
            _ = try monitor.event { if case .created = $0 { true } else { false } }
            try monitor.attach()
            try monitor.release()
            try monitor.say(StreamFrame(.stdin, Array("go\n".utf8)))
            // Nothing is read for a while: its output fills every buffer on the way, and then it has to wait.
            for _ in 0..<4 { _ = try world.exec(["true"], in: monitor).exitStatusAfterRelease() }
            let frames = try monitor.frames { $0.exitCode != nil }
            let text = frames.text(.stdout)
            #expect(text.hasSuffix("400000\nend\n"))
            #expect(text.utf8.count == 2_688_899)
        }
    }
}

private func isRefused(_ event: MonitorEvent) -> Bool { if case .refused = event { true } else { false } }
