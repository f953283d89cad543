import Engine
import EngineWire
import Glibc
import ProjectModel
import Testing

/// `kill` sends a signal and no more; what ends by it is not started again.
@Suite struct KillTests {
    private func service() -> Service {
        var service = SimulatedEngine.service("web")
        service.restart = .always
        return service
    }

    private func record(_ simulated: SimulatedEngine) async throws -> ContainerRow {
        try #require(await simulated.engine.containers(of: "demo", all: true).first)
    }

    @Test("a process that takes no notice of the stop signal runs on, and is not killed", arguments: ["TERM", "HUP"])
    func ignored(signal: String) async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.expect(.succeeded, .up(UpOptions()), [service()])
            var faults = SimulatedMachine.Faults()
            faults.processesAreDeaf = true
            simulated.machine.setFaults(faults)
            try await simulated.expect(.succeeded, .kill(signal: signal, removeOrphans: false))
            #expect(await simulated.states() == ["demo-web-1": .running])
            #expect(!simulated.machine.world.journal.contains("signal 9"))
            // It ends later, as a consequence.
            try simulated.end("demo-web-1", code: 0)
            try await simulated.eventually { await $0.states() == ["demo-web-1": .exited] }
            #expect(try await record(simulated).reason == "ended after SIG\(signal) from berth, with code 0")
            try await simulated.expect(.succeeded, .up(UpOptions()), [service()])
            #expect(await simulated.states() == ["demo-web-1": .running])
            // That start is another life: its end is a matter of the policy again.
            try simulated.end("demo-web-1", code: 0)
            try await simulated.eventually { simulated in
                try await simulated.engine.container("demo-web-1").state == .running
                    && simulated.machine.world.journal.filter { $0.hasPrefix("spawn") }.count >= 3
            }
        }
    }

    @Test("the engine does not start what a signal has ended, nor does the next engine")
    func staysDown() async throws {
        let folder = try SimulatedEngine.temporaryFolder()
        let machine = SimulatedMachine(seed: 1)
        let simulated = try await SimulatedEngine(folder: folder, machine: machine)
        await simulated.engine.start()
        try await simulated.expect(.succeeded, .up(UpOptions()), [service()])
        try await simulated.expect(.succeeded, .kill(signal: "TERM", removeOrphans: false))
        try await simulated.eventually { await $0.states() == ["demo-web-1": .exited] }
        let next = try await SimulatedEngine(folder: folder, machine: SimulatedMachine(seed: 2, world: machine.world))
        await next.engine.start()
        #expect(await next.states() == ["demo-web-1": .exited])
        try await next.expect(.succeeded, .start(wait: false, waitTimeout: nil))
        #expect(await next.states() == ["demo-web-1": .running])
    }
}
