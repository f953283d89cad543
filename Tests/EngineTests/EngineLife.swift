import Engine
import EngineWire
import Glibc
import Linux
import ProjectModel
import Reconcile

/// A life of one project told by a seed: verbs, faults and crashes, through the engine and its database.
final class EngineLife {
    static let volume = "demo_data"
    private let folder: String
    private var random: SplitMix64
    private var machine: SimulatedMachine
    private var engine: Engine
    private var incarnation = 0
    private(set) var story: [String] = []
    /// A `down -v` was asked for since the last `up` that succeeded: the volume may go, also later when a crash came between.
    private var mayLoseVolume = false
    /// A person may press Ctrl-C.
    private var mayInterrupt = true
    /// What the machine was told to do, for whoever looks into a life that went wrong.
    var journal: [String] { machine.world.journal }

    init(seed: UInt64) async throws {
        folder = "/tmp/berth-engine-life-\(getpid())-\(seed)"
        random = SplitMix64(state: seed)
        try removeTree(folder)
        try makeFolders("\(folder)/0", mode: 0o700)
        (engine, machine) = try await Self.engine("\(folder)/0", seed: seed)
        await engine.start()
    }

    deinit { try? removeTree(folder) }

    private static func engine(
        _ folder: String, seed: UInt64, world: SimulatedWorld = .init(), clock: Int64? = nil
    ) async throws -> (Engine, SimulatedMachine) {
        let machine = SimulatedMachine(seed: seed, world: world, clock: clock)
        return (try await SimulatedEngine(folder: folder, machine: machine).engine, machine)
    }

    // MARK: Steps

    /// One verb with whatever goes wrong meanwhile. Returns what was lost that nobody gave up, and what was done wrongly.
    func step() async throws -> [String] {
        var faults = SimulatedMachine.Faults()
        if chance(30) {
            (faults.createFails, faults.spawnFails, faults.releaseFails) = (150, 150, 150)
            (faults.removeFails, faults.rulesFail, faults.attachFails) = (150, 100, 150)
        }
        if chance(20) { faults.crashesAtOnce = 300 }
        machine.setFaults(faults)
        let lostBefore = machine.world.removedVolumes.count
        // What an earlier `down -v` began may go on now, whatever this step does.
        var mayLose = mayLoseVolume
        let crashes = chance(35)
        if crashes { prepareCrash(afterCalls: Int(random.next() % 16)) }
        if chance(15) {
            story.append("run → \(try await runOneOff())\(crashes ? ", crashed" : "")")
        } else if chance(20) {
            story.append("\(try await handleFree())\(crashes ? ", crashed" : "")")
        } else if chance(15) {
            story.append("\(try await handleSingle())\(crashes ? ", crashed" : "")")
        } else {
            let request = nextRequest()
            if case .down(let options) = request.verb, options.volumes { (mayLoseVolume, mayLose) = (true, true) }
            let status = try await perform(request).status
            story.append("\(request.verb) → \(status)\(crashes ? ", crashed" : "")")
            if case .up = request.verb, status == .succeeded, !crashes { mayLoseVolume = false }
        }
        let lost = machine.world.removedVolumes[lostBefore...].filter { $0 == Self.volume }
        if crashes { try await reboot() } else if chance(40) { disturb() }
        return (mayLose ? [] : lost) + machine.world.violations
    }

    /// Nothing goes wrong any more: everything is brought up, and then taken away. Returns what is not as it should be.
    func settle() async throws -> [String] {
        machine.setFaults(.init())
        mayInterrupt = false
        var complaints: [String] = []
        // What ended just now is known to have ended.
        for _ in 0..<2_000 where await !unnoticedEnds().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        complaints += await unnoticedEnds().map { "nobody noticed the end of \($0)" }
        let wanted = project(level: 1)
        var options = UpOptions()
        options.removeOrphans = true
        let up = try await perform(request(.up(options), wanted))
        if up.status != .succeeded { complaints.append("up: \(up.status) \(up.errors.map(\.message))") }
        // A container that ended just before is on its way up again.
        let services = ["demo-api-1", "demo-db-1", "demo-web-1", "demo-web-2"]
        for _ in 0..<500 where !whatRuns(insteadOf: services).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        complaints += whatRuns(insteadOf: services)
        let plan = try await engine.plan(request(.up(options), wanted), for: "demo")
        if !plan.actions.isEmpty { complaints.append("another up would do \(plan.actions.map(\.text))") }
        complaints += try await settleFree()
        var down = DownOptions()
        down.volumes = true
        down.removeOrphans = true
        let outcome = try await perform(request(.down(down)))
        if outcome.status != .succeeded { complaints.append("down: \(outcome.errors.map(\.message))") }
        let world = machine.world
        complaints += world.containers.values.map { "left: container \($0.name)" }.sorted()
        complaints += world.networks.map { "left: network \($0)" }
        complaints += world.volumes.map { "left: volume \($0)" }.sorted()
        complaints += world.published.map { "left: port \($0)" } + world.ports.keys.map { "held: port \($0)" }
        let content = try await Store(path: "\(folder)/\(incarnation)/engine.db").load()
        complaints += content.containers.map { "left: record of \($0.name)" } + content.networks.map(\.name)
        complaints += content.volumes.map { "left: record of volume \($0.name)" } + content.desired.keys.sorted()
        return complaints + world.violations
    }

    private func freeContainers(all: Bool) async -> [ContainerRow] {
        await engine.containers(all: all).filter { $0.project.isEmpty }
    }

    /// Containers that run as far as the engine knows, and do not.
    private func unnoticedEnds() async -> [String] {
        let running = machine.world.containers.filter { $0.value.isUp }.keys
        let rows = await engine.containers(of: "demo", all: false) + freeContainers(all: false)
        return rows.filter { [.running, .paused].contains($0.state) && !running.contains($0.id) }.map(\.name)
    }

    private func whatRuns(insteadOf wanted: [String]) -> [String] {
        let replicas = machine.world.containers.values.filter {
            !$0.name.contains("-run-") && !$0.name.hasPrefix("free")
        }
        let running = replicas.filter { $0.phase == .running }.map(\.name).sorted()
        let others = replicas.filter { $0.phase != .running }.map { "\($0.name): \($0.phase)" }
        let isRight = running == wanted && others.isEmpty
        return isRight ? [] : ["after up there run \(running), and there are \(others.sorted())"]
    }

    // MARK: Crashes

    /// From the crash on the old engine acts on nothing, and the next one finds the database as it was in that moment.
    private func prepareCrash(afterCalls count: Int) {
        let old = "\(folder)/\(incarnation)"
        let new = "\(folder)/\(incarnation + 1)"
        machine.plan(
            .init(afterCalls: count, takesEffect: chance(50)) { Self.copyDatabase(from: old, to: new) })
    }

    static func copyDatabase(from old: String, to new: String) {
        try? makeFolders(new, mode: 0o700)
        for name in ["engine.db", "engine.db-wal"] {
            guard let bytes = try? readFile("\(old)/\(name)") else { continue }
            try? writeFileAtomically("\(new)/\(name)", bytes)
        }
    }

    private func reboot() async throws {
        // Where the operation ended before it came to the crash, the crash comes at the next call, whoever makes it.
        if !machine.isCrashed { prepareCrash(afterCalls: 0) }
        for _ in 0..<1000 where !machine.isCrashed {
            _ = try? await machine.apply(NetworkChange())
        }
        let new = "\(folder)/\(incarnation + 1)"
        incarnation += 1
        (engine, machine) = try await Self.engine(
            new, seed: random.next(), world: machine.world, clock: machine.now() + 1_000_000)
        await engine.start()
    }

    /// Something happens to the machine by itself.
    private func disturb() {
        let running = machine.world.containers.filter { $0.value.phase == .running }.keys.sorted()
        if let first = running.first, chance(70) {
            switch random.next() % 3 {
            case 0:
                machine.loseMonitor(of: first)
                story.append("a monitor was killed")
            case let other:
                machine.end(first, code: Int(other) - 1)
                story.append("a container ended with \(other - 1)")
            }
        } else if let network = machine.world.networks.sorted().first {
            machine.loseNetwork(network)
            story.append("a bridge was deleted")
        }
    }

    // MARK: Requests

    private func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

    private func perform(_ request: OperationRequest) async throws -> OperationOutcome {
        let operation = try await engine.submit(request, to: "demo")
        return await outcome(of: operation, isInterrupted: mayInterrupt && chance(10))
    }

    /// An engine that was killed tells nobody anything any more: what it had begun is given up.
    private func outcome(of operation: Operation, isInterrupted: Bool = false) async -> OperationOutcome {
        let machine = machine
        let watch = Task {
            while !machine.isCrashed, !isInterrupted { try await Task.sleep(for: .milliseconds(1)) }
            if isInterrupted { try await Task.sleep(for: .milliseconds(2)) }
            operation.cancel(force: !isInterrupted)
        }
        for await _ in operation.events() {}
        watch.cancel()
        return operation.outcome ?? OperationOutcome(status: .failed)
    }

    /// `run -d`, with or without `--rm`.
    private func runOneOff() async throws -> OperationOutcome.Status {
        let wanted = project(level: 1)
        guard let service = wanted.service("web") else { return .failed }
        let operation = try await engine.run(
            RunRequest(key: "\(random.next())", project: wanted, service: service, remove: chance(50)), in: "demo")
        let outcome = await outcome(of: operation)
        for await case .created(let row) in operation.events() { try? await engine.release(row.id) }
        return outcome.status
    }

    /// A container of no project: made, or one that is there is asked for something.
    private func handleFree() async throws -> String {
        let rows = await freeContainers(all: true)
        if rows.count < 3, chance(50) {
            var template = ContainerTemplate(image: "busybox")
            template.command = ["sleep", "infinity"]
            if chance(50) { template.restart = .always }
            if chance(30) {
                template.volumes = [
                    ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/scratch")
                ]
            }
            if chance(30) { template.ports = [PortMapping(target: 80)] }
            let name = "free\(random.next() % 100_000)"
            let operation = try await engine.create(
                ContainerRequest(key: "\(random.next())", name: name, template: template, starts: chance(80)))
            return "create \(name) → \(await outcome(of: operation, isInterrupted: mayInterrupt && chance(10)).status)"
        }
        guard let row = rows.randomElement(using: &random) else { return "no free container" }
        return try await handle(row)
    }

    /// A replica or a one-off is asked for something by itself.
    private func handleSingle() async throws -> String {
        let rows = await engine.containers(of: "demo", all: true)
        guard let row = rows.randomElement(using: &random) else { return "no container" }
        return try await handle(row)
    }

    private func handle(_ row: ContainerRow) async throws -> String {
        let verbs: [Verb] = [
            .start(wait: false, waitTimeout: nil), .stop(timeout: nil), .restart(timeout: nil, dependents: false),
            .pause, .unpause, .kill(signal: "KILL", removeOrphans: false), .remove(stop: chance(50), volumes: true),
        ]
        guard let verb = verbs.randomElement(using: &random) else { return "" }
        let key = "\(random.next())"
        do {
            let operation = try await engine.submit(OperationRequest(key: key, verb: verb), toContainer: row.id)
            return "\(verb) \(row.name) → \(await outcome(of: operation).status)"
        } catch {
            // It went meanwhile: an end with `--rm`.
            return "\(verb) \(row.name): it is gone"
        }
    }

    /// Every container of no project runs when it is asked to, and goes when it is.
    private func settleFree() async throws -> [String] {
        var complaints: [String] = []
        for row in await freeContainers(all: true) {
            let restart = OperationRequest(
                key: "\(random.next())", verb: .restart(timeout: nil, dependents: false))
            let outcome = await outcome(of: try await engine.submit(restart, toContainer: row.id))
            if outcome.status != .succeeded {
                complaints.append("restart \(row.name): \(outcome.errors.map(\.message))")
            }
            let phase = machine.world.containers[row.id]?.phase
            if phase != .running { complaints.append("\(row.name) is \(String(describing: phase))") }
            try await engine.removeContainer(row.id, force: true)
        }
        if machine.world.networks.contains("bridge") { _ = try await engine.removeNetworks(["bridge"], force: true) }
        return complaints
    }

    private func request(_ verb: Verb, _ project: Project? = nil) -> OperationRequest {
        OperationRequest(key: "\(random.next())", verb: verb, project: project)
    }

    private func nextRequest() -> OperationRequest {
        var up = UpOptions()
        var down = DownOptions()
        switch random.next() % 16 {
        case 0...5:
            if chance(20) { up.recreate = .force }
            up.removeOrphans = chance(30)
            if chance(20) { up.scale = ["web": Int(random.next() % 3)] }
            return request(.up(up), project(level: Int(random.next() % 3), without: chance(20) ? "api" : nil))
        case 6: return request(.stop(timeout: nil))
        case 7: return request(.start(wait: false, waitTimeout: nil))
        case 8: return request(.restart(timeout: nil, dependents: chance(50)))
        case 9: return request(.pause)
        case 10: return request(.unpause)
        case 11: return request(.kill(signal: "KILL", removeOrphans: false))
        case 12: return request(.remove(stop: chance(50), volumes: chance(50)))
        case 13: return request(.create(up), project(level: Int(random.next() % 3)))
        default:
            down.volumes = chance(40)
            return request(.down(down))
        }
    }

    /// A database with a volume, an interface to it in one or two replicas, and a page in front, at different stages of writing.
    private func project(level: Int, without missing: String? = nil) -> Project {
        var project = Project(name: "demo", services: [])
        project.networks = ["default": NetworkDefinition(name: "demo_default")]
        project.networks["side"] = NetworkDefinition(name: "demo_side")
        project.volumes = ["data": VolumeDefinition(name: Self.volume)]
        for name in ["api", "db", "web"] where name != missing {
            var service = Service(name: name, image: "busybox")
            service.command = ["sleep", "infinity"]
            service.networks = [NetworkAttachment(network: "default")]
            switch name {
            case "db":
                service.volumes = [
                    ServiceVolume(kind: .volume(source: "data", noCopy: false, subpath: nil), target: "/data"),
                    ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/scratch"),
                ]
                service.restart = .always
                service.healthcheck = Healthcheck(test: ["CMD", "true"])
                service.ports = [PortMapping(target: 5432, published: "5432")]
            case "api":
                service.dependsOn = [Dependency(service: "db", condition: .healthy)]
                service.environment["LEVEL"] = "\(level)"
                if level == 2 { service.networks.append(NetworkAttachment(network: "side")) }
            default:
                service.scale = 1 + level % 2
                // Changed in place.
                service.environment["LEVEL"] = "\(level)"
                service.updateConfig = UpdateRules()
                service.updateConfig?.order = level == 0 ? .stopFirst : .startFirst
                service.updateConfig?.failureAction = level == 2 ? .rollback : .pause
                service.updateConfig?.monitor = .milliseconds(500)
                service.labels["level"] = "\(level)"
                service.ports = [PortMapping(target: 80, published: level == 2 ? "8090-8099" : "8080-8089")]
                if level == 1 { service.networks.append(NetworkAttachment(network: "side")) }
                if missing == nil {
                    service.dependsOn = [Dependency(service: "api", condition: .started, restart: true)]
                }
            }
            project.services.append(service)
        }
        return project
    }
}
