import Engine
import EngineWire
import ProjectModel
import Testing

/// What verbs wait for, what they tell meanwhile, and when they give up.
@Suite("Waiting for dependencies") struct WaitTests {
    /// A job, and a service that needs it done.
    private static func jobAndWeb(required: Bool = true) -> [Service] {
        var web = SimulatedEngine.service("web")
        web.dependsOn = [Dependency(service: "job", condition: .completed, required: required)]
        return [SimulatedEngine.service("job"), web]
    }

    private static func firstUp(_ simulated: SimulatedEngine, _ services: [Service]) async throws {
        let up = try await simulated.submit(.up(UpOptions()), services)
        try await simulated.eventually { await $0.states()["demo-job-1"] == .running }
        try simulated.end("demo-job-1", code: 0)
        for await _ in up.events() {}
        try #require(up.outcome?.status == .succeeded)
    }

    @Test(
        "a second `up` waits for the job that it starts again, and fails with it", .timeLimit(.minutes(1)),
        arguments: [
            (Verb.up(UpOptions()), 1), (.up(UpOptions()), 0), (.up(.waiting), 1), (.up(.waiting), 0),
            (.start(wait: false, waitTimeout: nil), 1), (.start(wait: true, waitTimeout: nil), 0),
            (.scale(["web": 1], dependencies: true), 1),
        ])
    func secondRun(verb: Verb, code: Int) async throws {
        try await SimulatedEngine.with { simulated in
            let services = Self.jobAndWeb()
            try await Self.firstUp(simulated, services)
            let second = try await simulated.submit(verb, services)
            try await simulated.eventually { await $0.states()["demo-job-1"] == .running }
            try await simulated.eventually { _ in second.awaited.contains { $0.wait?.goal == .completed } }
            #expect(second.outcome == nil)
            try simulated.end("demo-job-1", code: code)
            for await _ in second.events() {}
            #expect(second.outcome?.status == (code == 0 ? .succeeded : .failed))
            guard code != 0 else { return }
            let message = second.outcome?.errors.first?.message ?? ""
            #expect(message.contains("service \"job\" didn't complete successfully: exit 1"), "\(message)")
        }
    }

    @Test("`up --wait` of a job alone waits for it, since something depends on its end", .timeLimit(.minutes(1)))
    func jobAlone() async throws {
        try await SimulatedEngine.with { simulated in
            let services = Self.jobAndWeb()
            try await Self.firstUp(simulated, services)
            let request = OperationRequest(
                key: "2", verb: .up(.waiting), project: Project(name: "demo", services: services), services: ["job"])
            let second = try await simulated.engine.submit(request, to: "demo")
            try await simulated.eventually { await $0.states()["demo-job-1"] == .running }
            try simulated.end("demo-job-1", code: 3)
            for await _ in second.events() {}
            #expect(second.outcome?.status == .failed)
        }
    }

    @Test("what an optional job ends with is a warning, told once", .timeLimit(.minutes(1)))
    func optionalJob() async throws {
        try await SimulatedEngine.with { simulated in
            let services = Self.jobAndWeb(required: false)
            try await Self.firstUp(simulated, services)
            let second = try await simulated.submit(.up(UpOptions()), services)
            try await simulated.eventually { await $0.states()["demo-job-1"] == .running }
            try simulated.end("demo-job-1", code: 1)
            var warnings: [String] = []
            for await case .warning(let text, _, _) in second.events() { warnings.append(text) }
            #expect(second.outcome?.status == .succeeded)
            #expect(warnings == ["optional dependency \"job\": service \"job\" didn't complete successfully: exit 1"])
        }
    }

    @Test("a second `up` waits for the health of what it made anew", .timeLimit(.minutes(1)))
    func recreatedDependency() async throws {
        try await SimulatedEngine.with { simulated in
            var db = SimulatedEngine.service("db")
            db.healthcheck = Healthcheck(test: ["CMD", "true"])
            var web = SimulatedEngine.service("web")
            web.dependsOn = [Dependency(service: "db", condition: .healthy)]
            try await simulated.perform(.up(UpOptions()), [db, web])
            var faults = SimulatedMachine.Faults()
            faults.probesFail = 1000
            simulated.machine.setFaults(faults)
            db.environment["LEVEL"] = "2"
            db.healthcheck?.retries = 2
            db.healthcheck?.interval = .seconds(1)
            let second = try await simulated.perform(.up(UpOptions()), [db, web])
            #expect(second.status == .failed)
            #expect(second.errors.map(\.message) == ["dependency failed to start: container demo-db-1 is unhealthy"])
        }
    }

    @Test("an `up` that found everything as it should be did nothing, although it looked")
    func nothingToDo() async throws {
        try await SimulatedEngine.with { simulated in
            var db = SimulatedEngine.service("db")
            db.healthcheck = Healthcheck(test: ["CMD", "true"])
            var web = SimulatedEngine.service("web")
            web.dependsOn = [Dependency(service: "db", condition: .healthy)]
            try await simulated.perform(.up(UpOptions()), [db, web])
            let second = try await simulated.perform(.up(.waiting), [db, web])
            #expect(second.status == .succeeded)
            #expect(second.changes == 0)
        }
    }

    @Test(
        "a dependency that fails and is restarted again and again is told at once, and given up",
        .timeLimit(.minutes(1)),
        arguments: [true, false])
    func crashLoop(waits: Bool) async throws {
        try await SimulatedEngine.with { simulated in
            var faults = SimulatedMachine.Faults()
            faults.crashesAtOnce = 1000
            simulated.machine.setFaults(faults)
            var loop = SimulatedEngine.service("loop")
            loop.restart = .always
            loop.healthcheck = Healthcheck(test: ["CMD", "true"])
            var web = SimulatedEngine.service("web")
            if !waits { web.dependsOn = [Dependency(service: "loop", condition: .healthy)] }
            let up = try await simulated.submit(.up(waits ? .waiting : UpOptions()), waits ? [loop] : [loop, web])
            var restarts: [WaitProgress.Restart] = []
            for await case .object(let object) in up.events() where object.name == "demo-loop-1" {
                if let restart = object.wait?.restart { restarts.append(restart) }
            }
            #expect(restarts.first?.count == 1)
            #expect(restarts.first?.code == 1)
            #expect(restarts.allSatisfy { $0.limit == 4 })
            #expect(up.outcome?.status == .failed)
            let message = up.outcome?.errors.first?.message ?? ""
            // The simulated container crashes so fast that a loaded machine may notice one crash late.
            let count = message.split(separator: " ").dropLast(3).last.flatMap { Int($0) } ?? 0
            let sentence = "container demo-loop-1 ended again after \(count) restarts, exit 1"
            #expect(message.hasSuffix(sentence), "\(message)")
            #expect(count >= 4)
        }
    }

    @Test("a job with a restart policy is given more attempts; a policy with an end of its own is followed to it")
    func jobsThatAreTriedAgain() async throws {
        for (policy, limit, last) in [
            (RestartPolicy.onFailure(maximumRetries: nil), 10 as Int?, "ended again after 10 restarts, exit 1"),
            (.onFailure(maximumRetries: 12), nil, "didn't complete successfully: exit 1"),
        ] {
            try await SimulatedEngine.with { simulated in
                var faults = SimulatedMachine.Faults()
                faults.crashesAtOnce = 1000
                simulated.machine.setFaults(faults)
                var services = Self.jobAndWeb()
                services[0].restart = policy
                let up = try await simulated.submit(.up(UpOptions()), services)
                var limits: Set<Int?> = []
                for await case .object(let object) in up.events() {
                    if let restart = object.wait?.restart { limits.insert(restart.limit) }
                }
                #expect(limits == [limit])
                #expect(up.outcome?.errors.first?.message.hasSuffix(last) == true, "\(up.outcome?.errors ?? [])")
            }
        }
    }

    @Test("what is waited for is told at once, with the last answer of its check", .timeLimit(.minutes(1)))
    func told() async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var web = SimulatedEngine.service("web")
            web.dependsOn = [Dependency(service: "db", condition: .healthy)]
            let up = try await simulated.submit(.up(UpOptions()), [db, web])
            try await simulated.eventually { _ in
                up.awaited.contains { $0.name == "demo-db-1" && $0.status == "Waiting" && $0.wait?.probe?.code == 1 }
            }
            // However long it lasts: who joins later is told of it once.
            #expect(up.awaited.count == 1)
            up.cancel(force: false)
            for await _ in up.events() {}
        }
    }

    @Test("who removes a container that is waited for does not wait behind that", .timeLimit(.minutes(1)))
    func removedMeanwhile() async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var web = SimulatedEngine.service("web")
            web.dependsOn = [Dependency(service: "db", condition: .healthy)]
            let up = try await simulated.submit(.up(UpOptions()), [db, web])
            try await simulated.eventually { _ in !up.awaited.isEmpty }
            try await simulated.engine.removeContainer("demo-db-1", force: true)
            for await _ in up.events() {}
            #expect(up.outcome?.status == .cancelled)
            #expect(await simulated.states()["demo-db-1"] == nil)
        }
    }
}

extension UpOptions {
    fileprivate static var waiting: UpOptions {
        var options = UpOptions()
        options.wait = true
        return options
    }
}

extension Operation {
    /// What it tells of waits to somebody who joins now.
    fileprivate var awaited: [ObjectProgress] {
        history.compactMap { event in
            guard case .object(let object) = event, object.wait != nil else { return nil }
            return object
        }
    }
}
