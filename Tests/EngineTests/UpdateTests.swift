import EngineWire
import ProjectModel
import Testing

@testable import Engine

/// Updates by rules, through an engine on a simulated machine.
@Suite("Updates") struct UpdateTests {
    private static func web(
        _ level: Int, scale: Int = 2, _ edit: (inout UpdateRules) -> Void = { _ in }
    ) -> Service {
        var web = SimulatedEngine.service("web")
        web.scale = scale
        web.environment["LEVEL"] = "\(level)"
        web.healthcheck = Healthcheck(test: ["CMD", "true"])
        web.healthcheck?.interval = .seconds(1)
        web.healthcheck?.retries = 2
        var rules = UpdateRules()
        rules.monitor = .seconds(2)
        edit(&rules)
        web.updateConfig = rules
        return web
    }

    private static func project(_ web: Service) -> Project {
        var web = web
        web.networks = [NetworkAttachment(network: "default")]
        if web.scale == 1 { web.ports = [PortMapping(target: 80, published: "8080")] }
        var project = Project(name: "demo", services: [web])
        project.networks = ["default": NetworkDefinition(name: "demo_default")]
        return project
    }

    private static func up(_ simulated: SimulatedEngine, _ web: Service) async throws -> OperationOutcome {
        let operation = try await simulated.engine.submit(
            OperationRequest(key: simulated.machine.newID(), verb: .up(UpOptions()), project: project(web)), to: "demo")
        for await _ in operation.events() {}
        return operation.outcome ?? OperationOutcome(status: .failed)
    }

    private static func rows(_ simulated: SimulatedEngine) async -> [ContainerRow] {
        await simulated.engine.containers(of: "demo", all: true).sorted { $0.name < $1.name }
    }

    @Test("stop-first: each leaves and is drained before it stops, and the next only when the new one is in")
    func stopFirst() async throws {
        try await SimulatedEngine.with { simulated in
            let first = try await Self.up(simulated, Self.web(1))
            #expect(first.status == .succeeded)
            let before = Set(simulated.machine.world.containers.keys)
            let begun = simulated.machine.world.journal.count
            let second = try await Self.up(simulated, Self.web(2))
            #expect(second.status == .succeeded, "\(second.errors)")
            let journal = simulated.machine.world.journal[begun...].filter { line in
                ["create", "drain", "signal", "spawn"].contains { line.hasPrefix($0) }
            }
            #expect(Set(journal.prefix(2)) == ["create demo-web-1", "create demo-web-2"], "\(journal)")
            #expect(
                Array(journal.dropFirst(2)) == [
                    "drain demo-web-1", "signal 15", "spawn demo-web-1", "drain demo-web-2", "signal 15",
                    "spawn demo-web-2",
                ], "\(journal)")
            let world = simulated.machine.world
            #expect(world.containers.count == 2 && before.isDisjoint(with: world.containers.keys))
            #expect(world.containers.values.allSatisfy { $0.phase == .running })
            #expect(world.violations.isEmpty, "\(world.violations)")
            let again = try await Self.up(simulated, Self.web(2))
            #expect(again.changes == 0)
            let history = try await simulated.engine.history(of: "web", in: "demo")
            #expect(history.map(\.number) == [2, 1] && history[0].changes == ["environment.LEVEL changed"])
            #expect(history.map(\.isCurrent) == [true, false] && history.map(\.cause) == [.up, .up])
        }
    }

    @Test("start-first: the port changes hands between two that run")
    func startFirst() async throws {
        try await SimulatedEngine.with { simulated in
            let first = try await Self.up(simulated, Self.web(1, scale: 1) { $0.order = .startFirst })
            #expect(first.status == .succeeded)
            let old = await Self.rows(simulated)
            let begun = simulated.machine.world.journal.count
            let second = try await Self.up(simulated, Self.web(2, scale: 1) { $0.order = .startFirst })
            #expect(second.status == .succeeded, "\(second.errors)")
            let journal = simulated.machine.world.journal[begun...]
            let spawn = journal.firstIndex(of: "spawn demo-web-1") ?? .max
            let drain = journal.firstIndex(of: "drain demo-web-1") ?? 0
            let signal = journal.firstIndex(of: "signal 15") ?? 0
            #expect(spawn < drain && drain < signal, "\(journal)")
            let new = await Self.rows(simulated)
            #expect(new.count == 1 && new[0].id != old[0].id && new[0].name == old[0].name)
            #expect(new[0].ports.map(\.hostPort) == old[0].ports.map(\.hostPort))
            #expect(simulated.machine.world.ports == [8080: new[0].id])
            #expect(simulated.machine.world.published == ["8080/tcp"])
            #expect(simulated.machine.world.violations.isEmpty, "\(simulated.machine.world.violations)")
        }
    }

    @Test(
        "a version that falls ill is rolled back by itself, and the rest was never touched",
        arguments: [UpdateRules.Order.stopFirst, .startFirst])
    func rollback(order: UpdateRules.Order) async throws {
        try await SimulatedEngine.with { simulated in
            func web(_ level: Int) -> Service {
                Self.web(level) {
                    $0.order = order
                    $0.failureAction = .rollback
                }
            }
            let first = try await Self.up(simulated, web(1))
            #expect(first.status == .succeeded)
            let before = Set(simulated.machine.world.containers.keys)
            var faults = SimulatedMachine.Faults()
            faults.endingRuns = 1
            simulated.machine.setFaults(faults)
            let request = OperationRequest(key: "update", verb: .up(UpOptions()), project: Self.project(web(2)))
            let operation = try await simulated.engine.submit(request, to: "demo")
            for await _ in operation.events() {}
            let outcome = try #require(operation.outcome)
            #expect(outcome.status == .failed)
            #expect(outcome.errors.contains { $0.message.contains("rolled back") }, "\(outcome.errors.map(\.message))")
            try await simulated.eventually { Set($0.machine.world.containers.keys) == before }
            #expect(simulated.machine.world.containers.values.allSatisfy { $0.phase == .running })
            #expect(await Self.rows(simulated).count == 2)
            let history = try await simulated.engine.history(of: "web", in: "demo")
            #expect(history.map(\.cause) == [.failedUpdate, .up, .up])
            #expect(simulated.machine.world.violations.isEmpty, "\(simulated.machine.world.violations)")
        }
    }

    @Test(
        "a version that fails pauses the update: the others stay as they were, also after healing, until `up` asks again"
    )
    func pause() async throws {
        try await SimulatedEngine.with { simulated in
            let first = try await Self.up(simulated, Self.web(1))
            #expect(first.status == .succeeded)
            let second = await Self.rows(simulated)[1].id
            var faults = SimulatedMachine.Faults()
            faults.crashesAtOnce = 1000
            simulated.machine.setFaults(faults)
            let outcome = try await Self.up(simulated, Self.web(2))
            #expect(outcome.status == .failed)
            #expect(outcome.errors.contains { $0.message.contains("paused") }, "\(outcome.errors.map(\.message))")
            simulated.machine.setFaults(.init())
            simulated.machine.loseNetwork("demo_default")
            try await simulated.eventually { $0.machine.world.lostNetworks.isEmpty }
            #expect(await Self.rows(simulated).map(\.id).contains(second))
            let again = try await Self.up(simulated, Self.web(2))
            #expect(again.status == .succeeded, "\(again.errors)")
            #expect(await !Self.rows(simulated).map(\.id).contains(second))
        }
    }

    @Test("within the share that may fail, and with `continue`, an update goes on and says so")
    func tolerated() async throws {
        try await SimulatedEngine.with { simulated in
            for (level, edit) in [
                (2, { (rules: inout UpdateRules) in rules.maxFailureRatio = 1 }),
                (3, { (rules: inout UpdateRules) in rules.failureAction = .continue }),
            ] {
                simulated.machine.setFaults(.init())
                _ = try await Self.up(simulated, Self.web(1, edit))
                let before = Set(await Self.rows(simulated).map(\.id))
                var faults = SimulatedMachine.Faults()
                faults.crashesAtOnce = 1000
                simulated.machine.setFaults(faults)
                let outcome = try await Self.up(simulated, Self.web(level, edit))
                #expect(outcome.status == .succeeded, "\(outcome.errors)")
                #expect(before.isDisjoint(with: await Self.rows(simulated).map(\.id)))
            }
        }
    }

    @Test("`rollback` brings back what was, `rollback` again what is, and a version by its number")
    func rollbackVerb() async throws {
        try await SimulatedEngine.with { simulated in
            simulated.machine.addImage("busybox", id: "sha256:1")
            _ = try await Self.up(simulated, Self.web(1))
            simulated.machine.addImage("busybox", id: "sha256:2")
            // Only the image is another one.
            _ = try await Self.up(simulated, Self.web(1))
            #expect(await Self.rows(simulated).allSatisfy { $0.imageID == "sha256:2" })
            func roll(to number: Int?) async throws -> OperationOutcome {
                let operation = try await simulated.engine.submit(
                    OperationRequest(key: simulated.machine.newID(), verb: .rollback(to: number), services: ["web"]),
                    to: "demo")
                for await _ in operation.events() {}
                return operation.outcome ?? OperationOutcome(status: .failed)
            }
            simulated.machine.addImage("old", id: "sha256:1")
            let back = try await roll(to: nil)
            #expect(back.status == .succeeded, "\(back.errors)")
            #expect(await Self.rows(simulated).allSatisfy { $0.imageID == "sha256:1" })
            let forth = try await roll(to: nil)
            #expect(forth.status == .succeeded)
            #expect(await Self.rows(simulated).allSatisfy { $0.imageID == "sha256:2" })
            let first = try await roll(to: 1)
            #expect(first.status == .succeeded)
            #expect(await Self.rows(simulated).allSatisfy { $0.imageID == "sha256:1" })
            let missing = try await roll(to: 99)
            #expect(missing.status == .failed && missing.errors.map(\.message).contains { $0.contains("99") })
            let history = try await simulated.engine.history(of: "web", in: "demo")
            #expect(history.map(\.number) == [5, 4, 3, 2, 1])
            #expect(history.map(\.cause) == [.rollback, .rollback, .rollback, .up, .up])
            #expect(history[3].changes.contains { $0.contains("image") })
        }
    }

    @Test("open connections to ports that somebody listens on are seen, others are not")
    func inbound() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
        let listening = "   0: 00000000:0050 00000000:0000 0A 00000000:00000000\n"
        let inbound = "   1: 0200A8C0:0050 0300A8C0:9C40 01 00000000:00000000\n"
        let outbound = "   2: 0200A8C0:9C41 0300A8C0:1538 01 00000000:00000000\n"
        let waiting = "   3: 0200A8C0:0050 0300A8C0:9C42 06 00000000:00000000\n"
        #expect(InboundConnections.areOpen(in: [head + listening + inbound]))
        #expect(InboundConnections.areOpen(in: [head + inbound, head + listening]))
        #expect(!InboundConnections.areOpen(in: [head + listening + outbound + waiting]))
        #expect(!InboundConnections.areOpen(in: [head + inbound, ""]))
    }
}
