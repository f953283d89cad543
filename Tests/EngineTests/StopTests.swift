import Engine
import EngineWire
import ProjectModel
import Testing

@Suite struct StopTests {
    @Test("waiting for the end of a container is one wait, not a row of looks")
    func oneWait() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
            var faults = SimulatedMachine.Faults()
            faults.processesAreDeaf = true
            simulated.machine.setFaults(faults)
            let before = simulated.machine.waits
            let stop = try await simulated.perform(.stop(timeout: .seconds(60)))
            #expect(stop.status == .succeeded)
            // For the first second, for the rest of the grace period, for the kill.
            #expect(simulated.machine.waits - before <= 3)
        }
    }

    @Test("who has had enough of waiting does not wait for the grace period", .timeLimit(.minutes(1)))
    func forced() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
            var faults = SimulatedMachine.Faults()
            faults.processesAreDeaf = true
            simulated.machine.setFaults(faults)
            let stop = try await simulated.submit(.stop(timeout: .seconds(1_000_000)))
            try await simulated.eventually { $0.machine.world.journal.contains("signal 15") }
            stop.cancel(force: true)
            for await _ in stop.events() {}
            #expect(await simulated.states() == ["demo-web-1": .exited])
        }
    }

    @Test("a stop signal that does not exist keeps no container from being stopped")
    func unknownSignal() async throws {
        try await SimulatedEngine.with { simulated in
            var service = SimulatedEngine.service("web")
            service.template.stopSignal = "SIGFOO"
            try await simulated.perform(.up(UpOptions()), [service])
            let stop = try await simulated.perform(.stop(timeout: .seconds(5)))
            #expect(stop.status == .succeeded, "\(stop.errors)")
            #expect(await simulated.states() == ["demo-web-1": .exited])
        }
    }

    @Test("a signal that cannot be sent is not taken for one that nobody hears")
    func signalFails() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
            var faults = SimulatedMachine.Faults()
            faults.signalsFail = true
            simulated.machine.setFaults(faults)
            let stop = try await simulated.perform(.stop(timeout: .seconds(1_000_000)))
            #expect(stop.status == .succeeded)
            try await simulated.eventually { simulated in
                let record = try await Store(path: "\(simulated.folder)/engine.db").load().containers.first
                return record?.endCause == .notSent(signal: "SIGTERM", reason: "simulated failure of kill")
            }
        }
    }

    @Test("a latch wakes all who wait, and those who come later do not wait")
    func latch() async {
        let latch = Latch()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 { group.addTask { await latch.wait() } }
            latch.set()
        }
        await latch.wait()
        #expect(latch.isSet)
    }
}
