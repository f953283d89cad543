import Engine
import EngineWire
import ProjectModel
import Testing

/// Volumes are mounted for the containers that run, and their place is stored.
@Suite("Mounts of volumes") struct VolumeMountTests {
    private static func project(_ services: String...) -> Project {
        var project = Project(
            name: "demo",
            services: services.map { name in
                var service = SimulatedEngine.service(name)
                service.volumes = [
                    ServiceVolume(kind: .volume(source: "data", noCopy: false, subpath: nil), target: "/data"),
                    ServiceVolume(kind: .volume(source: "data", noCopy: false, subpath: nil), target: "/again"),
                    ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/scratch"),
                ]
                return service
            })
        project.volumes = ["data": VolumeDefinition(name: "demo_data")]
        return project
    }

    @Test("each is mounted before a container starts that uses it, and unmounted when that has ended, however it ends")
    func mounts() async throws {
        try await SimulatedEngine.with { simulated in
            func users() -> Set<String> { simulated.machine.world.mounts["demo_data"] ?? [] }
            func id(_ service: String) -> String? {
                simulated.machine.world.containers.first { $0.value.name == "demo-\(service)-1" }?.key
            }
            try await simulated.perform(.up(UpOptions()), project: Self.project("a", "b"))
            let (a, b) = (try #require(id("a")), try #require(id("b")))
            #expect(users() == [a, b] && simulated.machine.world.mounts.count == 3)
            try await simulated.expect(.succeeded, .stop(timeout: nil))
            #expect(simulated.machine.world.mounts.isEmpty)
            try await simulated.expect(.succeeded, .start(wait: false, waitTimeout: nil))
            #expect(users() == [a, b])
            try simulated.end("demo-a-1", code: 3)
            try await simulated.eventually { _ in users() == [b] }
            var faults = SimulatedMachine.Faults()
            faults.releaseFails = 1000
            simulated.machine.setFaults(faults)
            try await simulated.perform(.start(wait: false, waitTimeout: nil), project: Self.project("a", "b"))
            #expect(users() == [b], "one that could not be started holds a mount")
            simulated.machine.setFaults(.init())
            try await simulated.perform(.down(DownOptions()), project: Self.project("a", "b"))
            #expect(simulated.machine.world.mounts.isEmpty && simulated.machine.world.violations.isEmpty)
        }
    }

    @Test("where a volume is stays known to a new engine, also of one that an earlier release made")
    func mountpoint() async throws {
        try await SimulatedEngine.with { first in
            try await first.perform(.up(UpOptions()), project: Self.project("a"))
            func place(_ simulated: SimulatedEngine) async -> String? {
                await simulated.engine.volumes(of: "demo").first { $0.name == "demo_data" }?.mountpoint
            }
            #expect(await place(first) == "/simulated/demo_data")
            let store = try Store(path: "\(first.folder)/engine.db")
            var earlier = try #require(try await store.load().volumes.first { $0.name == "demo_data" })
            #expect(earlier.mountpoint == "/simulated/demo_data" && earlier.driver == "local")
            earlier.mountpoint = nil
            try await store.save(earlier)
            let second = try await SimulatedEngine(
                folder: first.folder, machine: SimulatedMachine(seed: 2, world: first.machine.world))
            await second.engine.start()
            try await second.eventually { await place($0) == "/simulated/demo_data" }
        }
    }
}
