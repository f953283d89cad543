import Engine
import EngineWire
import ProjectModel
import Testing

/// What stories on a simulated machine say.
extension SimulatedEngine {
    func perform(_ verb: Verb, project: Project) async throws {
        let operation = try await engine.submit(
            OperationRequest(key: machine.newID(), verb: verb, project: project), to: "demo")
        for await _ in operation.events() {}
    }

    func expect(
        _ status: OperationOutcome.Status, _ verb: Verb, _ services: [Service]? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await perform(verb, services)
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
    }

    /// A service that waits for its health for ever: from now on no probe succeeds.
    func neverHealthy(_ name: String) -> Service {
        var faults = SimulatedMachine.Faults()
        faults.probesFail = 1000
        machine.setFaults(faults)
        var service = Self.service(name)
        service.healthcheck = Healthcheck(test: ["CMD", "true"])
        service.healthcheck?.retries = 1_000_000
        return service
    }

    /// What `ps -a` shows, by name.
    func states() async -> [String: ContainerRow.State] {
        let rows = await engine.containers(of: "demo", all: true)
        return Dictionary(rows.map { ($0.name, $0.state) }) { first, _ in first }
    }

    /// Waits until `condition` holds; gives up after ten seconds.
    func eventually(
        _ condition: (SimulatedEngine) async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for _ in 0..<1000 {
            if try await condition(self) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("it did not come to that", sourceLocation: sourceLocation)
    }

    /// A container ends by itself.
    func end(_ name: String, code: Int) throws {
        let id = try #require(machine.world.containers.first { $0.value.name == name }?.key)
        machine.end(id, code: code)
    }
}
