import AttachStream
import Glibc
import Linux
import Monitor
import OCI
import Testing

@Suite(.enabled(if: canRunContainers), .serialized) struct ExecMonitorTests {
    private func withContainer(_ body: (World, TestMonitor) throws -> Void) throws {
        try World.with { world in
            let monitor = try world.container(["sleep", "1000"])
            try monitor.release()
            try body(world, monitor)
        }
    }

    @Test func anExecIsInTheContainerAndItsStreamsGoToItsClient() throws {
        try withContainer { world, container in
            let script = "ps | grep -c 'sleep 1000'; cat; echo err >&2; exit 5"
            let exec = try world.exec(["sh", "-c", script], in: container) { $0.stdin = true }
            try exec.release()
            try exec.say(StreamFrame(.stdin, Array("input\n".utf8)))
            exec.endInput()
            let frames = try exec.frames()
            #expect(frames.text(.stdout).hasSuffix("input\n"))
            #expect(frames.text(.stderr) == "err\n")
            #expect(frames.exitCode == 5)
            #expect(try exec.exitStatus()?.code == 5)
        }
    }

    @Test func aCommandThatIsNotThereIsToldToItsClient() throws {
        try withContainer { world, container in
            let exec = try world.exec(["nosuch"], in: container)
            #expect(try exec.release()?.exitCode == 127)
            let last = try exec.frames().last
            #expect(last?.kind == .failure && last?.payload.first == 127)
        }
    }

    @Test func anExecWhoseTimeIsUpIsKilled() throws {
        try withContainer { world, container in
            let exec = try world.exec(
                ["sh", "-c", "trap '' TERM HUP; sleep 1000"], in: container, isAttached: false,
                timeout: .milliseconds(100))
            try exec.release()
            let status = try exec.exitStatus()
            #expect(status?.isTimeout == true && status?.code == 137)
        }
    }

    @Test func aClientThatGoesAwayHangsUp() throws {
        try withContainer { world, container in
            let exec = try world.exec(
                ["sh", "-c", "trap 'exit 6' HUP; echo ready; while :; do sleep 0.05; done"], in: container)
            try exec.release()
            _ = try exec.frames { !$0.isEmpty }
            exec.hangUp()
            #expect(try exec.exitStatus()?.code == 6)
        }
    }

    @Test func whatAnExecLeavesBehindDoesNotHoldItUp() throws {
        try withContainer { world, container in
            let exec = try world.exec(["sh", "-c", "sleep 1000 & echo done"], in: container)
            try exec.release()
            let frames = try exec.frames()
            #expect(frames.text(.stdout) == "done\n" && frames.exitCode == 0)
        }
    }

    @Test func aTerminalOfAnExecTakesSizesAndKeys() throws {
        try withContainer { world, container in
            let exec = try world.exec(["sh", "-c", "read a; stty size; exec cat"], in: container) {
                $0.terminal = true
                $0.stdin = true
            }
            try exec.release()
            try exec.say(.resize(rows: 12, columns: 34))
            try exec.say(StreamFrame(.stdin, Array("x\n".utf8)))
            let before = try exec.frames { $0.text(.stdout).contains("12 34\r\n") }
            #expect(before.text(.stdout).contains("12 34\r\n"))
            try exec.say(StreamFrame(.stdin, [0x03]))
            #expect(try exec.exitStatus()?.code == 130)
        }
    }

    @Test func anExecIsRefusedWhenTheContainerHasEnded() throws {
        try World.with { world in
            let container = try world.container(["true"])
            try container.release()
            _ = try container.exitStatus()
            let exec = try world.exec(["true"], in: container)
            let failed = try exec.event { if case .failed = $0 { true } else { false } }
            guard case .failed(let failure) = failed else {
                Issue.record("no failure")
                return
            }
            #expect(failure.message == "the container is not running")
        }
    }

    private static let listing = ["sh", "-c", "for p in /proc/[0-9]*; do echo ${p#/proc/}; done"]

    @Test func anExecIsNotSeenInTheContainerBeforeItIsReleased() throws {
        try withContainer { world, container in
            let waiting = try world.exec(["sleep", "999"], in: container, isAttached: false)
            _ = try waiting.event { if case .created = $0 { true } else { false } }
            let maker = waiting.state?.process
            let look = try world.exec(Self.listing, in: container)
            try look.release()
            #expect(try look.frames().text(.stdout) == "1\n2\n")
            try waiting.release()
            let process = try #require(waiting.state?.process)
            #expect(process != maker)
            #expect(try ProcessStatus(of: process.pid).name == "sleep")
            try waiting.send(.signal(number: SIGTERM, all: false))
            #expect(try waiting.exitStatus()?.code == 143)
        }
    }

    @Test func aContainerThatJoinsAnothersProcessesIsSeenThereAsItsProgramOnly() throws {
        try withContainer { world, container in
            let owner = try #require(container.state?.process)
            let joining = try world.container(["sh", "-c", "echo $$; exec sleep 998"]) { _, spec in
                spec.linux?.namespaces?.removeAll { $0.type == "pid" }
                spec.linux?.namespaces?.append(.init(type: "pid", path: "/proc/\(owner.pid)/ns/pid"))
            }
            _ = try joining.event { if case .created = $0 { true } else { false } }
            let before = try world.exec(Self.listing, in: container)
            try before.release()
            #expect(try before.frames().text(.stdout) == "1\n2\n")
            try joining.release()
            let after = try world.exec(["ps"], in: container)
            try after.release()
            #expect(try after.frames().text(.stdout).contains("999") == false)
            #expect(try ["sh", "sleep"].contains(ProcessStatus(of: #require(joining.state?.process).pid).name))
            try joining.send(.signal(number: SIGKILL, all: false))
            #expect(try joining.exitStatus()?.code == 137)
            #expect(joining.loggedText == "3\n")
        }
    }
}
