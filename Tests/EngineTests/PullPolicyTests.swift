import Engine
import EngineWire
import ProjectModel
import Testing

/// Which images an operation fetches.
@Suite struct PullPolicyTests {
    /// The image is here since an hour, for linux/amd64.
    static let cases: [(PullPolicy?, platform: String?, isBuilt: Bool, isPulled: Bool)] = [
        (nil, nil, false, false), (.missing, nil, false, false), (.never, nil, false, false),
        (.always, nil, false, true),
        (.every(.seconds(1800)), nil, false, true), (.every(.seconds(7200)), nil, false, false),
        (.missing, "linux/amd64", false, false), (.missing, "linux/arm64", false, true),
        (.every(.seconds(7200)), "linux/arm64", false, true), (.never, "linux/arm64", false, false),
        (.always, nil, true, true), (nil, nil, true, false), (.build, nil, true, false), (.never, nil, true, false),
        (.missing, "linux/arm64", true, true), (.build, "linux/arm64", true, false),
    ]

    @Test("an image is fetched as its policy, its age and its platform say", arguments: cases.indices)
    func policy(row: Int) async throws {
        let (policy, platform, isBuilt, isPulled) = Self.cases[row]
        try await SimulatedEngine.with { simulated in
            let machine = simulated.machine
            machine.addImage(
                "web", id: "sha256:2", platform: "linux/amd64", updated: machine.now() / 1_000_000_000 - 3600)
            var service = SimulatedEngine.service("web")
            service.image = "web"
            service.pullPolicy = policy
            service.platform = platform
            service.build = isBuilt ? BuildDefinition(context: "/app") : nil
            let request = OperationRequest(
                key: "plan", verb: .up(UpOptions()), project: Project(name: "demo", services: [service]))
            let plan = try await simulated.engine.plan(request, for: "demo")
            #expect(plan.actions.contains { $0.text == "pull web" } == isPulled)
            try await simulated.perform(.up(UpOptions()), [service])
            #expect(machine.world.journal.contains("pull web") == isPulled)
        }
    }

    @Test("explain tells of pulls, for every service that needed the image and for no container of its own")
    func explained() async throws {
        try await SimulatedEngine.with { simulated in
            let machine = simulated.machine
            machine.addImage("web", id: "sha256:2", platform: "linux/amd64")
            var services = [SimulatedEngine.service("one"), SimulatedEngine.service("two")]
            for index in services.indices { (services[index].image, services[index].pullPolicy) = ("web", .always) }
            services.append(SimulatedEngine.service("three"))
            try await simulated.perform(.up(UpOptions()), services)
            for (name, pulls) in [("one", 1), ("two", 1), ("three", 0)] {
                let history = try await simulated.engine.explain(service: name, in: "demo").flatMap(\.history)
                let pulled = history.filter { $0.kind == .pulled }
                #expect(pulled.count == pulls, "\(name): \(history)")
                guard let first = pulled.first else { continue }
                #expect(first == history.first && first.image == "web" && first.imageID == "sha256:2")
                #expect(first.reason == "pull policy always" && first.by == "up")
            }
        }
    }

    @Test("a plan shows what is fetched before everything else, and for whom it is not fetched")
    func plans() async throws {
        try await SimulatedEngine.with { simulated in
            var far = SimulatedEngine.service("far")
            far.image = "far/away"
            far.dependsOn = [Dependency(service: "near")]
            var other = SimulatedEngine.service("other")
            other.image = "other/image"
            let project = Project(name: "demo", services: [far, SimulatedEngine.service("near"), other])
            let request = OperationRequest(key: "plan", verb: .up(UpOptions()), project: project, services: ["far"])
            let plan = try await simulated.engine.plan(request, for: "demo")
            #expect(
                plan.actions.map { "\($0.number) \($0.text) \($0.after)" } == [
                    "1 pull far/away []", "2 create near.1 [1]", "3 start near.1 [2]", "4 create far.1 [1]",
                    "5 start far.1 [3, 4]",
                ])
            #expect(plan.actions.first?.reason == "not on this machine")
        }
    }

    @Test(
        "only images of what the verb is about are fetched",
        arguments: [
            (.up(UpOptions()), ["web"], ["pull db", "pull web"]), (.up(noDependencies), ["web"], ["pull web"]),
            (.create(noDependencies), ["web"], ["pull web"]),
            (.scale(["web": 1], dependencies: false), ["web"], ["pull web"]),
            (.scale(["web": 1], dependencies: true), ["web"], ["pull db", "pull web"]),
            (.start(wait: false, waitTimeout: nil), ["web"], []),
        ] as [(Verb, [String], [String])])
    func onlyNamed(verb: Verb, services: [String], pulls: [String]) async throws {
        try await SimulatedEngine.with { simulated in
            let images = ["db", "other", "web"].map { name in
                var service = SimulatedEngine.service(name)
                service.image = name
                if name == "web" { service.dependsOn = [Dependency(service: "db")] }
                return service
            }
            let request = OperationRequest(
                key: "up", verb: verb, project: Project(name: "demo", services: images), services: services)
            for await _ in try await simulated.engine.submit(request, to: "demo").events() {}
            #expect(simulated.machine.world.journal.filter { $0.hasPrefix("pull") }.sorted() == pulls)
        }
    }

    private static var noDependencies: UpOptions {
        var options = UpOptions()
        options.dependencies = false
        return options
    }
}

/// Services that can be built and have an image with a name of its own.
@Suite struct BuildablePullTests {
    private static func service(_ name: String, image: String, _ policy: PullPolicy? = nil) -> Service {
        var service = SimulatedEngine.service(name)
        service.image = image
        service.build = BuildDefinition(context: "/app")
        service.pullPolicy = policy
        return service
    }

    @Test("pull fetches what has a name, and leaves what only building makes")
    func pull() async throws {
        try await SimulatedEngine.with { simulated in
            simulated.machine.addImage("example/a", id: "sha256:2")
            let services = [Self.service("a", image: "example/a"), Self.service("b", image: "demo-b")]
            let outcome = try await simulated.perform(
                .pull(policy: nil, ignoreFailures: false, dependencies: false), services)
            #expect(outcome.status == .succeeded)
            #expect(simulated.machine.world.journal.filter { $0.hasPrefix("pull") } == ["pull example/a"])
        }
    }

    @Test("up tries to fetch what is missing, and says how to build when that fails")
    func missing() async throws {
        try await SimulatedEngine.with { simulated in
            let outcome = try await simulated.perform(.up(UpOptions()), [Self.service("a", image: "example/a")])
            #expect(simulated.machine.world.journal.contains("pull example/a"))
            #expect(outcome.errors.first?.hint?.contains("berth build") == true)
            #expect(outcome.status == .failed)
        }
    }

    @Test("what is here will do when it cannot be fetched anew")
    func makesDo() async throws {
        try await SimulatedEngine.with { simulated in
            simulated.machine.addImage("example/a", id: "sha256:2")
            var faults = SimulatedMachine.Faults()
            faults.pullsFail = true
            simulated.machine.setFaults(faults)
            let up = try await simulated.perform(.up(UpOptions()), [Self.service("a", image: "example/a", .always)])
            #expect(up.status == .succeeded, "\(up.errors)")
            let pull = try await simulated.perform(
                .pull(policy: nil, ignoreFailures: false, dependencies: false), [Self.service("a", image: "example/a")])
            #expect(pull.status == .failed)
        }
    }

    @Test(
        "up does not fetch what only building makes, or what is to be built",
        arguments: [PullPolicy?.none, .build, .never])
    func built(policy: PullPolicy?) async throws {
        try await SimulatedEngine.with { simulated in
            let image = policy == nil ? "demo-a" : "example/a"
            let outcome = try await simulated.perform(.up(UpOptions()), [Self.service("a", image: image, policy)])
            #expect(outcome.status == .failed)
            #expect(!simulated.machine.world.journal.contains { $0.hasPrefix("pull") })
        }
    }
}

@Suite struct PullDryRunTests {
    @Test("pull --dry-run says what it would fetch and fetches nothing")
    func dryRun() async throws {
        try await SimulatedEngine.with { simulated in
            simulated.machine.addImage("example/a", id: "sha256:2")
            var service = SimulatedEngine.service("a")
            service.image = "example/a"
            let request = OperationRequest(
                key: "pull", verb: .pull(policy: nil, ignoreFailures: false, dependencies: false),
                project: Project(name: "demo", services: [service, SimulatedEngine.service("b")]), dryRun: true)
            let operation = try await simulated.engine.submit(request, to: "demo")
            var actions: [String] = []
            for await case .planned(let plan) in operation.events() { actions += plan.actions.map(\.text) }
            #expect(actions == ["pull example/a", "pull busybox"])
            #expect(!simulated.machine.world.journal.contains { $0.hasPrefix("pull") })
        }
    }
}
