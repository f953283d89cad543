import Engine
import EngineWire
import ProjectModel
import Testing

/// What `explain` knows.
@Suite struct HistoryTests {
    private func explanation(_ simulated: SimulatedEngine, _ service: String = "web") async throws -> Explanation {
        try #require(try await simulated.engine.explain(service: service, in: "demo").first)
    }

    private func kinds(_ simulated: SimulatedEngine, _ service: String = "web") async throws -> [String] {
        try await explanation(simulated, service).history.map { "\($0.kind.rawValue)\($0.by.map { " \($0)" } ?? "")" }
    }

    @Test("starts, ends and changes with their causes, across engines")
    func course() async throws {
        let folder = try SimulatedEngine.temporaryFolder()
        let machine = SimulatedMachine(seed: 1)
        let simulated = try await SimulatedEngine(folder: folder, machine: machine)
        await simulated.engine.start()
        var service = SimulatedEngine.service("web")
        service.environment = ["A": "s3cret"]
        try await simulated.expect(.succeeded, .up(UpOptions()), [service])
        try await simulated.expect(.succeeded, .stop(timeout: nil))
        try await simulated.eventually { try await self.kinds($0).last == "ended" }
        try await simulated.expect(.succeeded, .start(wait: false, waitTimeout: nil))
        service.environment = ["A": "other", "B": "s3cret"]
        try await simulated.expect(.succeeded, .up(UpOptions()), [service])
        try simulated.end("demo-web-1", code: 3)
        try await simulated.eventually { try await self.kinds($0).last == "ended" }
        let all = try await explanation(simulated).history
        #expect(
            try await kinds(simulated) == [
                "created up", "started up", "stopping stop", "ended", "started start", "replaced up", "stopping up",
                "ended", "started up", "ended",
            ])
        let replaced = try #require(all.first { $0.kind == .replaced })
        #expect(replaced.reason == "environment.A changed, environment.B added" && replaced.image == "busybox")
        #expect(all.last?.exitCode == 3 && all.last?.reason == "exited by itself with code 3; restart: no")
        #expect(!"\(all)".contains("s3cret"))
        // Another engine on the same folder knows it all.
        let next = try await SimulatedEngine(folder: folder, machine: SimulatedMachine(seed: 2, world: machine.world))
        await next.engine.start()
        #expect(try await explanation(next).history == all)
        try await next.expect(.succeeded, .down(DownOptions()))
        await #expect(throws: EngineFailure.self) { try await next.engine.explain(service: "web", in: "demo") }
    }

    @Test("what happens over and over pushes out its like, and not what the container was made for")
    func bounded() async throws {
        try await SimulatedEngine.with { simulated in
            var service = SimulatedEngine.service("web")
            service.restart = .always
            try await simulated.expect(.succeeded, .up(UpOptions()), [service])
            try simulated.end("demo-web-1", code: 1)
            try await simulated.eventually { try await self.kinds($0).contains("started restart policy") }
            var faults = SimulatedMachine.Faults()
            faults.processesAreDeaf = true
            simulated.machine.setFaults(faults)
            for _ in 0..<210 { try await simulated.perform(.kill(signal: "HUP", removeOrphans: false)) }
            let history = try await explanation(simulated).history
            #expect(history.first?.kind == .created && history.count == 201)
            #expect(history.dropFirst().allSatisfy { $0.kind == .signalled && $0.signal == "SIGHUP" })
        }
    }

    @Test("what it waits for: its next start, its dependency, its health, a verb")
    func waits() async throws {
        try await SimulatedEngine.with { simulated in
            var job = SimulatedEngine.service("job")
            job.restart = .no
            let waiting = simulated.neverHealthy("slow")
            var web = SimulatedEngine.service("web")
            web.dependsOn = [Dependency(service: "slow", condition: .healthy)]
            let operation = try await simulated.submit(.up(UpOptions()), [job, waiting, web])
            try await simulated.eventually { await $0.states()["demo-slow-1"] == .running }
            try await simulated.eventually { try await self.explanation($0).waits.first?.kind == .dependency }
            let wait = try #require(try await explanation(simulated).waits.first)
            #expect(wait.service == "slow" && wait.condition == "healthy", "\(wait)")
            #expect(try await explanation(simulated, "slow").waits.first?.kind == .health)
            operation.cancel(force: true)
            for await _ in operation.events() {}
            try simulated.end("demo-job-1", code: 4)
            try await simulated.eventually { try await self.explanation($0, "job").waits.first?.kind == .start }
            #expect(try await explanation(simulated, "job").wanted == "running")
        }
    }

    @Test("a signal of a person is told, and the end that came of it")
    func signalled() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.expect(.succeeded, .up(UpOptions()), [SimulatedEngine.service("web")])
            try await simulated.expect(.succeeded, .kill(signal: "KILL", removeOrphans: false))
            try await simulated.eventually { try await self.kinds($0).last == "ended" }
            #expect(try await kinds(simulated) == ["created up", "started up", "signalled kill", "ended"])
        }
    }
}
