import Builder
import EngineWire
import Glibc
import Linux
import Synchronization
import Testing

@Suite("A shell in the state in which a step failed", .enabled(if: geteuid() == 0)) struct BuildShellTests {
    private static let text = """
        FROM base
        SHELL ["/bin/bash", "-c"]
        WORKDIR /w
        ENV A=1
        USER app
        RUN --mount=type=cache,target=/c leave-and-fail x
        """

    @Test(
        "it has the files, the mounts, the variables, the user and the folder of the step; then the step's error ends the build"
    )
    func state() async throws {
        try await withWorld { world in
            world.host.shell.withLock { shell in
                shell = { step, room in
                    #expect(room.hasTerminal && fileExists("\(room.upper)/x"))
                    #expect(room.mounts.map(\.target) == ["/c"])
                    #expect(step.environment.contains("A=1") && step.user == "app" && step.folder == "/w")
                    try writeFileAtomically("\(room.upper)/from-the-shell", [])
                }
            }
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build(Self.text) { $0.debugs = true }
            }
            #expect(failure?.notes.first?.code == .stepFailed && failure?.notes.first?.place?.line == 6)
            #expect(world.host.ran.take() == ["leave-and-fail x", "shell /bin/bash"])
            let left = try folderEntries("\(world.folder)/store/builds/work")
            #expect(left == [])
            #expect(await world.cache.all().map(\.kind) == ["folder"])
        }
    }

    @Test("without being asked for there is none")
    func unasked() async throws {
        try await withWorld { world in
            _ = try? await world.build(Self.text)
            #expect(world.host.ran.take() == ["leave-and-fail x"])
        }
    }

    @Test(
        "another build that waits for the same step hears of its failure while the shell is open",
        .timeLimit(.minutes(1)))
    func neighbours() async throws {
        try await withWorld { world in
            let (opened, closing) = (WaitingLine(), WaitingLine())
            let (isOpen, isToClose) = (opened.join(), closing.join())
            world.host.shell.withLock { shell in
                shell = { _, _ in
                    _ = opened.wakeFirst()
                    try await closing.wait(isToClose)
                }
            }
            let one = Task { try await world.build(Self.text) { $0.debugs = true } }
            try await opened.wait(isOpen)
            await #expect(throws: BuildFailure.self) { try await world.build(Self.text) }
            _ = closing.wakeFirst()
            await #expect(throws: BuildFailure.self) { try await one.value }
        }
    }

    @Test("a build that is cancelled takes its shell with it", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        try await withWorld { world in
            let (opened, never) = (WaitingLine(), WaitingLine())
            let (isOpen, place) = (opened.join(), never.join())
            world.host.shell.withLock { shell in
                shell = { _, _ in
                    _ = opened.wakeFirst()
                    try await never.wait(place)
                }
            }
            let build = Task { try await world.build(Self.text) { $0.debugs = true } }
            try await opened.wait(isOpen)
            build.cancel()
            await #expect(throws: CancellationError.self) { try await build.value }
            let left = try folderEntries("\(world.folder)/store/builds/work")
            #expect(left == [])
        }
    }
}
