import Engine
import EngineWire
import ProjectModel
import Testing

/// `down --rmi` and what it says.
@Suite struct ImageRemovalTests {
    /// Two services with one image, one that is built under its own name, one that is built under a name of somebody's.
    private static var services: [Service] {
        var services = ["a", "b", "built", "named"].map(SimulatedEngine.service)
        services[2].build = BuildDefinition(context: "/app")
        services[2].image = "demo-built"
        services[3].build = BuildDefinition(context: "/app")
        services[3].image = "registry.example/named:1"
        return services
    }

    private func down(
        _ removal: DownOptions.ImageRemoval?, _ names: [String] = [], dryRun: Bool = false,
        before: (SimulatedEngine) async throws -> Void = { _ in }
    ) async throws -> [String] {
        try await SimulatedEngine.with { simulated in
            simulated.machine.addImage("demo-built", id: "sha256:2")
            simulated.machine.addImage("registry.example/named:1", id: "sha256:3")
            let up = try await simulated.perform(.up(UpOptions()), Self.services)
            #expect(up.status == .succeeded, "\(up.errors)")
            try await before(simulated)
            var options = DownOptions()
            options.images = removal
            let request = OperationRequest(
                key: "down", verb: .down(options), project: Project(name: "demo", services: Self.services),
                services: names, dryRun: dryRun)
            let operation = try await simulated.engine.submit(request, to: "demo")
            var lines: [String] = []
            for await event in operation.events() {
                if case .object(let object) = event, object.kind == .image {
                    lines.append("\(object.name) \(object.status)")
                }
                if case .planned(let plan) = event {
                    lines += plan.actions.map(\.text).filter { $0.hasPrefix("remove image") }
                }
            }
            #expect(operation.outcome?.status == .succeeded)
            return lines
        }
    }

    @Test("all takes each image once, local those without a name of their own, a service's name only its own")
    func which() async throws {
        #expect(try await down(nil) == [])
        #expect(
            try await down(.all) == [
                "busybox Removing", "busybox Removed", "demo-built Removing", "demo-built Removed",
                "registry.example/named:1 Removing", "registry.example/named:1 Removed",
            ])
        #expect(try await down(.local) == ["demo-built Removing", "demo-built Removed"])
        #expect(
            try await down(.all, ["named"]) == [
                "registry.example/named:1 Removing", "registry.example/named:1 Removed",
            ])
        #expect(try await down(.local, ["a"]) == [])
    }

    @Test("an image that another container uses stays, which is said and no failure")
    func inUse() async throws {
        #expect(try await down(.all, ["a"]) == ["busybox Removing", "busybox Resource is still in use"])
    }

    @Test("an image that is gone already is no failure")
    func missing() async throws {
        let lines = try await down(.local) { simulated in
            _ = try await simulated.machine.removeImage("demo-built", inUse: [])
        }
        #expect(lines == ["demo-built Removing", "demo-built Warning: No resource found to remove"])
    }

    @Test("a dry run names the images and keeps them")
    func dryRun() async throws {
        #expect(try await down(.local, dryRun: true) == ["remove image demo-built"])
    }
}

/// Anonymous volumes after `rm`.
@Suite struct RemovedVolumeTests {
    @Test(
        "rm keeps anonymous volumes for the next container at their place, rm -v takes them along",
        arguments: [true, false])
    func volumes(taken: Bool) async throws {
        try await SimulatedEngine.with { simulated in
            var service = SimulatedEngine.service("db")
            service.volumes = [ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/data")]
            try await simulated.perform(.up(UpOptions()), [service])
            let first = await simulated.engine.volumes(of: nil).map(\.name)
            #expect(first.count == 1)
            try await simulated.perform(.remove(stop: true, volumes: taken))
            #expect(await simulated.engine.volumes(of: nil).map(\.name) == (taken ? [] : first))
            try await simulated.perform(.up(UpOptions()), [service])
            let second = await simulated.engine.volumes(of: nil).map(\.name)
            #expect(second.count == 1 && (second == first) == !taken)
            // An `rm` of once upon a time has no say in a later `down`.
            try await simulated.perform(.remove(stop: true, volumes: false))
            try await simulated.perform(.down(DownOptions()))
            #expect(await simulated.engine.volumes(of: nil).isEmpty)
        }
    }
}
