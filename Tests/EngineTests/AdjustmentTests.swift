import Engine
import EngineWire
import ProjectModel
import Testing

/// Changes in place, through a machine that refuses and an engine that dies.
@Suite("Changes in place") struct AdjustmentTests {
    private static func project(_ networks: [String], _ edit: (inout Service) -> Void = { _ in }) -> Project {
        var web = SimulatedEngine.service("web")
        web.scale = 2
        web.networks = networks.map { NetworkAttachment(network: $0) }
        edit(&web)
        var project = Project(name: "demo", services: [web])
        for key in ["a", "b"] { project.networks[key] = NetworkDefinition(name: "demo_\(key)") }
        return project
    }

    private static func up(_ simulated: SimulatedEngine, _ project: Project) async throws -> OperationOutcome {
        let operation = try await simulated.engine.submit(
            OperationRequest(key: simulated.machine.newID(), verb: .up(UpOptions()), project: project), to: "demo")
        for await _ in operation.events() {}
        return operation.outcome ?? OperationOutcome(status: .failed)
    }

    @Test("a network that cannot be joined leaves nothing of it; the next `up` joins it, and nothing was made anew")
    func cannotAttach() async throws {
        try await SimulatedEngine.with { simulated in
            let first = try await Self.up(simulated, Self.project(["a"]))
            #expect(first.status == .succeeded)
            let before = simulated.machine.world.containers
            var faults = SimulatedMachine.Faults()
            faults.attachFails = 1000
            simulated.machine.setFaults(faults)
            let wanted = Self.project(["a", "b"]) { $0.restart = .always }
            #expect(try await Self.up(simulated, wanted).status == .failed)
            let rows = await simulated.engine.containers(of: "demo", all: true)
            #expect(rows.allSatisfy { $0.networks.map(\.name) == ["demo_a"] })
            simulated.machine.setFaults(.init())
            #expect(try await Self.up(simulated, wanted).status == .succeeded)
            let world = simulated.machine.world
            #expect(Set(world.containers.keys) == Set(before.keys))
            #expect(world.containers.values.allSatisfy { $0.networks == ["demo_a", "demo_b"] && $0.phase == .running })
            #expect(try await Self.up(simulated, wanted).changes == 0)
            #expect(world.violations.isEmpty)
        }
    }

    @Test("a limit that the kernel refuses leaves the old one and the old ports, and says so")
    func refusedLimit() async throws {
        try await SimulatedEngine.with { simulated in
            let old = Self.project([]) {
                $0.scale = 1
                $0.networks = [NetworkAttachment(network: "a")]
                $0.ports = [PortMapping(target: 80, published: "8080")]
            }
            let first = try await Self.up(simulated, old)
            #expect(first.status == .succeeded)
            var faults = SimulatedMachine.Faults()
            faults.attachFails = 1000
            simulated.machine.setFaults(faults)
            let new = Self.project([]) {
                $0.scale = 1
                $0.networks = [NetworkAttachment(network: "a")]
                $0.ports = [PortMapping(target: 80, published: "8081")]
                $0.resources.memory = 1 << 26
            }
            #expect(try await Self.up(simulated, new).status == .failed)
            #expect(simulated.machine.world.ports.keys.sorted() == [8080])
            simulated.machine.setFaults(.init())
            #expect(try await Self.up(simulated, new).status == .succeeded)
            #expect(simulated.machine.world.ports.keys.sorted() == [8081])
            #expect(simulated.machine.world.containers.values.map(\.memory) == [1 << 26])
        }
    }
}
