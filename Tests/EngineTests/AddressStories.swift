import Engine
import EngineWire
import Linux
import NameService
import ProjectModel
import Testing

/// Which address a container gets.
@Suite("Addresses of containers") struct AddressStories {
    private static func project(_ services: String...) -> Project {
        var project = Project(
            name: "demo",
            services: services.map { name in
                var service = SimulatedEngine.service(name)
                service.networks = [NetworkAttachment(network: "default")]
                return service
            })
        project.networks = ["default": NetworkDefinition(name: "demo_default")]
        return project
    }

    private static func addresses(_ simulated: SimulatedEngine) async -> [String: String] {
        let rows = await simulated.engine.containers(of: "demo", all: true)
        return Dictionary(rows.map { ($0.service, $0.networks.first?.addresses.first ?? "") }) { first, _ in first }
    }

    @Test("a freed one goes to somebody else as late as possible, also by an engine that was started since")
    func freedAndReused() async throws {
        try await SimulatedEngine.with { first in
            try await first.perform(.up(UpOptions()), project: Self.project("a", "b", "c"))
            let before = await Self.addresses(first)
            let last = try #require(before.values.compactMap { IPAddress($0) }.max())
            let (leaving, _) = try #require(before.first { $0.value == "\(last)" })
            let staying = ["a", "b", "c"].filter { $0 != leaving }
            var up = UpOptions()
            up.removeOrphans = true
            try await first.perform(.up(up), project: Self.project(staying[0], staying[1]))
            #expect(await Self.addresses(first).count == 2)

            let second = try await SimulatedEngine(
                folder: first.folder, machine: SimulatedMachine(seed: 2, world: first.machine.world))
            await second.engine.start()
            try await second.perform(.up(up), project: Self.project(staying[0], staying[1], "d"))
            let after = await Self.addresses(second)
            #expect(after["d"].flatMap { IPAddress($0) } == IPAddress(family: .v4, value: last.value + 1), "\(after)")
            #expect(after[staying[0]] == before[staying[0]] && after[staying[1]] == before[staying[1]])
        }
    }

    @Test("a network of the same name that is made anew begins at its beginning")
    func newNetwork() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), project: Self.project("a"))
            let before = await Self.addresses(simulated)
            try await simulated.perform(.down(DownOptions()), project: Self.project("a"))
            try await simulated.perform(.up(UpOptions()), project: Self.project("b"))
            #expect(await Self.addresses(simulated)["b"] == before["a"])
        }
    }

    @Test("who has a port that is wanted at a start is named as people know it")
    func portClash() async throws {
        try await SimulatedEngine.with { simulated in
            var service = SimulatedEngine.service("web")
            service.networks = [NetworkAttachment(network: "default")]
            service.ports = [PortMapping(target: 80, published: "8080")]
            var project = Project(name: "demo", services: [service])
            project.networks = ["default": NetworkDefinition(name: "demo_default")]
            try await simulated.perform(.up(UpOptions()), project: project)
            try await simulated.expect(.succeeded, .stop(timeout: nil))
            project.name = "other"
            project.networks = ["default": NetworkDefinition(name: "other_default")]
            let up = try await simulated.engine.submit(
                OperationRequest(key: "other", verb: .up(UpOptions()), project: project), to: "other")
            for await _ in up.events() {}
            #expect(up.outcome?.status == .succeeded, "\(up.outcome?.errors ?? [])")
            let outcome = try await simulated.perform(.start(wait: false, waitTimeout: nil))
            #expect(outcome.status == .failed)
            #expect(outcome.errors.contains { $0.message.contains("other-web-1") }, "\(outcome.errors)")
        }
    }

    @Test("each holder of a port is named by what people know it by", arguments: Self.holders)
    func holder(_ holder: PortTaken.Holder, _ words: String) async {
        let taken = PortTaken(port: "0.0.0.0:80/tcp", holder: holder)
        let failure = await taken.failure { $0 == "0123456789abcdef" ? "shop-web-1" : nil }
        #expect(failure.message == "port 0.0.0.0:80/tcp is already in use by \(words)")
    }

    private static let holders: [(PortTaken.Holder, String)] = [
        (.container("0123456789abcdef"), "container shop-web-1"),
        (.container("fedcba9876543210"), "container fedcba987654"),
        (.itself, "this container itself"), (.unknown, "another program"),
        (.program(.init(pid: 7, program: "nginx")), "nginx (process 7)"),
    ]
}
