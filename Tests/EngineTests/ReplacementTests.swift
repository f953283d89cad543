import Engine
import EngineWire
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
            #expect(journal.firstIndex(of: "remove demo-web-1") ?? 0 < journal.firstIndex(of: "spawn demo-web-1") ?? 0)
            let new = await simulated.engine.containers(of: "demo", all: true).first { $0.service == "web" }
            #expect(new?.id != old?.id)
            #expect(new?.networks.map(\.addresses) == old?.networks.map(\.addresses))
            #expect(simulated.machine.world.violations.isEmpty)
        }
    }
}
