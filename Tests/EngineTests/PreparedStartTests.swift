import Engine
import EngineWire
import ProjectModel
import Testing

@Suite("Starts of a chain") struct PreparedStartTests {
    private func chain(_ count: Int) -> [Service] {
        (0..<count).map { number in
            var service = SimulatedEngine.service("s\(number)")
            if number > 0 { service.dependsOn = [Dependency(service: "s\(number - 1)", condition: .started)] }
            return service
        }
    }

    @Test("processes are made side by side, and start in the order of the chain")
    func order() async throws {
        try await SimulatedEngine.with { simulated in
            let up = try await simulated.perform(.up(UpOptions()), chain(10))
            #expect(up.status == .succeeded)
            let containers = simulated.machine.world.containers
            let releases = simulated.machine.world.journal.filter { $0.hasPrefix("release ") }
            let ids = (0..<10).compactMap { number in
                containers.first { $0.value.name == "demo-s\(number)-1" }?.key
            }
            #expect(releases == ids.map { "release \($0.prefix(4))" })
            #expect(simulated.machine.world.violations == [])
            let journal = simulated.machine.world.journal
            let lastSpawn = try #require(journal.lastIndex { $0.hasPrefix("spawn ") })
            let lastRelease = try #require(journal.lastIndex { $0.hasPrefix("release ") })
            #expect(journal[lastSpawn...lastRelease].count { $0.hasPrefix("release ") } > 1)
        }
    }

    @Test("when a start fails, nothing waits at its gate for a turn that does not come")
    func failure() async throws {
        try await SimulatedEngine.with { simulated in
            var faults = SimulatedMachine.Faults()
            faults.releaseFails = 1000
            simulated.machine.setFaults(faults)
            let up = try await simulated.perform(.up(UpOptions()), chain(5))
            #expect(up.status == .failed)
            #expect(!simulated.machine.world.containers.values.contains { $0.phase == .held })
            simulated.machine.setFaults(.init())
            let again = try await simulated.perform(.up(UpOptions()), chain(5))
            #expect(again.status == .succeeded)
            #expect(simulated.machine.world.violations == [])
            #expect(await simulated.states().values.allSatisfy { $0 == .running })
        }
    }
}
