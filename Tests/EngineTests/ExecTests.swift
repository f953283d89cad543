import Engine
import EngineWire
import Linux
import Testing

@Suite("A command in a container is an object")
struct ExecTests {
    private static let request = ExecRequest(command: ["sleep", "9"], stdin: false, detach: true)

    /// The id of a container that runs.
    private func run(_ simulated: SimulatedEngine) async throws -> String {
        try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
        return try #require(await simulated.engine.containers(of: "demo", all: true).first?.id)
    }

    @Test("it is made, runs once it is started, and is told of after its end")
    func life() async throws {
        try await SimulatedEngine.with { simulated in
            let engine = simulated.engine
            let container = try await run(simulated)
            let made = try await engine.createExec(Self.request, in: "demo-web-1")
            #expect(made.container == container)
            #expect(try await engine.exec(made.id).state == .created)
            #expect(engine.openExecs(in: container) == [made.id])
            _ = try await engine.startExec(made.id)
            #expect(try await engine.exec(made.id).state == .running)
            #expect(try await engine.exec(made.id).processID != nil)
            await #expect(throws: EngineFailure.self) { try await engine.startExec(made.id) }
            simulated.machine.endCommand(made.id, code: 3)
            try await simulated.eventually { _ in try await engine.exec(made.id).state == .exited(code: 3)
            }
            #expect(try await engine.exec(made.id).processID == nil)
            #expect(engine.openExecs(in: container).isEmpty)
        }
    }

    @Test("it ends with its container, and one whose container is gone is unknown")
    func withItsContainer() async throws {
        try await SimulatedEngine.with { simulated in
            let engine = simulated.engine
            let container = try await run(simulated)
            let made = try await engine.createExec(Self.request, in: container)
            _ = try await engine.startExec(made.id)
            simulated.machine.end(container, code: 0)
            try await simulated.eventually { _ in
                try await engine.exec(made.id).state == .exited(code: 137)
            }
            try await simulated.eventually { _ in
                await engine.containers(of: "demo", all: true).first?.state == .exited
            }
            await #expect(throws: EngineFailure.self) {
                try await engine.createExec(Self.request, in: container)
            }
            try await simulated.perform(.down(DownOptions()))
            await #expect(throws: EngineFailure.self) { try await engine.exec(made.id) }
        }
    }

    @Test("its stream ends with its exit code")
    func stream() async throws {
        try await SimulatedEngine.with { simulated in
            let container = try await run(simulated)
            var request = Self.request
            request.detach = false
            let made = try await simulated.engine.createExec(request, in: container)
            guard case .attached(let descriptor) = try await simulated.engine.startExec(made.id) else {
                Issue.record("no stream")
                return
            }
            let stream = OwnedFD(owning: descriptor)
            simulated.machine.endCommand(made.id, code: 7)
            #expect(try stream.readToEnd() == [6, 0, 0, 0, 4, 0, 0, 0, 7])
        }
    }
}
