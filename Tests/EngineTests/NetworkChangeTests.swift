import Engine
import EngineWire
import ProjectModel
import Testing

/// What is told to the machine of networks: what changed, and nothing of others.
@Suite("Changes of networks") struct NetworkChangeTests {
    private static func project(_ name: String, services: Int) -> Project {
        var project = Project(
            name: name,
            services: (0..<services).map { number in
                var service = SimulatedEngine.service("s\(number)")
                service.networks = [NetworkAttachment(network: "default")]
                service.ports = [PortMapping(target: 80)]
                return service
            })
        project.networks = ["default": NetworkDefinition(name: "\(name)_default")]
        return project
    }

    private static func perform(_ simulated: SimulatedEngine, _ verb: Verb, _ project: Project) async throws {
        let operation = try await simulated.engine.submit(
            OperationRequest(key: simulated.machine.newID(), verb: verb, project: project), to: project.name)
        for await _ in operation.events() {}
        #expect(operation.outcome?.status == .succeeded, "\(operation.outcome?.errors ?? [])")
    }

    @Test("what one project does names no container of another, whatever it is")
    func onlyItsOwn() async throws {
        try await SimulatedEngine.with { simulated in
            try await Self.perform(simulated, .up(UpOptions()), Self.project("neighbour", services: 5))
            let neighbours = Set(simulated.machine.world.containers.keys)
            let own = Self.project("own", services: 2)
            // What is left to tell of the neighbour goes along with the first change.
            try await Self.perform(simulated, .create(UpOptions()), own)
            let before = simulated.machine.world.networkChanges.count
            var recreate = UpOptions()
            recreate.recreate = .force
            for verb in [
                .up(UpOptions()), .restart(timeout: nil, dependents: true), .up(recreate), .stop(timeout: nil),
                .start(wait: false, waitTimeout: nil), .down(DownOptions()),
            ] as [Verb] {
                try await Self.perform(simulated, verb, own)
            }
            let changes = simulated.machine.world.networkChanges.dropFirst(before)
            #expect(!changes.isEmpty)
            #expect(changes.allSatisfy { $0.isDisjoint(with: neighbours) })
            #expect(simulated.machine.world.publishedBy.keys.sorted() == neighbours.sorted())
        }
    }

    @Test("what could not be told is told the next time, and a new engine tells everything")
    func toldAgain() async throws {
        try await SimulatedEngine.with { simulated in
            try await Self.perform(simulated, .up(UpOptions()), Self.project("first", services: 2))
            var faults = SimulatedMachine.Faults()
            faults.rulesFail = 1000
            simulated.machine.setFaults(faults)
            let id = try #require(simulated.machine.world.containers.first?.key)
            simulated.machine.end(id, code: 0)
            try await simulated.eventually { await $0.engine.containers(of: "first", all: false).count == 1 }
            #expect(simulated.machine.world.publishedBy.count == 2)
            simulated.machine.setFaults(.init())
            try await simulated.eventually { $0.machine.world.publishedBy.count == 1 }

            var world = simulated.machine.world
            world.publishedBy = ["gone": ["1/tcp"]]
            let second = try await SimulatedEngine(
                folder: simulated.folder, machine: SimulatedMachine(seed: 2, world: world))
            await second.engine.start()
            try await second.eventually { $0.machine.world.publishedBy.count == 1 }
            #expect(second.machine.world.publishedBy["gone"] == nil)
        }
    }
}
