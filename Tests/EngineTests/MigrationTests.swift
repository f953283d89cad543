import Engine
import EngineWire
import GRDB
import Glibc
import Linux
import ProjectModel
import Testing

/// Databases that engines of earlier releases wrote, with containers in every state, as they were when those engines were killed.
@Suite("State of an earlier release") struct MigrationTests {
    static let releases = ["first-release", "before-owners"]

    private func stored(_ release: String, in folder: String) async throws -> Store.Content {
        try makeFolders(folder, mode: 0o700)
        let source = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let script = String(decoding: try readFile("\(source)/Stored/\(release).sql"), as: UTF8.self)
        try await DatabaseQueue(path: "\(folder)/engine.db").write { try $0.execute(sql: script) }
        return try await Store(path: "\(folder)/engine.db").load()
    }

    /// The machine that those records tell of.
    private func world(of content: Store.Content) -> SimulatedWorld {
        var world = SimulatedWorld()
        for record in content.containers {
            var container = SimulatedWorld.Container(
                name: record.name, networks: Set(record.endpoints.map(\.network)),
                volumes: Set(
                    record.mounts.compactMap { mount in
                        guard case .volume(let name, _, _, _) = mount.source else { return nil }
                        return name
                    }))
            container.startedAt = record.life.startedAt
            container.phase = record.life.exit.map { .ended($0) } ?? .running
            world.containers[record.id] = container
        }
        world.networks = Set(content.networks.map(\.name))
        world.volumes = Set(content.volumes.map(\.name))
        return world
    }

    @Test("is read on, and nothing has to be done for it", arguments: releases)
    func isReadOn(release: String) async throws {
        let folder = "/tmp/berth-stored-\(getpid())-\(release)"
        defer { try? removeTree(folder) }
        let content = try await stored(release, in: folder)
        let owners = Set(content.containers.map(\.owner))
        #expect(owners.isSuperset(of: [.replica(project: "demo", service: "idle", number: 2)]))
        #expect(owners.contains(.oneOff(project: "demo", service: "db", name: "once")))
        let gone = try #require(content.containers.first { $0.name == "gone" })
        #expect(gone.isTransient && gone.template.stdinOpen && gone.template.networks.first?.aliases == ["idle"])
        let web = try #require(content.containers.first { $0.name == "demo-web-1" })
        #expect(!web.isTransient && web.template.environment == ["A": "1"] && web.template.restart == .unlessStopped)
        let machine = SimulatedMachine(
            seed: 1, world: world(of: content), clock: (content.containers.map(\.createdAt).max() ?? 0) + 60_000_000_000
        )
        let simulated = try await SimulatedEngine(folder: folder, machine: machine)
        machine.addImage("busybox", id: web.imageID)
        await simulated.engine.start()
        let project = try #require(try await simulated.engine.project("demo").project)
        let plan = try await simulated.engine.plan(
            OperationRequest(
                key: "k", verb: .up(UpOptions()), project: project, services: ["db", "side", "web"]), for: "demo")
        #expect(plan.actions.isEmpty, "\(plan.actions.map { "\($0.text): \($0.reason)" })")
        let changes = machine.world.journal.filter { line in
            ["create demo-", "spawn", "remove", "signal"].contains { line.hasPrefix($0) }
        }
        #expect(changes.isEmpty, "\(changes)")
        #expect(machine.world.violations.isEmpty)
    }

    @Test("is written as this release reads it, once for all", arguments: releases)
    func isWritten(release: String) async throws {
        let folder = "/tmp/berth-stored-again-\(getpid())-\(release)"
        defer { try? removeTree(folder) }
        let first = try await stored(release, in: folder)
        let second = try await Store(path: "\(folder)/engine.db").load()
        #expect(first.containers == second.containers && first.desired == second.desired)
    }
}
