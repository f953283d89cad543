import Engine
import EngineWire
import Linux
import ProjectModel
import Reconcile
import Testing

/// Verbs on single containers, and containers of no project, through a whole engine.
@Suite("Single containers", .timeLimit(.minutes(1))) struct SingleContainerTests {
    private func outcome(_ operation: Operation) async -> OperationOutcome {
        for await _ in operation.events() {}
        return operation.outcome ?? OperationOutcome(status: .failed)
    }

    private func perform(_ verb: Verb, on name: String, _ simulated: SimulatedEngine) async throws {
        let request = OperationRequest(key: simulated.machine.newID(), verb: verb)
        let outcome = await outcome(try await simulated.engine.submit(request, toContainer: name))
        #expect(outcome.status == .succeeded, "\(verb) \(name): \(outcome.errors.map(\.message))")
    }

    private func create(
        _ name: String, _ simulated: SimulatedEngine, starts: Bool = true,
        _ edit: (inout ContainerTemplate) -> Void = { _ in }
    ) async throws {
        var template = ContainerTemplate(image: "busybox")
        template.command = ["sleep", "infinity"]
        edit(&template)
        let request = ContainerRequest(
            key: simulated.machine.newID(), name: name, template: template, starts: starts)
        let outcome = await outcome(try await simulated.engine.create(request))
        #expect(outcome.status == .succeeded, "\(outcome.errors.map(\.message))")
    }

    private func state(_ name: String, _ simulated: SimulatedEngine) async throws -> ContainerRow.State {
        try await simulated.engine.container(name).state
    }

    @Test("streams of a container that ends at this moment are those of its next start")
    func streamsAtTheEnd() async throws {
        try await SimulatedEngine.with { simulated in
            for round in 0..<20 {
                let name = "job\(round)"
                try await create(name, simulated)
                try simulated.end(name, code: 0)
                _ = try await simulated.engine.streams(of: name)
                #expect(try await state(name, simulated) == .exited)
            }
        }
    }

    @Test("each verb on one replica leaves the other as it is")
    func replicas() async throws {
        try await SimulatedEngine.with { simulated in
            var web = SimulatedEngine.service("web")
            web.scale = 2
            try await simulated.expect(.succeeded, .up(UpOptions()), [web])
            let sibling = try await simulated.engine.container("demo-web-2")
            func states() async -> [ContainerRow.State?] {
                let all = await simulated.states()
                return [all["demo-web-1"], all["demo-web-2"]]
            }
            let steps: [(Verb, ContainerRow.State?)] = [
                (.stop(timeout: nil), .exited), (.start(wait: false, waitTimeout: nil), .running), (.pause, .paused),
                (.unpause, .running), (.restart(timeout: nil, dependents: true), .running),
                (.kill(signal: "KILL", removeOrphans: false), .exited),
                (.start(wait: false, waitTimeout: nil), .running), (.remove(stop: true, volumes: false), nil),
            ]
            for (verb, expected) in steps {
                try await perform(verb, on: "demo-web-1", simulated)
                #expect(await states() == [expected, .running], "\(verb)")
            }
            #expect(try await simulated.engine.container("demo-web-2").startedAt == sibling.startedAt)
            try await simulated.expect(.succeeded, .up(UpOptions()), [web])
            #expect(await states() == [.running, .running])
            #expect(try await simulated.engine.container("demo-web-2").startedAt == sibling.startedAt)
        }
    }

    @Test("kill of a service spares what run made of it")
    func killSparesOneOffs() async throws {
        try await SimulatedEngine.with { simulated in
            let web = SimulatedEngine.service("web")
            try await simulated.expect(.succeeded, .up(UpOptions()), [web])
            var request = RunRequest(key: "run", project: Project(name: "demo", services: [web]), service: web)
            request.name = "once"
            _ = await outcome(try await simulated.engine.run(request, in: "demo"))
            #expect(try await state("once", simulated) == .created)
            try await simulated.engine.release("once")
            try await simulated.expect(.succeeded, .kill(signal: "KILL", removeOrphans: false))
            #expect(await simulated.states() == ["demo-web-1": .exited, "once": .running])
            try await perform(.kill(signal: "KILL", removeOrphans: false), on: "once", simulated)
            #expect(await simulated.states() == ["demo-web-1": .exited, "once": .exited])
        }
    }

    @Test("a container of no project lives as it is asked to")
    func free() async throws {
        try await SimulatedEngine.with { simulated in
            try await create("box", simulated) { $0.restart = .always }
            try await create("other", simulated, starts: false)
            #expect(try await state("box", simulated) == .running)
            #expect(try await state("other", simulated) == .created)
            #expect(simulated.machine.world.networks == ["bridge"])
            try simulated.end("box", code: 1)
            try await simulated.eventually { simulated in
                simulated.machine.world.journal.filter { $0 == "spawn box" }.count == 2
            }
            try await perform(.stop(timeout: nil), on: "box", simulated)
            #expect(try await state("box", simulated) == .exited)
            try await perform(.start(wait: false, waitTimeout: nil), on: "box", simulated)
            try await perform(.pause, on: "box", simulated)
            #expect(try await state("box", simulated) == .paused)
            try await perform(.unpause, on: "box", simulated)
            simulated.machine.loseNetwork("bridge")
            try await simulated.eventually { $0.machine.world.lostNetworks.isEmpty }
            try await perform(.start(wait: false, waitTimeout: nil), on: "other", simulated)
            #expect(await simulated.engine.containers(all: true).map(\.name) == ["box", "other"])
            for name in ["box", "other"] { try await simulated.engine.removeContainer(name, force: true) }
            #expect(await simulated.engine.containers(all: true).isEmpty)
            #expect(simulated.machine.world.containers.isEmpty && simulated.machine.world.violations.isEmpty)
        }
    }

    @Test("one that is removed when it ends is gone then, and one with a taken name is refused")
    func transient() async throws {
        try await SimulatedEngine.with { simulated in
            try await create("box", simulated) { $0.autoRemove = true }
            await #expect(throws: EngineFailure.self) {
                _ = try await simulated.engine.create(
                    ContainerRequest(
                        key: "k", name: "box", template: ContainerTemplate(image: "busybox"), starts: true))
            }
            try simulated.end("box", code: 0)
            try await simulated.eventually { await $0.engine.containers(all: true).isEmpty }
        }
    }

    @Test("one that cannot be started leaves nothing behind")
    func failedStart() async throws {
        try await SimulatedEngine.with { simulated in
            var faults = SimulatedMachine.Faults()
            faults.spawnFails = 1000
            simulated.machine.setFaults(faults)
            let request = ContainerRequest(
                key: "k", name: "box", template: ContainerTemplate(image: "busybox"), starts: true)
            let made = await outcome(try await simulated.engine.create(request))
            #expect(made.status == .failed)
            #expect(await simulated.engine.containers(all: true).isEmpty)
            #expect(simulated.machine.world.containers.isEmpty)
        }
    }

    @Test("an engine that was killed finds it again, as it was wanted")
    func survives() async throws {
        try await SimulatedEngine.with { simulated in
            try await create("box", simulated)
            try await create("down", simulated)
            try await perform(.stop(timeout: nil), on: "down", simulated)
            let folder = "\(simulated.folder)/next"
            try makeFolders(folder, mode: 0o700)
            for name in ["engine.db", "engine.db-wal"] {
                try writeFileAtomically("\(folder)/\(name)", try readFile("\(simulated.folder)/\(name)"))
            }
            let machine = SimulatedMachine(
                seed: 2, world: simulated.machine.world, clock: simulated.machine.now() + 1_000_000)
            let spawns = machine.world.journal.filter { $0.hasPrefix("spawn") }.count
            let next = try await SimulatedEngine(folder: folder, machine: machine)
            await next.engine.start()
            #expect(try await state("box", next) == .running)
            #expect(try await state("down", next) == .exited)
            #expect(machine.world.journal.filter { $0.hasPrefix("spawn") }.count == spawns)
            // Its end is noticed, and its policy followed.
            try next.end("box", code: 3)
            try await next.eventually { try await $0.engine.container("box").state == .exited }
            #expect(try await next.engine.waitUntilEnded("box") == 3)
            try await perform(.restart(timeout: nil, dependents: false), on: "box", next)
            #expect(try await state("box", next) == .running)
        }
    }
}
