import Engine
import EngineWire
import ProjectModel
import Testing

/// Single mishaps, told one by one; `EngineLifeTests` mixes them.
@Suite("Mishaps of an engine") struct MishapTests {
    @Test("a process that is gone before its start was stored is no running container")
    func endsAtOnce() async throws {
        try await SimulatedEngine.with { simulated in
            var faults = SimulatedMachine.Faults()
            faults.crashesAtOnce = 1000
            simulated.machine.setFaults(faults)
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("job")])
            try await simulated.eventually { await $0.states() == ["demo-job-1": .exited] }
        }
    }

    @Test("a cancelled `up` that only waits ends at once", .timeLimit(.minutes(1)), arguments: [true, false])
    func cancelWhileWaiting(waitsForDependency: Bool) async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var web = SimulatedEngine.service("web")
            if waitsForDependency { web.dependsOn = [Dependency(service: "db", condition: .healthy)] }
            var options = UpOptions()
            options.wait = true
            let up = try await simulated.submit(.up(options), [db, web])
            try await simulated.eventually { await $0.states()["demo-db-1"] == .running }
            up.cancel(force: false)
            for await _ in up.events() {}
            #expect(up.outcome?.status == .cancelled)
        }
    }

    @Test("a cancelled `up` or `pull` gives its downloads up", .timeLimit(.minutes(1)), arguments: [true, false])
    func cancelWhilePulling(isUp: Bool) async throws {
        try await SimulatedEngine.with { simulated in
            var faults = SimulatedMachine.Faults()
            faults.pullsHang = true
            simulated.machine.setFaults(faults)
            var web = SimulatedEngine.service("web")
            web.image = "far/away"
            let verb = isUp ? Verb.up(UpOptions()) : .pull(policy: nil, ignoreFailures: false, dependencies: false)
            let operation = try await simulated.submit(verb, [web])
            try await simulated.eventually { $0.machine.world.journal.contains("pull far/away") }
            operation.cancel(force: false)
            for await _ in operation.events() {}
            #expect(operation.outcome?.status == .cancelled)
        }
    }

    @Test("`down` does not wait for an `up` that waits", .timeLimit(.minutes(1)))
    func downWhileUpWaits() async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var options = UpOptions()
            options.wait = true
            let up = try await simulated.submit(.up(options), [db])
            try await simulated.eventually { await $0.states()["demo-db-1"] == .running }
            let down = try await simulated.perform(.down(DownOptions()))
            #expect(down.status == .succeeded)
            #expect(up.outcome?.status == .cancelled)
            #expect(simulated.machine.world.containers.isEmpty)
        }
    }

    @Test(
        "a verb that ends things gives up all that waits before it, under way or in the queue", .timeLimit(.minutes(1)),
        arguments: [
            Verb.stop(timeout: nil), .down(DownOptions()), .kill(signal: "KILL", removeOrphans: false), .pause,
            .remove(stop: true, volumes: false),
        ], [0, 1, 2])
    func endingVerbs(verb: Verb, queued: Int) async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var options = UpOptions()
            options.wait = true
            var ups: [Operation] = []
            if queued > 0 {
                ups.append(try await simulated.submit(.up(options), [db]))
                try await simulated.eventually { await $0.states()["demo-db-1"] == .running }
            }
            // The last ones have not begun when the next verb comes.
            for _ in 0..<max(1, queued) { ups.append(try await simulated.submit(.up(options), [db])) }
            try await simulated.expect(.succeeded, verb)
            for up in ups {
                for await _ in up.events() {}
                #expect(up.outcome?.status == .cancelled)
            }
        }
    }

    @Test("verbs that end things do not give each other up", .timeLimit(.minutes(1)))
    func twoStops() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), ["a", "b"].map(SimulatedEngine.service))
            var operations: [Operation] = []
            for service in ["a", "b"] {
                let request = OperationRequest(key: service, verb: .stop(timeout: nil), services: [service])
                operations.append(try await simulated.engine.submit(request, to: "demo"))
            }
            for operation in operations {
                for await _ in operation.events() {}
                #expect(operation.outcome?.status == .succeeded)
            }
        }
    }

    @Test("a verb that is cancelled in the queue does not wait for its turn", .timeLimit(.minutes(1)))
    func cancelInQueue() async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var options = UpOptions()
            options.wait = true
            let first = try await simulated.submit(.up(options), [db])
            try await simulated.eventually { await $0.states()["demo-db-1"] == .running }
            let second = try await simulated.submit(.restart(timeout: nil, dependents: false))
            second.cancel(force: false)
            for await _ in second.events() {}
            #expect(second.outcome?.status == .cancelled)
            #expect(first.outcome == nil)
            first.cancel(force: false)
            for await _ in first.events() {}
        }
    }

    @Test("`down` does not wait for a healing that waits", .timeLimit(.minutes(1)))
    func downWhileHealingWaits() async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var web = SimulatedEngine.service("web")
            web.dependsOn = [Dependency(service: "db", condition: .healthy)]
            let up = try await simulated.submit(.up(UpOptions()), [db, web])
            try await simulated.eventually { await $0.states()["demo-db-1"] == .running }
            // The next engine goes on where this one was killed.
            simulated.machine.plan(.init(afterCalls: 0))
            up.cancel(force: true)
            let machine = SimulatedMachine(seed: 2, world: simulated.machine.world, clock: simulated.machine.now())
            let next = try await SimulatedEngine(folder: simulated.folder, machine: machine)
            _ = next.neverHealthy("db")
            await next.engine.start()
            try await next.expect(.succeeded, .down(DownOptions()))
            #expect(machine.world.containers.isEmpty)
        }
    }

    @Test("what a verb leaves to the healing is done, another verb after it or not", .timeLimit(.minutes(1)))
    func healingAfterTwoVerbs() async throws {
        try await SimulatedEngine.with { simulated in
            let db = simulated.neverHealthy("db")
            var web = SimulatedEngine.service("web")
            web.dependsOn = [Dependency(service: "db", condition: .healthy)]
            let up = try await simulated.submit(.up(UpOptions()), [db, web])
            try await simulated.eventually { await $0.states()["demo-db-1"] == .running }
            up.cancel(force: false)
            for await _ in up.events() {}
            let project = Project(name: "demo", services: [db, web, SimulatedEngine.service("other")])
            var operations: [Operation] = []
            for verb in [Verb.up(UpOptions()), .pull(policy: nil, ignoreFailures: true, dependencies: false)] {
                let request = OperationRequest(
                    key: simulated.machine.newID(), verb: verb, project: project, services: ["other"])
                operations.append(try await simulated.engine.submit(request, to: "demo"))
            }
            for operation in operations { for await _ in operation.events() {} }
            #expect(await simulated.states()["demo-web-1"] == .created)
            simulated.machine.setFaults(SimulatedMachine.Faults())
            try await simulated.eventually { await $0.states()["demo-web-1"] == .running }
        }
    }

    @Test("ports of what has ended go once the rules can be changed again")
    func rulesFailOnce() async throws {
        try await SimulatedEngine.with { simulated in
            var web = SimulatedEngine.service("web")
            web.ports = [PortMapping(target: 80, published: "8080")]
            web.networks = [NetworkAttachment(network: "default")]
            var project = Project(name: "demo", services: [web])
            project.networks = ["default": NetworkDefinition(name: "demo_default")]
            try await simulated.perform(.up(UpOptions()), project: project)
            #expect(simulated.machine.world.published == ["8080/tcp"])
            var faults = SimulatedMachine.Faults()
            faults.rulesFail = 1000
            simulated.machine.setFaults(faults)
            let id = try #require(simulated.machine.world.containers.keys.first)
            simulated.machine.end(id, code: 1)
            try await simulated.eventually { await $0.states() == ["demo-web-1": .exited] }
            simulated.machine.setFaults(.init())
            try await simulated.eventually { $0.machine.world.published.isEmpty }
        }
    }

    @Test("a container that is stopped between two restarts gives its ports back")
    func stopBetweenRestarts() async throws {
        try await SimulatedEngine.with { simulated in
            var web = SimulatedEngine.service("web")
            web.restart = .always
            web.ports = [PortMapping(target: 80, published: "8080")]
            web.networks = [NetworkAttachment(network: "default")]
            var project = Project(name: "demo", services: [web])
            project.networks = ["default": NetworkDefinition(name: "demo_default")]
            try await simulated.perform(.up(UpOptions()), project: project)
            var faults = SimulatedMachine.Faults()
            (faults.spawnFails, faults.crashesAtOnce) = (1000, 1000)
            simulated.machine.setFaults(faults)
            simulated.machine.end(try #require(simulated.machine.world.containers.keys.first), code: 1)
            try await simulated.eventually { await $0.states() == ["demo-web-1": .restarting] }
            try await simulated.perform(.stop(timeout: nil))
            #expect(simulated.machine.world.ports.isEmpty)
        }
    }

    @Test("what could not be removed is removed by the next `down`")
    func removalFailsOnce() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
            var faults = SimulatedMachine.Faults()
            faults.removeFails = 1000
            simulated.machine.setFaults(faults)
            let failed = try await simulated.perform(.down(DownOptions()))
            #expect(failed.status == .failed)
            #expect(failed.errors.map(\.message).contains { $0.contains("simulated failure") })
            simulated.machine.setFaults(.init())
            try await simulated.expect(.succeeded, .down(DownOptions()))
            #expect(simulated.machine.world.containers.isEmpty)
        }
    }

    @Test("a volume that could not be made is made by the next `up`")
    func volumeFailsOnce() async throws {
        try await SimulatedEngine.with { simulated in
            var web = SimulatedEngine.service("web")
            web.volumes = [
                ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/scratch")
            ]
            var faults = SimulatedMachine.Faults()
            faults.createFails = 1000
            simulated.machine.setFaults(faults)
            try await simulated.expect(.failed, .up(UpOptions()), [web])
            simulated.machine.setFaults(.init())
            try await simulated.expect(.succeeded, .up(UpOptions()), [web])
            #expect(simulated.machine.world.volumes.count == 1)
            #expect(simulated.machine.world.violations.isEmpty)
        }
    }

    @Test("a removal that takes long delays no restart of another container", .timeLimit(.minutes(1)))
    func slowRemoval() async throws {
        try await SimulatedEngine.with { simulated in
            var web = SimulatedEngine.service("web")
            web.restart = .always
            let project = Project(name: "demo", services: [web])
            try await simulated.expect(.succeeded, .up(UpOptions()), [web])
            var request = RunRequest(key: "run", project: project, service: web)
            (request.remove, request.dependencies) = (true, false)
            let operation = try await simulated.engine.run(request, in: "demo")
            for await _ in operation.events() {}
            let containers = await simulated.engine.containers(of: "demo", all: true)
            let oneOff = try #require(containers.first { $0.isOneOff })
            let replica = try #require(containers.first { !$0.isOneOff })
            try await simulated.engine.release(oneOff.name)
            var faults = SimulatedMachine.Faults()
            faults.removalsHang = true
            simulated.machine.setFaults(faults)
            simulated.machine.end(oneOff.id, code: 0)
            simulated.machine.end(replica.id, code: 1)
            try await simulated.eventually { simulated in
                simulated.machine.world.journal.filter { $0 == "spawn demo-web-1" }.count == 2
            }
            simulated.machine.setFaults(SimulatedMachine.Faults())
            try await simulated.eventually { await $0.engine.containers(of: "demo", all: true).count == 1 }
        }
    }
}
