import Engine
import EngineWire
import Linux
import ProjectModel
import Testing

/// A container that takes another's place: what cannot be made changes nothing.
@Suite("Replacements") struct ReplacementTests {
    /// `web` on a network, with an anonymous volume; `side` in its namespace; `page` that restarts with it.
    private static func project(level: Int) -> Project {
        var web = SimulatedEngine.service("web")
        web.environment["LEVEL"] = "\(level)"
        web.networks = [NetworkAttachment(network: "default")]
        web.ports = [PortMapping(target: 80, published: "8080")]
        web.volumes = [ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/scratch")]
        var side = SimulatedEngine.service("side")
        side.networkMode = .service("web")
        side.dependsOn = [Dependency(service: "web")]
        var page = SimulatedEngine.service("page")
        page.dependsOn = [Dependency(service: "web", restart: true)]
        var project = Project(name: "demo", services: [page, side, web])
        project.networks = ["default": NetworkDefinition(name: "demo_default")]
        return project
    }

    private static func up(_ simulated: SimulatedEngine, level: Int) async throws -> OperationOutcome {
        let request = OperationRequest(
            key: simulated.machine.newID(), verb: .up(UpOptions()), project: project(level: level))
        let operation = try await simulated.engine.submit(request, to: "demo")
        for await _ in operation.events() {}
        return operation.outcome ?? OperationOutcome(status: .failed)
    }

    @Test("one that cannot be made leaves all as it was, and the next `up` does it")
    func cannotBeMade() async throws {
        try await SimulatedEngine.with { simulated in
            #expect(try await Self.up(simulated, level: 1).status == .succeeded)
            let before = simulated.machine.world
            var faults = SimulatedMachine.Faults()
            faults.createFails = 1000
            simulated.machine.setFaults(faults)
            let outcome = try await Self.up(simulated, level: 2)
            #expect(outcome.status == .failed)
            #expect(outcome.errors.map(\.message).contains { $0.contains("simulated failure") })
            let after = simulated.machine.world
            #expect(after.containers == before.containers)
            #expect(after.volumes == before.volumes && after.ports == before.ports)
            #expect(await simulated.engine.containers(of: "demo", all: true).count == 3)
            simulated.machine.setFaults(.init())
            #expect(try await Self.up(simulated, level: 2).status == .succeeded)
            let world = simulated.machine.world
            #expect(world.containers.count == 3 && world.containers.values.allSatisfy { $0.phase == .running })
            #expect(Set(world.containers.keys).subtracting(before.containers.keys).count == 2)
            #expect(world.removedVolumes.isEmpty && world.volumes == before.volumes)
            #expect(world.violations.isEmpty)
        }
    }

    @Test(
        "one that cannot be started gives its place back, with all who stopped for it; nothing tries again until a verb asks"
    )
    func cannotBeStarted() async throws {
        try await SimulatedEngine.with { simulated in
            _ = try await Self.up(simulated, level: 1)
            let before = simulated.machine.world
            let rows = await simulated.engine.containers(of: "demo", all: true)
            var faults = SimulatedMachine.Faults()
            faults.failingSpawns = 1
            simulated.machine.setFaults(faults)
            let outcome = try await Self.up(simulated, level: 2)
            #expect(outcome.status == .failed)
            let messages = outcome.errors.map(\.message)
            #expect(messages.contains { $0.contains("runs again") && $0.contains("simulated failure") }, "\(messages)")
            let after = simulated.machine.world
            #expect(Set(after.containers.keys) == Set(before.containers.keys))
            #expect(after.containers.values.allSatisfy { $0.phase == .running }, "\(after.containers.values)")
            #expect(after.ports == before.ports && after.volumes == before.volumes)
            let again = await simulated.engine.containers(of: "demo", all: true)
            #expect(again.map(\.networks) == rows.map(\.networks))
            // Healing leaves it so; a verb tries again.
            simulated.machine.loseNetwork("demo_default")
            try await simulated.eventually { $0.machine.world.lostNetworks.isEmpty }
            #expect(Set(simulated.machine.world.containers.keys) == Set(before.containers.keys))
            let last = try await Self.up(simulated, level: 2)
            #expect(last.status == .succeeded)
            let world = simulated.machine.world
            #expect(world.containers.count == 3 && world.containers.values.allSatisfy { $0.phase == .running })
            #expect(world.violations.isEmpty, "\(world.violations)")
        }
    }

    @Test(
        "an engine killed at any step of a replacement leaves one of the two, and the next engine finishes it",
        arguments: 0..<28)
    func killed(step: Int) async throws {
        for takesEffect in [false, true] {
            let folder = try SimulatedEngine.temporaryFolder()
            defer { try? removeTree(folder) }
            let machine = SimulatedMachine(seed: UInt64(step))
            let first = try await SimulatedEngine(folder: "\(folder)/0", machine: machine)
            await first.engine.start()
            _ = try await Self.up(first, level: 1)
            machine.plan(
                .init(afterCalls: step, takesEffect: takesEffect) {
                    EngineLife.copyDatabase(from: "\(folder)/0", to: "\(folder)/1")
                })
            let operation = try await first.engine.submit(
                OperationRequest(key: "k", verb: .up(UpOptions()), project: Self.project(level: 2)), to: "demo")
            let watch = Task {
                while !machine.isCrashed { try await Task.sleep(for: .milliseconds(1)) }
                operation.cancel(force: true)
            }
            for await _ in operation.events() {}
            watch.cancel()
            guard machine.isCrashed else { continue }
            let next = SimulatedMachine(seed: 7, world: machine.world, clock: machine.now() + 1_000_000)
            let second = try await SimulatedEngine(folder: "\(folder)/1", machine: next)
            await second.engine.start()
            try await second.eventually { simulated in
                let up = simulated.machine.world.containers.values.filter { $0.phase == .running }.map(\.name).sorted()
                return up == ["demo-page-1", "demo-side-1", "demo-web-1"]
                    && simulated.machine.world.containers.count == 3
            }
            #expect(try await Self.up(second, level: 2).status == .succeeded)
            #expect(next.world.violations.isEmpty, "\(next.world.violations)\n\(next.world.journal)")
            #expect(next.world.ports.count == 1)
        }
    }

    @Test("it is made before the old one stops, keeps its addresses, and is not seen until then")
    func madeFirst() async throws {
        try await SimulatedEngine.with { simulated in
            _ = try await Self.up(simulated, level: 1)
            let old = await simulated.engine.containers(of: "demo", all: true).first { $0.service == "web" }
            let begun = simulated.machine.world.journal.count
            _ = try await Self.up(simulated, level: 2)
            let journal = simulated.machine.world.journal[begun...].filter {
                ["create demo-web-1", "signal 15", "remove demo-web-1", "spawn demo-web-1"].contains($0)
            }
            #expect(journal.first == "create demo-web-1")
            #expect(journal.firstIndex(of: "spawn demo-web-1") ?? 0 < journal.firstIndex(of: "remove demo-web-1") ?? 0)
            let new = await simulated.engine.containers(of: "demo", all: true).first { $0.service == "web" }
            #expect(new?.id != old?.id)
            #expect(new?.networks.map(\.addresses) == old?.networks.map(\.addresses))
            #expect(simulated.machine.world.violations.isEmpty)
        }
    }
}
